import { equalBytes } from '../call/sha256.ts';
import { emptyRoot, hashLength, leafHash, verifyConsistency } from '../tlog/merkle.ts';
import { tilePath } from '../tlog/tile.ts';
import { proveConsistency, tilesForConsistency } from '../tlog/tiled-tree.ts';
import { appendLeaves, emptyEdge, partialTiles, rootOf } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { Faults } from './faults.ts';
import { fileLimits } from './tile-source.ts';
import type { TileSource } from './tile-source.ts';

/** A tree head without its signature. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** The tree, grown again from the leaves alone. What the operator's tiles say is held against it, never believed. */
export interface AuditTree {
  append(leaf: Uint8Array): void;
  readonly size: number;
  readonly root: Uint8Array;
  /** Reads the hash tiles that the leaves since the last time completed, and compares. */
  compareTiles(): Promise<void>;
  /** Compares the unfinished tiles at the tree's end. */
  comparePartialTiles(): Promise<void>;
  /**
   * Finds out whether the tree had this root when it had this size, which it has now or had before. Roots of long ago are
   * looked up by `resolve`.
   */
  check(head: TreeHead, wrong: () => void): void;
  /** Once the tree is whole: the checks that were put off. */
  resolve(): Promise<void>;
}

/** `remembered`: sizes whose roots are kept, 2 MiB. An outcome names the tree of its verdict, which is seldom further behind. */
export function growTree(source: TileSource, faults: Faults, remembered = 65_536): AuditTree {
  let edge: TreeEdge = emptyEdge;
  let root = emptyRoot;
  let finished: { readonly path: string; readonly hashes: Uint8Array }[] = [];
  let putOff: { readonly head: TreeHead; readonly wrong: () => void }[] = [];
  const roots = new Uint8Array(remembered * hashLength);

  const compare = async (path: string, hashes: Uint8Array, instead?: string): Promise<void> => {
    const read = async (name: string): Promise<Uint8Array | undefined> => source.read(name, fileLimits.tile);
    const served = (await read(path)) ?? (instead === undefined ? undefined : await read(instead));
    if (served === undefined) {
      faults.add({ code: 'FILE_MISSING', message: `There is no ${path}.` });
    } else if (!equalBytes(served.subarray(0, hashes.length), hashes)) {
      faults.add({ code: 'TILE_MISMATCH', message: `${path} does not hold the hashes of the leaves.` });
    }
  };

  return {
    append(leaf) {
      const grown = appendLeaves(edge, [leafHash(leaf)]);
      edge = grown.edge;
      root = rootOf(edge);
      roots.set(root, (edge.size % remembered) * hashLength);
      for (const { level, index, hashes } of grown.tiles) {
        finished.push({ path: tilePath(level, index), hashes });
      }
    },
    get size() {
      return edge.size;
    },
    get root() {
      return root;
    },
    async compareTiles() {
      const tiles = finished;
      finished = [];
      for (const { path, hashes } of tiles) await compare(path, hashes);
    },
    async comparePartialTiles() {
      for (const { level, index, width, hashes } of partialTiles(edge)) {
        // A log may drop a partial tile once it has the full one, which begins with the same hashes.
        await compare(tilePath(level, index, width), hashes, tilePath(level, index));
      }
    },
    check(head, wrong) {
      if (head.size > 0 && head.size + remembered <= edge.size) {
        putOff.push({ head, wrong });
        return;
      }
      const at = (head.size % remembered) * hashLength;
      const known = head.size === 0 ? emptyRoot : roots.subarray(at, at + hashLength);
      if (head.size > edge.size || !equalBytes(known, head.root)) wrong();
    },
    async resolve() {
      for (const { head, wrong } of putOff) {
        if (!(await isPrefix(source, head, { size: edge.size, root }))) wrong();
      }
      putOff = [];
    },
  };
}

/** By a consistency proof made of the tiles: whatever they hold, it only leads to the recomputed root if it is true. */
async function isPrefix(source: TileSource, older: TreeHead, newer: TreeHead): Promise<boolean> {
  const [oldSize, newSize] = [older.size, newer.size];
  const tiles = new Map<string, Uint8Array>();
  for (const { level, index, width } of tilesForConsistency(oldSize, newSize)) {
    const tile =
      (await source.read(tilePath(level, index), fileLimits.tile)) ??
      (await source.read(tilePath(level, index, width), fileLimits.tile));
    if (tile === undefined || tile.length < width * hashLength || tile.length % hashLength !== 0)
      return false;
    tiles.set(`${level}/${index}`, tile);
  }
  const readTile = (level: number, index: number): Uint8Array =>
    tiles.get(`${level}/${index}`) ?? new Uint8Array();
  const hashes = proveConsistency(oldSize, newSize, readTile);
  return verifyConsistency({ oldSize, oldRoot: older.root, newSize, newRoot: newer.root, hashes });
}
