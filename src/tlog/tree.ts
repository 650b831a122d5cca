import { concatBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { emptyRoot, hashLength, nodeHash } from './merkle.ts';
import { tileHeight, tileWidth } from './tile.ts';
import type { TileRef } from './tile.ts';

/**
 * The right edge of a growing tree: all that is needed to append, to know the root, and to write the next tiles. It is
 * a value: appending makes a new one, so a transaction that fails just drops it.
 */
export interface TreeEdge {
  readonly size: number;
  /**
   * Hashes of the current partial tile of each tile level, each fewer than 256: level 0 holds leaf hashes, level k the
   * roots of complete subtrees of 256^k leaves. As many levels as have had an entry.
   */
  readonly levels: readonly (readonly Uint8Array[])[];
  /** Per height h, the root of the complete subtree of 2^h leaves that bit h of `size` stands for; null where it is 0. */
  readonly frontier: readonly (Uint8Array | null)[];
  /**
   * Per height h, the root over the leaves behind the last complete subtree of 2^h; null where there are none. The last one
   * is over all leaves.
   */
  readonly tails: readonly (Uint8Array | null)[];
}

/** A tile that reached its full width. */
export interface CompletedTile {
  readonly level: number;
  readonly index: number;
  /** 256 hashes, concatenated. */
  readonly hashes: Uint8Array;
  /** Root of the subtree of 256^(level+1) leaves under it; also an entry of the level above. */
  readonly root: Uint8Array;
}

/** A tile that is not full yet, as readers of its tree see it (`tile/<L>/<N>.p/<W>`). */
export interface PartialTile extends TileRef {
  /** `width` hashes, concatenated. */
  readonly hashes: Uint8Array;
}

export const emptyEdge: TreeEdge = { size: 0, levels: [], frontier: [], tails: [null] };

/** The edge that these parts make. The tails are hashed here, once an edge: root and proofs both need them. */
export function edgeOf(size: number, levels: TreeEdge['levels'], frontier: TreeEdge['frontier']): TreeEdge {
  const tails: (Uint8Array | null)[] = [null];
  let tail: Uint8Array | null = null;
  for (const complete of frontier) {
    if (complete !== null) tail = tail === null ? complete : nodeHash(complete, tail);
    tails.push(tail);
  }
  return { size, levels, frontier, tails };
}

/** The Merkle root of the edge's tree. */
export function rootOf(edge: TreeEdge): Uint8Array {
  return edge.tails.at(-1) ?? emptyRoot;
}

/** The edge's unfinished tiles, lowest level first: what a reader of a tree of this size needs beside the full ones. */
export function partialTiles(edge: TreeEdge): readonly PartialTile[] {
  return edge.levels.flatMap((hashes, level) => {
    if (hashes.length === 0) return [];
    const index = Math.floor(edge.size / tileWidth ** (level + 1));
    return [{ level, index, width: hashes.length, hashes: concatBytes(...hashes) }];
  });
}

/** The edge after `leafHashes`, and every tile that they complete, lowest level first. */
export function appendLeaves(
  edge: TreeEdge,
  leafHashes: readonly Uint8Array[],
): { readonly edge: TreeEdge; readonly tiles: readonly CompletedTile[] } {
  if (leafHashes.length === 0) return { edge, tiles: [] };
  const size = sizeAfter(edge, leafHashes);
  const rows = growRows(edge, leafHashes, size);
  const tiles: CompletedTile[] = [];
  const levels: (readonly Uint8Array[])[] = [];
  for (let level = 0; level * tileHeight < rows.length; level++) {
    const { completed, rest } = fillTiles(edge, rows, level);
    tiles.push(...completed);
    levels.push(rest);
  }
  const frontier = rows.map((row, height) =>
    bitOf(size, height) ? at(row.nodes, row.nodes.length - 1) : null,
  );
  return { edge: edgeOf(size, levels, frontier), tiles };
}

/**
 * Inclusion proofs, at `after.size`, of the entries that lead from `before` to `after`: offset 0 is the first leaf appended.
 * Interior nodes are hashed once for all of them; a single proof then hashes nothing.
 */
export function proveAppended(
  before: TreeEdge,
  appended: readonly Uint8Array[],
  after: TreeEdge,
): (offset: number) => Uint8Array[] {
  if (sizeAfter(before, appended) !== after.size) {
    throw new CountersignError(
      'INTERNAL',
      'The edge after an append does not have the size of the edge before plus what was appended.',
    );
  }
  const rows = growRows(before, appended, after.size);
  return (offset) => {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset >= appended.length) {
      throw new CountersignError(
        'INTERNAL',
        'Only entries that were just appended can be proved from the edge.',
      );
    }
    return siblingsOf(before.size + offset, rows, after.tails);
  };
}

/**
 * Complete nodes of one height, from index `first` to the end of the tree: what the append made and, when the first new
 * node is a right child, its sibling from before.
 */
interface Row {
  readonly first: number;
  readonly nodes: readonly Uint8Array[];
  /** How many of `nodes` were there before: 0 or 1. */
  readonly old: 0 | 1;
}

/** One row a height, up to the highest that has a complete node in a tree of `size`. */
function growRows(edge: TreeEdge, leafHashes: readonly Uint8Array[], size: number): readonly Row[] {
  const rows: Row[] = [];
  let fresh = leafHashes;
  let start = edge.size;
  for (let height = 0; 2 ** height <= size; height++) {
    const left = edge.frontier[height] ?? null;
    const row: Row =
      left === null
        ? { first: start, nodes: fresh, old: 0 }
        : { first: start - 1, nodes: [left, ...fresh], old: 1 };
    rows.push(row);
    fresh = pairUp(row.nodes);
    start = row.first / 2;
  }
  return rows;
}

function pairUp(nodes: readonly Uint8Array[]): readonly Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let i = 0; i + 1 < nodes.length; i += 2) parents.push(nodeHash(at(nodes, i), at(nodes, i + 1)));
  return parents;
}

function fillTiles(
  edge: TreeEdge,
  rows: readonly Row[],
  level: number,
): { readonly completed: readonly CompletedTile[]; readonly rest: readonly Uint8Array[] } {
  const row = at(rows, level * tileHeight);
  const hashes = [...(edge.levels[level] ?? []), ...row.nodes.slice(row.old)];
  const firstTile = Math.floor(edge.size / tileWidth ** (level + 1));
  const completed: CompletedTile[] = [];
  const count = Math.floor(hashes.length / tileWidth);
  for (let i = 0; i < count; i++) {
    const roots = at(rows, (level + 1) * tileHeight);
    completed.push({
      level,
      index: firstTile + i,
      hashes: concatBytes(...hashes.slice(i * tileWidth, (i + 1) * tileWidth)),
      root: at(roots.nodes, roots.old + i),
    });
  }
  return { completed, rest: hashes.slice(count * tileWidth) };
}

function siblingsOf(index: number, rows: readonly Row[], tails: TreeEdge['tails']): Uint8Array[] {
  const siblings: Uint8Array[] = [];
  let node = index;
  for (let height = 0; height < rows.length; height++) {
    const row = at(rows, height);
    const sibling = node % 2 === 0 ? node + 1 : node - 1;
    const position = sibling - row.first;
    const end = row.nodes.length;
    // Behind a row's complete nodes stands at most one incomplete node; it has a sibling to the left or none.
    const hash = position < end ? row.nodes[position] : position === end ? tails[height] : null;
    if (hash !== null && hash !== undefined) siblings.push(hash);
    node = Math.floor(node / 2);
  }
  return siblings;
}

function sizeAfter(edge: TreeEdge, appended: readonly Uint8Array[]): number {
  const size = edge.size + appended.length;
  if (!Number.isSafeInteger(size)) {
    throw new CountersignError('INTERNAL', 'A tree ends at 2^53 - 1 leaves.');
  }
  if (appended.some((hash) => hash.length !== hashLength)) {
    throw new CountersignError('INTERNAL', 'Leaf hashes are 32 bytes.');
  }
  return size;
}

function bitOf(value: number, height: number): boolean {
  return Math.floor(value / 2 ** height) % 2 === 1;
}

/** The element that the arithmetic above says is there. */
function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new CountersignError('INTERNAL', 'A Merkle node that must exist is missing.');
  return item;
}
