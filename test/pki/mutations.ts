import fc from 'fast-check';
import { expect } from 'vitest';
import { CountersignError } from '../../src/errors.ts';

/** Copies of `original` with a few bytes overwritten, cut out or put in. */
export function mutationsOf(original: Uint8Array): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.nat({ max: original.length }),
    cut: fc.nat({ max: 3 }),
    put: fc.uint8Array({ maxLength: 3 }),
  });
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    const bytes = [...original];
    for (const { at, cut, put } of edits) bytes.splice(at, cut, ...put);
    return Uint8Array.from(bytes);
  });
}

/** `parse` answers or throws FRAME_INVALID, whatever it is given; what it accepts it holds as it was. */
export function expectStrictUnderMutation(original: Uint8Array, parse: (bytes: Uint8Array) => unknown): void {
  fc.assert(
    fc.property(mutationsOf(original), (mutated) => {
      const before = mutated.slice();
      try {
        parse(mutated);
      } catch (error) {
        expect(error).toBeInstanceOf(CountersignError);
        expect(error).toMatchObject({ code: 'FRAME_INVALID' });
      }
      expect(mutated).toEqual(before);
    }),
    { numRuns: 3000 },
  );
}
