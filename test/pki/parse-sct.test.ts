import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeSctList, parseSctList } from '../../src/pki/parse-sct.ts';
import { parseCertificate } from '../../src/pki/parse-certificate.ts';
import { expectStrictUnderMutation } from './mutations.ts';
import { vectorCertificate } from './vectors.ts';

const list = parseCertificate(vectorCertificate('leaf.pem')).sctList ?? new Uint8Array();
const invalid = expect.objectContaining({ code: 'FRAME_INVALID' });

it('a list of SCTs is written back byte for byte', () => {
  expect(encodeSctList(parseSctList(list))).toEqual(list);
});

it('whatever list of SCTs is written is read the same', () => {
  const sct = fc.record({
    logId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    timestamp: fc.maxSafeNat(),
    extensions: fc.uint8Array({ maxLength: 8 }),
    hash: fc.integer({ min: 0, max: 255 }),
    algorithm: fc.integer({ min: 0, max: 255 }),
    signature: fc.uint8Array({ maxLength: 80 }),
  });
  fc.assert(
    fc.property(fc.array(sct, { minLength: 1, maxLength: 8 }), (scts) => {
      expect(parseSctList(encodeSctList(scts))).toEqual(scts);
    }),
  );
});

it.each([
  ['an empty list', Uint8Array.of(0, 0)],
  ['nothing', new Uint8Array(0)],
  ['bytes after the list', Uint8Array.of(...list, 0)],
  ['an SCT of another version', Uint8Array.of(...list.subarray(0, 4), 1, ...list.subarray(5))],
  ['an SCT of a time beyond exact numbers', list.map((byte, i) => (i === 37 ? 0xff : byte))],
  ['nine SCTs', encodeSctList(Array.from({ length: 9 }, () => parseSctList(list)).flat())],
])('%s is refused', (_what, bytes) => {
  expect(() => parseSctList(bytes)).toThrow(invalid);
});

it('a changed list of SCTs is refused or read, and nothing else', () => {
  expectStrictUnderMutation(list, parseSctList);
});
