import { CountersignError } from '../errors.ts';
import { edgeOf } from './tree.ts';
import type { TreeEdge } from './tree.ts';
import { hashLength, nodeHash } from './merkle.ts';
import { tileHeight, tileWidth } from './tile.ts';
import type { TileRef } from './tile.ts';

/**
 * Reads a stored tile: at least `width` hashes, concatenated (a full tile serves where a partial one is asked for: its
 * first hashes are the same). Throws what it likes when there is none.
 */
export type ReadTile = (level: number, index: number, width: number) => Uint8Array;

/** The tiles that `proveInclusion` reads. */
export function tilesForInclusion(index: number, size: number): readonly TileRef[] {
  return tilesOf(inclusionRanges(index, size), size);
}

/**
 * The inclusion proof of entry `index` in the tree of `size` leaves, from stored tiles. LEDGER_CORRUPT when a tile is too
 * short. It is as true as the tiles: verify it against a signed root before handing it out.
 */
export function proveInclusion(index: number, size: number, readTile: ReadTile): Uint8Array[] {
  return hashRanges(inclusionRanges(index, size), size, readTile);
}

/** The tiles that `proveConsistency` reads. */
export function tilesForConsistency(oldSize: number, newSize: number): readonly TileRef[] {
  return tilesOf(consistencyRanges(oldSize, newSize), newSize);
}

/** The proof that the tree of `newSize` leaves extends the tree of `oldSize` ≥ 1. Else as `proveInclusion`. */
export function proveConsistency(oldSize: number, newSize: number, readTile: ReadTile): Uint8Array[] {
  return hashRanges(consistencyRanges(oldSize, newSize), newSize, readTile);
}

/** The tiles that `edgeFromTiles` reads: the partial ones of a tree of `size` leaves, lowest level first. */
export function tilesForEdge(size: number): readonly TileRef[] {
  assertCount(size);
  const tiles: TileRef[] = [];
  for (let level = 0; tileWidth ** level <= size; level++) {
    const hashes = Math.floor(size / tileWidth ** level);
    const width = hashes % tileWidth;
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / tileWidth), width });
  }
  return tiles;
}

/**
 * The right edge of the stored tree of `size` leaves, read from its partial tiles alone. Compare `rootOf` it with the
 * signed checkpoint: that is what shows that the tiles are those of the log.
 */
export function edgeFromTiles(size: number, readTile: ReadTile): TreeEdge {
  const heights = bitLength(size);
  const levels = Array.from({ length: Math.ceil(heights / tileHeight) }, (): readonly Uint8Array[] => []);
  for (const { level, index, width } of tilesForEdge(size)) {
    levels[level] = splitTile(readTile(level, index, width), width);
  }
  return edgeOf(size, levels, levels.flatMap(tileFrontier).slice(0, heights));
}

/** Leaves `start` (inclusive) to `end` (exclusive) under one node of the tree, which is incomplete only at the tree's end. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** A complete node: the leaves index × 2^height to (index + 1) × 2^height. */
interface NodeRef {
  readonly height: number;
  readonly index: number;
}

/** PATH of RFC 6962 §2.1.1, from the leaf's sibling to the root's child. */
function inclusionRanges(index: number, size: number): readonly Range[] {
  assertCount(index);
  assertCount(size);
  if (index >= size) throw new CountersignError('INTERNAL', 'An entry is proved in a tree that has it.');
  const ranges: Range[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + splitPoint(end - start);
    if (index < middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  return ranges.reverse();
}

/** PROOF of RFC 6962 §2.1.2. */
function consistencyRanges(oldSize: number, newSize: number): readonly Range[] {
  assertCount(oldSize);
  assertCount(newSize);
  if (oldSize === 0 || oldSize > newSize) {
    throw new CountersignError(
      'INTERNAL',
      'Consistency is proved from a tree with leaves to one at least as large.',
    );
  }
  const ranges: Range[] = [];
  let start = 0;
  let end = newSize;
  while (end !== oldSize) {
    const middle = start + splitPoint(end - start);
    if (oldSize <= middle) {
      ranges.push({ start: middle, end });
      end = middle;
    } else {
      ranges.push({ start, end: middle });
      start = middle;
    }
  }
  // What is left is the old tree itself, which the verifier has, or its last part, which the verifier lacks.
  if (start > 0) ranges.push({ start, end });
  return ranges.reverse();
}

/** The complete nodes that cover a range, left to right. */
function nodesOf(range: Range): readonly NodeRef[] {
  const nodes: NodeRef[] = [];
  let { start } = range;
  while (start < range.end) {
    const height = bitLength(range.end - start) - 1;
    nodes.push({ height, index: start / 2 ** height });
    start += 2 ** height;
  }
  return nodes;
}

/** The tile that has a node within or on its lowest row, as wide as it is in a tree of `size`. */
function tileOf(node: NodeRef, size: number): TileRef {
  const level = Math.floor(node.height / tileHeight);
  const index = Math.floor(firstHashOf(node) / tileWidth);
  const width = Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth);
  return { level, index, width };
}

/** Where the node's hashes begin in the row of all hashes of its tile level. */
function firstHashOf(node: NodeRef): number {
  return node.index * 2 ** (node.height % tileHeight);
}

function tilesOf(ranges: readonly Range[], size: number): readonly TileRef[] {
  const tiles = new Map<string, TileRef>();
  for (const node of ranges.flatMap(nodesOf)) {
    const tile = tileOf(node, size);
    tiles.set(`${tile.level}/${tile.index}`, tile);
  }
  return [...tiles.values()];
}

function hashRanges(ranges: readonly Range[], size: number, readTile: ReadTile): Uint8Array[] {
  const read = new Map<string, readonly Uint8Array[]>();
  const hashesOf = ({ level, index, width }: TileRef): readonly Uint8Array[] => {
    const key = `${level}/${index}`;
    const known = read.get(key) ?? splitTile(readTile(level, index, width), width);
    read.set(key, known);
    return known;
  };
  return ranges.map((range) =>
    nodesOf(range)
      .map((node) => {
        const first = firstHashOf(node) % tileWidth;
        return subtreeRoot(
          hashesOf(tileOf(node, size)).slice(first, first + 2 ** (node.height % tileHeight)),
        );
      })
      .reduceRight((right, left) => nodeHash(left, right)),
  );
}

/** Root over a power of two of hashes. */
function subtreeRoot(hashes: readonly Uint8Array[]): Uint8Array {
  const [left, right] = hashes;
  if (left === undefined) throw new CountersignError('INTERNAL', 'A subtree has at least one hash.');
  if (right === undefined) return left;
  const middle = hashes.length / 2;
  return nodeHash(subtreeRoot(hashes.slice(0, middle)), subtreeRoot(hashes.slice(middle)));
}

/** The frontier's eight heights that lie within one partial tile. */
function tileFrontier(hashes: readonly Uint8Array[]): readonly (Uint8Array | null)[] {
  return Array.from({ length: tileHeight }, (_, height) => {
    const count = 2 ** height;
    const end = hashes.length - (hashes.length % count);
    return (end / count) % 2 === 1 ? subtreeRoot(hashes.slice(end - count, end)) : null;
  });
}

function splitTile(tile: Uint8Array, width: number): readonly Uint8Array[] {
  if (
    tile.length % hashLength !== 0 ||
    tile.length < width * hashLength ||
    tile.length > tileWidth * hashLength
  ) {
    throw new CountersignError(
      'LEDGER_CORRUPT',
      'A stored Merkle tile does not have the length of its tree.',
    );
  }
  return Array.from({ length: width }, (_, i) => tile.slice(i * hashLength, (i + 1) * hashLength));
}

/** The largest power of two smaller than `count`, which is at least 2. */
function splitPoint(count: number): number {
  return 2 ** (bitLength(count - 1) - 1);
}

/** How many binary digits; 0 for 0. `Math.log2` rounds near 2^53, so count. */
function bitLength(value: number): number {
  let bits = 0;
  while (2 ** bits <= value) bits++;
  return bits;
}

function assertCount(value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new CountersignError('INTERNAL', 'Tree sizes and indexes are non-negative safe integers.');
  }
}
