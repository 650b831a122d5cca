import { equalBytes } from '../call/sha256.ts';
import { emptyRoot, hashLength, leafHash } from '../tlog/merkle.ts';
import { tilePath } from '../tlog/tile.ts';
import { appendLeaves, emptyEdge, partialTiles, rootOf } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { Faults } from './faults.ts';
import { showPrefix } from './prefix.ts';
import type { TreeHead } from './prefix.ts';
import { fileLimits } from './tile-source.ts';
import type { TileSource } from './tile-source.ts';

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
   * Finds out whether the tree had this root when it had this size, which it has now or had before. Roots of long ago, and of
   * before it was grown here, are looked up by `resolve`.
   */
  check(head: TreeHead, wrong: () => void): void;
  /** Once the tree is whole: the checks that were put off. */
  resolve(): Promise<void>;
}

export interface GrowOptions {
  /** The tree that grows on; the empty one unless told. */
  readonly from?: TreeEdge;
  /** Sizes whose roots are kept, 2 MiB. An outcome names the tree of its verdict, which is seldom further behind. */
  readonly remembered?: number;
}

export function growTree(
  source: TileSource,
  faults: Faults,
  { from = emptyEdge, remembered = 65_536 }: GrowOptions = {},
): AuditTree {
  let edge = from;
  let root = rootOf(edge);
  let finished: { readonly path: string; readonly hashes: Uint8Array }[] = [];
  let putOff: { readonly head: TreeHead; readonly wrong: () => void }[] = [];
  const roots = new Uint8Array(remembered * hashLength);
  const remember = (): void => roots.set(root, (edge.size % remembered) * hashLength);
  remember();

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
      remember();
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
      const isKept = head.size >= from.size && head.size + remembered > edge.size;
      if (head.size > 0 && !isKept) {
        putOff.push({ head, wrong });
        return;
      }
      const at = (head.size % remembered) * hashLength;
      const known = head.size === 0 ? emptyRoot : roots.subarray(at, at + hashLength);
      if (head.size > edge.size || !equalBytes(known, head.root)) wrong();
    },
    async resolve() {
      for (const { head, wrong } of putOff) {
        const tree = await showPrefix(source, head.size, { size: edge.size, root });
        if (!tree.shown) faults.add(tree.fault);
        else if (!equalBytes(rootOf(tree.edge), head.root)) wrong();
      }
      putOff = [];
    },
  };
}
