import { createHash } from 'node:crypto';
import type { ReadTile } from '../../src/tlog/tiled-tree.ts';
import { appendLeaves, emptyEdge, partialTiles } from '../../src/tlog/tree.ts';
import type { TreeEdge } from '../../src/tlog/tree.ts';

/**
 * RFC 6962 §2.1 as it is written: recursive, slow, over another SHA-256. What is hashed here is leaf hashes, so that `mth([h])`
 * is `h`.
 */
export function mth(leafHashes: readonly Uint8Array[]): Uint8Array {
  const [first] = leafHashes;
  if (first === undefined) return Uint8Array.from(createHash('sha256').digest());
  if (leafHashes.length === 1) return first;
  const k = largestPowerBelow(leafHashes.length);
  const node = createHash('sha256').update(Uint8Array.of(1));
  node.update(mth(leafHashes.slice(0, k))).update(mth(leafHashes.slice(k)));
  return Uint8Array.from(node.digest());
}

/** PATH(m, D[n]) of §2.1.1. */
export function path(m: number, leafHashes: readonly Uint8Array[]): readonly Uint8Array[] {
  if (leafHashes.length === 1) return [];
  const k = largestPowerBelow(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, k), leafHashes.slice(k)];
  return m < k ? [...path(m, left), mth(right)] : [...path(m - k, right), mth(left)];
}

/** SUBPROOF(m, D[n], b) of §2.1.2; PROOF is the same with b = true. */
export function subproof(m: number, leafHashes: readonly Uint8Array[], b = true): readonly Uint8Array[] {
  if (m === leafHashes.length) return b ? [] : [mth(leafHashes)];
  const k = largestPowerBelow(leafHashes.length);
  const [left, right] = [leafHashes.slice(0, k), leafHashes.slice(k)];
  return m <= k ? [...subproof(m, left, b), mth(right)] : [...subproof(m - k, right, false), mth(left)];
}

function largestPowerBelow(n: number): number {
  let k = 1;
  while (2 * k < n) k *= 2;
  return k;
}

/** SHA-256(0x00 ‖ the number as text), computed beside our code. */
export function testLeafHash(i: number): Uint8Array {
  return Uint8Array.from(createHash('sha256').update(Uint8Array.of(0)).update(String(i)).digest());
}

export function testLeafHashes(count: number, from = 0): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => testLeafHash(from + i));
}

/** A store of tiles in memory: full ones from every append, partial ones of the newest edge. */
export class MemoryTiles {
  readonly #tiles = new Map<string, Uint8Array>();
  edge: TreeEdge = emptyEdge;

  append(leafHashes: readonly Uint8Array[]): void {
    const { edge, tiles } = appendLeaves(this.edge, leafHashes);
    for (const tile of [...tiles, ...partialTiles(edge)])
      this.#tiles.set(`${tile.level}/${tile.index}`, tile.hashes);
    this.edge = edge;
  }

  readonly read: ReadTile = (level, index, width) => {
    const tile = this.#tiles.get(`${level}/${index}`);
    if (tile === undefined || tile.length < width * 32)
      throw new Error(`no tile ${level}/${index} of ${width}`);
    return tile;
  };
}

/** The same bytes with one bit changed. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return flipped;
}
