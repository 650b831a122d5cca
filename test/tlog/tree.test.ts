import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyConsistency, verifyInclusion } from '../../src/tlog/merkle.ts';
import {
  edgeFromTiles,
  proveConsistency,
  proveInclusion,
  tilesForConsistency,
  tilesForEdge,
  tilesForInclusion,
} from '../../src/tlog/tiled-tree.ts';
import type { ReadTile } from '../../src/tlog/tiled-tree.ts';
import { appendLeaves, emptyEdge, partialTiles, proveAppended, rootOf } from '../../src/tlog/tree.ts';
import { MemoryTiles, mth, path, subproof, testLeafHash, testLeafHashes } from './reference.ts';

const plain = (hashes: readonly Uint8Array[]): string[] =>
  hashes.map((hash) => Buffer.from(hash).toString('hex'));

const sizes = [1, 2, 3, 4, 7, 8, 9, 31, 64, 100, 255, 256, 257, 300, 511, 512, 513, 600];

const batches = fc.array(fc.integer({ min: 0, max: 130 }), { minLength: 1, maxLength: 8 });

describe('the edge of a tree', () => {
  it('has the root that the RFC gives, at every size up to 600', () => {
    const leaves = testLeafHashes(600);
    let edge = emptyEdge;
    expect(plain([rootOf(edge)])).toEqual(plain([mth([])]));
    leaves.forEach((leaf, i) => {
      edge = appendLeaves(edge, [leaf]).edge;
      if (i % 7 === 0 || sizes.includes(i + 1)) {
        expect(plain([rootOf(edge)])).toEqual(plain([mth(leaves.slice(0, i + 1))]));
      }
    });
  });

  it('is the same however the leaves were split into batches, and the same when read from tiles', () => {
    fc.assert(
      fc.property(batches, (lengths) => {
        const tiles = new MemoryTiles();
        for (const length of lengths) tiles.append(testLeafHashes(length, tiles.edge.size));
        const { size } = tiles.edge;
        const atOnce = appendLeaves(emptyEdge, testLeafHashes(size)).edge;
        expect(tiles.edge).toEqual(atOnce);
        expect(edgeFromTiles(size, tiles.read)).toEqual(atOnce);
      }),
      { numRuns: 30 },
    );
  });

  it('hands out every tile exactly once, with the hashes and the root that the RFC gives', () => {
    const leaves = testLeafHashes(1_030);
    const seen = new Map<string, string>();
    let edge = emptyEdge;
    for (let from = 0; from < leaves.length; from += 103) {
      const { edge: after, tiles } = appendLeaves(edge, leaves.slice(from, from + 103));
      for (const tile of tiles) {
        expect(seen.has(`${tile.level}/${tile.index}`)).toBe(false);
        const under = leaves.slice(tile.index * 256, (tile.index + 1) * 256);
        expect(Buffer.from(tile.hashes).equals(Buffer.concat(under))).toBe(true);
        seen.set(`${tile.level}/${tile.index}`, plain([tile.root]).join());
        expect(plain([tile.root])).toEqual(plain([mth(under)]));
      }
      edge = after;
    }
    expect([...seen.keys()]).toEqual(['0/0', '0/1', '0/2', '0/3']);
    expect(partialTiles(edge).map(({ level, index, width }) => [level, index, width])).toEqual([
      [0, 4, 6],
      [1, 0, 4],
    ]);
  });

  it('completes a tile of the second level with the last leaf of 65,536, and climbs on', () => {
    // Every leaf the same: then a complete subtree of each height has one hash, and the reference is cheap.
    const leaf = testLeafHash(0);
    const { edge } = appendLeaves(
      emptyEdge,
      Array.from({ length: 65_535 }, () => leaf),
    );
    const { edge: full, tiles } = appendLeaves(edge, [leaf, leaf]);
    expect(tiles.map(({ level, index }) => [level, index])).toEqual([
      [0, 255],
      [1, 0],
    ]);
    expect(full.levels.map((hashes) => hashes.length)).toEqual([1, 0, 1]);
    expect(plain(full.levels[2] ?? [])).toEqual(plain(tiles.slice(1).map((tile) => tile.root)));
  });

  it('is a value: an append leaves the edge before as it was', () => {
    const { edge } = appendLeaves(emptyEdge, testLeafHashes(255));
    const copy = structuredClone(edge);
    appendLeaves(edge, testLeafHashes(300));
    expect(edge).toEqual(copy);
    expect(appendLeaves(edge, []).edge).toBe(edge);
  });

  it('takes no leaf hash that is not 32 bytes, and no size past 2^53 - 1', () => {
    const internal = expect.objectContaining({ code: 'INTERNAL' }) as unknown as Error;
    expect(() => appendLeaves(emptyEdge, [new Uint8Array(31)])).toThrow(internal);
    const last = edgeFromTiles(Number.MAX_SAFE_INTEGER, inventedTile);
    expect(() => appendLeaves(last, testLeafHashes(1))).toThrow(internal);
  });
});

describe('a proof of what was just appended', () => {
  it('is the one of the RFC, for every entry of a batch, wherever the batch begins', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 1, max: 80 }), (oldSize, count) => {
        const leaves = testLeafHashes(oldSize + count);
        const { edge: before } = appendLeaves(emptyEdge, leaves.slice(0, oldSize));
        const batch = leaves.slice(oldSize);
        const { edge: after } = appendLeaves(before, batch);
        const prove = proveAppended(before, batch, after);
        for (const offset of [0, count >> 1, count - 1]) {
          expect(plain(prove(offset))).toEqual(plain(path(oldSize + offset, leaves)));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('verifies for all entries of a batch across a tile boundary', () => {
    const leaves = testLeafHashes(600);
    const { edge: before } = appendLeaves(emptyEdge, leaves.slice(0, 200));
    const batch = leaves.slice(200);
    const { edge: after } = appendLeaves(before, batch);
    const prove = proveAppended(before, batch, after);
    const root = rootOf(after);
    batch.forEach((leafHash, offset) => {
      const hashes = prove(offset);
      expect(verifyInclusion({ index: 200 + offset, size: 600, leafHash, root, hashes })).toBe(true);
    });
  });

  it.each([2 ** 31 - 30, 2 ** 32 - 30, 2 ** 40 + 12_345, 2 ** 53 - 1 - 64])(
    'holds where bit operators would not: after %d entries',
    (oldSize) => {
      const before = edgeFromTiles(oldSize, inventedTile);
      const batch = testLeafHashes(64);
      const { edge: after } = appendLeaves(before, batch);
      const prove = proveAppended(before, batch, after);
      batch.forEach((leafHash, offset) => {
        const claim = {
          index: oldSize + offset,
          size: after.size,
          leafHash,
          root: rootOf(after),
          hashes: prove(offset),
        };
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, index: claim.index - 1 })).toBe(false);
      });
    },
  );

  it('is not made for entries that were there before, nor from edges that do not follow each other', () => {
    const internal = expect.objectContaining({ code: 'INTERNAL' }) as unknown as Error;
    const batch = testLeafHashes(3);
    const { edge } = appendLeaves(emptyEdge, batch);
    const prove = proveAppended(emptyEdge, batch, edge);
    for (const offset of [-1, 3, 0.5, NaN]) expect(() => prove(offset)).toThrow(internal);
    expect(() => proveAppended(edge, batch, edge)).toThrow(internal);
  });
});

describe('a proof from tiles', () => {
  const leaves = testLeafHashes(600);
  const tiles = new MemoryTiles();
  tiles.append(leaves);

  it('is the one of the RFC for sampled entries and sizes, also sizes of the past', () => {
    for (const size of sizes) {
      const now = leaves.slice(0, size);
      for (const index of new Set([0, 1, size >> 1, size - 2, size - 1].filter((i) => i >= 0 && i < size))) {
        expect(plain(proveInclusion(index, size, tiles.read))).toEqual(plain(path(index, now)));
      }
    }
  });

  it('verifies for every entry of a tree', () => {
    const root = rootOf(tiles.edge);
    for (let index = 0; index < 600; index++) {
      const hashes = proveInclusion(index, 600, tiles.read);
      expect(verifyInclusion({ index, size: 600, leafHash: testLeafHash(index), root, hashes })).toBe(true);
    }
  });

  it('of consistency is the one of the RFC between sampled sizes', () => {
    for (const newSize of sizes) {
      for (const oldSize of sizes.filter((size) => size <= newSize)) {
        const now = leaves.slice(0, newSize);
        expect(plain(proveConsistency(oldSize, newSize, tiles.read))).toEqual(plain(subproof(oldSize, now)));
      }
    }
  });

  it('of consistency verifies between the edges of a growing tree', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), fc.integer({ min: 0, max: 700 }), (oldSize, more) => {
        const grown = new MemoryTiles();
        grown.append(testLeafHashes(oldSize));
        const oldRoot = rootOf(grown.edge);
        grown.append(testLeafHashes(more, oldSize));
        const claim = { oldSize, newSize: oldSize + more, oldRoot, newRoot: rootOf(grown.edge) };
        const hashes = proveConsistency(oldSize, oldSize + more, grown.read);
        expect(verifyConsistency({ ...claim, hashes })).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it('reads exactly the tiles that it names, in the width that the tree size gives them', () => {
    const size = 70_000;
    const asked: string[] = [];
    const record: ReadTile = (level, index, width) => {
      asked.push(`${level}/${index}.${width}`);
      return inventedTile(level, index, width);
    };
    const names = (refs: ReturnType<typeof tilesForInclusion>): string[] =>
      refs.map(({ level, index, width }) => `${level}/${index}.${width}`).sort();

    proveInclusion(69_999, size, record);
    expect(asked.splice(0).sort()).toEqual(names(tilesForInclusion(69_999, size)));
    expect(names(tilesForInclusion(69_999, size))).toEqual(['0/273.112', '1/1.17', '2/0.1']);
    expect(names(tilesForInclusion(0, size))).toContain('0/0.256');
    proveConsistency(300, size, record);
    expect(asked.splice(0).sort()).toEqual(names(tilesForConsistency(300, size)));
    edgeFromTiles(size, record);
    expect(asked.splice(0).sort()).toEqual(names(tilesForEdge(size)));
    expect(names(tilesForEdge(size))).toEqual(['0/273.112', '1/1.17', '2/0.1']);
    expect(names(tilesForEdge(65_536))).toEqual(['2/0.1']);
    expect(tilesForEdge(0)).toEqual([]);
    expect(tilesForInclusion(0, 1)).toEqual([]);
    expect(tilesForConsistency(5, 5)).toEqual([]);
  });

  it('refuses a tile that is shorter than its tree, or no row of hashes', () => {
    const corrupt = expect.objectContaining({ code: 'LEDGER_CORRUPT' }) as unknown as Error;
    for (const length of [0, 31, 32, 33, 44 * 32 - 32, 257 * 32]) {
      const short: ReadTile = () => new Uint8Array(length);
      expect(() => proveInclusion(290, 300, short)).toThrow(corrupt);
      expect(() => edgeFromTiles(300, short)).toThrow(corrupt);
    }
  });

  it('is asked for entries and sizes that exist', () => {
    const internal = expect.objectContaining({ code: 'INTERNAL' }) as unknown as Error;
    for (const [index, size] of [
      [1, 1],
      [0, 0],
      [-1, 4],
      [0.5, 4],
      [0, 2 ** 53],
      [NaN, 4],
    ] as const) {
      expect(() => proveInclusion(index, size, tiles.read)).toThrow(internal);
    }
    for (const [oldSize, newSize] of [
      [0, 4],
      [5, 4],
      [-1, 4],
      [1, 2 ** 53],
    ] as const) {
      expect(() => proveConsistency(oldSize, newSize, tiles.read)).toThrow(internal);
    }
  });
});

/** A tile whose hashes nobody computed: an edge is a valid edge over any partial tiles. */
function inventedTile(level: number, index: number, width: number): Uint8Array {
  return Buffer.concat(
    Array.from({ length: width }, (_, i) => testLeafHash(level * 1e9 + (index % 1e6) * 1e3 + i)),
  );
}
