import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/call/bytes.ts';
import { emptyRoot, leafHash, verifyConsistency, verifyInclusion } from '../../src/tlog/merkle.ts';
import type { ConsistencyClaim, InclusionClaim } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import { vectorJson } from '../support/vectors.ts';
import { flipBit, path, subproof } from './reference.ts';

/**
 * `test/vectors/merkle/`: the proofs of transparency-dev/merkle over the reference tree of Certificate Transparency. Its
 * suite also says which damages a verifier must notice; `damagedInclusion` and `damagedConsistency` are those, and a few of
 * our own.
 */
interface Suite {
  readonly leaves: readonly string[];
  readonly roots: readonly string[];
  /** A hash that has nothing to do with the tree. */
  readonly otherHash: string;
  /** `leaf` counts from 1. */
  readonly inclusion: readonly {
    readonly leaf: number;
    readonly size: number;
    readonly proof: readonly string[];
  }[];
  readonly consistency: readonly {
    readonly size1: number;
    readonly size2: number;
    readonly proof: readonly string[];
  }[];
}

const bytes = (text: string): Uint8Array => fromHex(text) ?? expect.unreachable(`not hexadecimal: ${text}`);
const suite = vectorJson('merkle/verify_test.json') as Suite;
const leafHashes = suite.leaves.map((leaf) => leafHash(bytes(leaf)));
const roots = suite.roots.map(bytes);
const otherHash = bytes(suite.otherHash);
const short = new TextEncoder().encode('WrongRoot');
const nothing = new Uint8Array(0);

const inclusionClaim = (index: number, size: number, hashes: readonly Uint8Array[]): InclusionClaim => ({
  index,
  size,
  leafHash: leafHashes[index] ?? nothing,
  root: roots[size - 1] ?? nothing,
  hashes,
});
const consistencyClaim = (
  oldSize: number,
  newSize: number,
  hashes: readonly Uint8Array[],
): ConsistencyClaim => ({
  oldSize,
  newSize,
  oldRoot: roots[oldSize - 1] ?? nothing,
  newRoot: roots[newSize - 1] ?? nothing,
  hashes,
});

type Damaged<Claim> = Readonly<Record<string, Partial<Claim>>>;

function damagedInclusion({ index, size, root, hashes }: InclusionClaim): Damaged<InclusionClaim> {
  return {
    'index - 1': { index: index - 1 },
    'index + 1': { index: index + 1 },
    'index xor 2': { index: index ^ 2 },
    'size * 2': { size: size * 2 },
    'size / 2': { size: Math.floor(size / 2) },
    'a leaf that is no hash': { leafHash: short },
    'the leaf of another': { leafHash: otherHash },
    'the root of nothing': { root: emptyRoot },
    'another root': { root: otherHash },
    ...damagedHashes(hashes, { root }),
    ...flipped(hashes, 3),
    ...(hashes.length > 1 && {
      'a hash put in': { hashes: [hashes[0]!, otherHash, ...hashes.slice(1)] },
      'two hashes swapped': { hashes: [hashes[1]!, hashes[0]!, ...hashes.slice(2)] },
    }),
  };
}

function damagedConsistency(claim: ConsistencyClaim): Damaged<ConsistencyClaim> {
  const { oldSize, newSize, oldRoot, newRoot, hashes } = claim;
  return {
    'old size - 1': { oldSize: oldSize - 1 },
    'old size + 1': { oldSize: oldSize + 1 },
    'old size xor 2': { oldSize: oldSize ^ 2 },
    'new size * 2': { newSize: newSize * 2 },
    'new size / 2': { newSize: Math.floor(newSize / 2) },
    'an old root that is no hash': { oldRoot: short },
    'a new root that is no hash': { newRoot: short },
    'roots swapped': { oldRoot: newRoot, newRoot: oldRoot },
    'no proof': { hashes: [] },
    'the first hash twice': { hashes: [hashes[0]!, ...hashes] },
    ...damagedHashes(hashes, { 'old root': oldRoot, 'new root': newRoot }),
    ...flipped(hashes, 4),
  };
}

/** Something before or after the hashes, or one of them gone. */
function damagedHashes(
  hashes: readonly Uint8Array[],
  known: Readonly<Record<string, Uint8Array>>,
): Damaged<{ readonly hashes: readonly Uint8Array[] }> {
  const added = Object.entries({ 'an empty hash': nothing, ...known }).flatMap(([what, hash]) => [
    [`${what} after it`, { hashes: [...hashes, hash] }],
    [`${what} before it`, { hashes: [hash, ...hashes] }],
  ]);
  return {
    ...(Object.fromEntries(added) as Damaged<{ readonly hashes: readonly Uint8Array[] }>),
    ...(hashes.length > 0 && {
      'the last hash gone': { hashes: hashes.slice(0, -1) },
      'the first hash gone': { hashes: hashes.slice(1) },
    }),
  };
}

function flipped(
  hashes: readonly Uint8Array[],
  bit: number,
): Damaged<{ readonly hashes: readonly Uint8Array[] }> {
  return Object.fromEntries(
    hashes.map((hash, i) => [
      `bit ${bit} of hash ${i} flipped`,
      { hashes: hashes.with(i, flipBit(hash, bit)) },
    ]),
  );
}

describe('the reference tree', () => {
  it('has the roots that everybody has', () => {
    const ours = leafHashes.map((_, i) => rootOf(appendLeaves(emptyEdge, leafHashes.slice(0, i + 1)).edge));
    expect(ours).toEqual(roots);
  });
});

describe('an inclusion proof of the vectors', () => {
  const sound = suite.inclusion.filter(({ leaf }) => leaf > 0);
  const cases = sound.map(({ leaf, size, proof }) => [leaf - 1, size, proof.map(bytes)] as const);

  it.each(cases)(
    'of leaf %i in the tree of %i verifies, and is the one that the RFC makes',
    (index, size, hashes) => {
      expect(verifyInclusion(inclusionClaim(index, size, hashes))).toBe(true);
      expect(path(index, leafHashes.slice(0, size))).toEqual(hashes);
    },
  );

  it('of no leaf in no tree is none', () => {
    expect(suite.inclusion.length - sound.length).toBe(1);
    expect(verifyInclusion(inclusionClaim(-1, 0, []))).toBe(false);
    for (const [index, size] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [2, 1],
    ] as const) {
      for (const [leaf, root] of [
        [otherHash, nothing],
        [nothing, emptyRoot],
        [otherHash, emptyRoot],
      ] as const) {
        expect(verifyInclusion({ index, size, leafHash: leaf, root, hashes: [] })).toBe(false);
      }
    }
  });

  it('of a tree of one leaf is the leaf itself, and nothing else is', () => {
    const only = leafHash(new TextEncoder().encode('data'));
    const claim = { index: 0, size: 1, hashes: [] };
    expect(verifyInclusion({ ...claim, leafHash: only, root: only })).toBe(true);
    expect(verifyInclusion({ ...claim, leafHash: nothing, root: only })).toBe(false);
    expect(verifyInclusion({ ...claim, leafHash: only, root: nothing })).toBe(false);
    expect(verifyInclusion({ ...claim, leafHash: nothing, root: nothing })).toBe(false);
  });

  it('verifies with none of the damages that a verifier must notice, in any tree of the reference', () => {
    const accepted: string[] = [];
    for (let size = 1; size <= leafHashes.length; size++) {
      for (let index = 0; index < size; index++) {
        const claim = inclusionClaim(index, size, path(index, leafHashes.slice(0, size)));
        expect(verifyInclusion(claim)).toBe(true);
        for (const [damage, change] of Object.entries(damagedInclusion(claim))) {
          if (verifyInclusion({ ...claim, ...change })) accepted.push(`${index} of ${size}: ${damage}`);
        }
      }
    }
    expect(accepted).toEqual([]);
  });
});

describe('a consistency proof of the vectors', () => {
  const cases = suite.consistency.map(({ size1, size2, proof }) => [size1, size2, proof.map(bytes)] as const);

  it.each(cases)('from %i to %i leaves verifies, and is the one that the RFC makes', (from, to, hashes) => {
    expect(verifyConsistency(consistencyClaim(from, to, hashes))).toBe(true);
    expect(subproof(from, leafHashes.slice(0, to))).toEqual(hashes);
  });

  it('verifies with none of the damages that a verifier must notice, between any two trees of the reference', () => {
    const accepted: string[] = [];
    for (let to = 2; to <= leafHashes.length; to++) {
      for (let from = 1; from < to; from++) {
        const claim = consistencyClaim(from, to, subproof(from, leafHashes.slice(0, to)));
        expect(verifyConsistency(claim)).toBe(true);
        for (const [damage, change] of Object.entries(damagedConsistency(claim))) {
          if (verifyConsistency({ ...claim, ...change })) accepted.push(`${from} to ${to}: ${damage}`);
        }
      }
    }
    expect(accepted).toEqual([]);
  });

  const [a, b] = [roots[0]!, roots[1]!];
  it.each([
    ['of equal sizes and other roots', 1, 1, a, b, [], false],
    ['of equal sizes and equal roots', 1, 1, b, b, [], true],
    ['of equal sizes, with a hash too many', 1, 1, emptyRoot, emptyRoot, [emptyRoot], false],
    ['back to nothing', 1, 0, a, b, [], false],
    ['back to fewer leaves', 2, 1, a, b, [], false],
    ['without hashes, where some are needed', 1, 2, a, b, [], false],
    ['of two empty trees with other roots', 0, 0, emptyRoot, b, [], false],
    ['of two empty trees, with a hash too many', 0, 0, emptyRoot, emptyRoot, [emptyRoot], false],
    ['from nothing, with a hash', 0, 1, emptyRoot, emptyRoot, [emptyRoot], false],
  ] as const)(
    '%s is decided as the suite decides it',
    (_, oldSize, newSize, oldRoot, newRoot, hashes, sound) => {
      expect(verifyConsistency({ oldSize, newSize, oldRoot, newRoot, hashes })).toBe(sound);
    },
  );

  // The one place where we refuse what the suite accepts. Every tree extends the empty one, so such a proof shows nothing,
  // and whoever asks for consistency with a head that they kept must not be answered for a head that they never had.
  it.each([
    ['of the empty tree with itself', 0, 0, a, a],
    ['from the empty tree to one of any root', 0, 1, a, b],
  ] as const)('%s is refused, though the suite accepts it', (_, oldSize, newSize, oldRoot, newRoot) => {
    expect(verifyConsistency({ oldSize, newSize, oldRoot, newRoot, hashes: [] })).toBe(false);
  });
});
