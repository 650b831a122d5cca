import type { TestTrustSystem } from '../../support/trust-system.ts';
import { allowedCall } from '../../verify/calls.ts';
import { vector, verifierCase } from './case.ts';
import type { VerifierCase } from './subject.ts';

/**
 * Answers and bundles with one byte changed, or a piece left out or said twice, at the same places in each run. Salts are
 * left as they are: one that opens nothing which is asked for may be any.
 */
export async function mutantCases(system: TestTrustSystem, count: number): Promise<VerifierCase[]> {
  const { answer } = await allowedCall(system);
  const salts = answer.indexOf('"openings"');
  const bundle = vector('bundle02.json');
  const next = random(1);
  return Array.from({ length: count }, (_, at) => {
    const [trust, original, end] =
      at % 2 === 0
        ? [vector('trusted_root.json'), bundle, bundle.length - 1]
        : [system.trustedRootBytes, Buffer.from(answer), salts];
    const place = next(end);
    const length = Math.min(next(40) + 1, end - place);
    const [before, piece, after] = [
      original.subarray(0, place),
      original.subarray(place, place + length),
      original.subarray(place + length),
    ];
    const mutants = [
      () =>
        Buffer.concat([
          before,
          Uint8Array.of((original[place] ?? 0) ^ (next(255) + 1)),
          original.subarray(place + 1),
        ]),
      () => Buffer.concat([before, after]),
      () => Buffer.concat([before, piece, piece, after]),
    ];
    const kind = next(8);
    return verifierCase(`mutant ${at}, at byte ${place}`, trust, (mutants[kind] ?? mutants[0]!)());
  });
}

/** A linear congruential generator: good enough to choose places, and the same everywhere. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
