import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyRoot, leafHash, nodeHash, verifyConsistency, verifyInclusion } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import { flipBit, mth, path, subproof, testLeafHash, testLeafHashes } from './reference.ts';

/** The leaves and roots that implementations of RFC 6962 have checked themselves against since Certificate Transparency began. */
const referenceLeaves = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const referenceRoots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('hashes', () => {
  it('are those of RFC 6962: the empty tree, a leaf, a node', () => {
    expect(Buffer.from(emptyRoot).toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    // RFC 6962's own empty leaf: SHA-256 of one zero byte.
    expect(Buffer.from(leafHash(new Uint8Array(0))).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
    const [left, right] = [testLeafHash(0), testLeafHash(1)];
    expect(nodeHash(left, right)).toEqual(Uint8Array.from(mth([left, right])));
  });

  it('make the roots of the reference trees', () => {
    const leaves = referenceLeaves.map((leaf) => leafHash(Uint8Array.from(Buffer.from(leaf, 'hex'))));
    const roots = leaves.map((_, i) => rootOf(appendLeaves(emptyEdge, leaves.slice(0, i + 1)).edge));
    expect(roots.map((root) => Buffer.from(root).toString('hex'))).toEqual(referenceRoots);
  });

  it('of a node are not made of anything but two hashes', () => {
    expect(() => nodeHash(new Uint8Array(31), new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
    expect(() => nodeHash(new Uint8Array(32), new Uint8Array(33))).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
  });
});

describe('an inclusion proof', () => {
  it('of the RFC verifies for every index of every small tree', () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = testLeafHashes(size);
      const root = mth(leaves);
      leaves.forEach((hash, index) => {
        expect(verifyInclusion({ index, size, leafHash: hash, root, hashes: path(index, leaves) })).toBe(
          true,
        );
      });
    }
  });

  it('fails with any one bit changed, a hash more or less, or another index', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), (size, indexSeed, bitSeed) => {
        const leaves = testLeafHashes(size);
        const index = indexSeed % size;
        const hashes = path(index, leaves);
        const claim = { index, size, leafHash: testLeafHash(index), root: mth(leaves), hashes };
        const bit = bitSeed % 256;
        const target = bitSeed % Math.max(hashes.length, 1);
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, leafHash: flipBit(claim.leafHash, bit) })).toBe(false);
        expect(verifyInclusion({ ...claim, root: flipBit(claim.root, bit) })).toBe(false);
        expect(verifyInclusion({ ...claim, hashes: [...hashes, claim.root] })).toBe(false);
        expect(verifyInclusion({ ...claim, hashes: [claim.root, ...hashes] })).toBe(false);
        for (let other = 0; other < 10; other++) {
          if (other !== index) expect(verifyInclusion({ ...claim, index: other })).toBe(false);
          expect(verifyInclusion({ ...claim, index: index + size * 2 ** other })).toBe(false);
        }
        if (hashes.length === 0) return;
        expect(verifyInclusion({ ...claim, hashes: hashes.slice(1) })).toBe(false);
        expect(verifyInclusion({ ...claim, hashes: hashes.slice(0, -1) })).toBe(false);
        const changed = hashes.map((hash, i) => (i === target ? flipBit(hash, bit) : hash));
        expect(verifyInclusion({ ...claim, hashes: changed })).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it('fails for every other size whose way from leaf to root is of another length', () => {
    const leaves = testLeafHashes(64);
    for (let size = 1; size <= 64; size++) {
      const own = leaves.slice(0, size);
      const index = size - 1;
      const hashes = path(index, own);
      const claim = { index, leafHash: testLeafHash(index), root: mth(own), hashes };
      for (let other = size; other <= 64; other++) {
        if (path(index, leaves.slice(0, other)).length === hashes.length) continue;
        expect(verifyInclusion({ ...claim, size: other })).toBe(false);
      }
    }
  });

  it('fails for numbers that are no counts', () => {
    const hash = testLeafHash(0);
    const claim = { index: 0, size: 1, leafHash: hash, root: hash, hashes: [] };
    expect(verifyInclusion(claim)).toBe(true);
    for (const index of [-1, -0.5, 0.5, 1, NaN, Infinity, 2 ** 53]) {
      expect(verifyInclusion({ ...claim, index })).toBe(false);
    }
    for (const size of [0, -1, 0.5, 1.5, NaN, Infinity, 2 ** 53]) {
      expect(verifyInclusion({ ...claim, size })).toBe(false);
    }
  });

  it('does not pass a node for a leaf', () => {
    const leaves = testLeafHashes(4);
    const node = mth(leaves.slice(0, 2));
    const claim = { leafHash: node, root: mth(leaves), hashes: [mth(leaves.slice(2))] };
    expect(verifyInclusion({ ...claim, index: 0, size: 4 })).toBe(false);
    // Whoever claims a tree of two is refused by the checkpoint's size, and by the leaf's own prefix.
    expect(leafHash(Buffer.concat(leaves.slice(0, 2)))).not.toEqual(Uint8Array.from(node));
  });
});

describe('a consistency proof', () => {
  it('of the RFC verifies between all small trees', () => {
    const leaves = testLeafHashes(40);
    for (let newSize = 1; newSize <= 40; newSize++) {
      const now = leaves.slice(0, newSize);
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        const claim = { oldSize, newSize, oldRoot: mth(now.slice(0, oldSize)), newRoot: mth(now) };
        expect(verifyConsistency({ ...claim, hashes: subproof(oldSize, now) })).toBe(true);
      }
    }
  });

  it('fails with any one bit changed, a hash more or less, or the trees swapped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(), (newSize, oldSeed, bitSeed) => {
        const leaves = testLeafHashes(newSize);
        const oldSize = 1 + (oldSeed % (newSize - 1));
        const hashes = subproof(oldSize, leaves);
        const claim = {
          oldSize,
          newSize,
          oldRoot: mth(leaves.slice(0, oldSize)),
          newRoot: mth(leaves),
          hashes,
        };
        const bit = bitSeed % 256;
        const target = bitSeed % hashes.length;
        expect(verifyConsistency(claim)).toBe(true);
        const wrong = [
          { ...claim, oldRoot: flipBit(claim.oldRoot, bit) },
          { ...claim, newRoot: flipBit(claim.newRoot, bit) },
          { ...claim, hashes: hashes.map((hash, i) => (i === target ? flipBit(hash, bit) : hash)) },
          { ...claim, hashes: hashes.slice(1) },
          { ...claim, hashes: hashes.slice(0, -1) },
          { ...claim, hashes: [...hashes, claim.newRoot] },
          { ...claim, hashes: [claim.oldRoot, ...hashes] },
          { ...claim, oldSize: newSize, newSize: oldSize },
          { ...claim, oldSize: 0 },
          { ...claim, oldSize: newSize },
          { ...claim, oldRoot: claim.newRoot, newRoot: claim.oldRoot },
        ];
        for (const bad of wrong) expect(verifyConsistency(bad)).toBe(false);
      }),
      { numRuns: 40 },
    );
  });

  it('says nothing about the empty tree, nor about numbers that are no counts', () => {
    const root = testLeafHash(0);
    expect(
      verifyConsistency({ oldSize: 0, newSize: 0, oldRoot: emptyRoot, newRoot: emptyRoot, hashes: [] }),
    ).toBe(false);
    for (const size of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(
        verifyConsistency({ oldSize: size, newSize: size, oldRoot: root, newRoot: root, hashes: [] }),
      ).toBe(false);
    }
  });
});
