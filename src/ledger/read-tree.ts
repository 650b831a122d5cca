import { equalBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { verifyConsistency, verifyInclusion } from '../tlog/merkle.ts';
import type { ConsistencyProof, InclusionProof } from '../tlog/proof.ts';
import { tileWidth } from '../tlog/tile.ts';
import type { TileRef } from '../tlog/tile.ts';
import {
  edgeFromTiles,
  proveConsistency,
  proveInclusion,
  tilesForConsistency,
  tilesForInclusion,
} from '../tlog/tiled-tree.ts';
import type { ReadTile } from '../tlog/tiled-tree.ts';
import { rootOf } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { ReleasedCheckpoint } from './released-checkpoint.ts';
import type { LogHead, LogStore } from './store.ts';

/** The right edge of the stored tree. LEDGER_CORRUPT when it is not the tree that `head` is signed over. */
export async function readEdge(store: LogStore, head: LogHead): Promise<TreeEdge> {
  const edge = edgeFromTiles(head.size, await readTiles(store, edgeTiles(head.size)));
  if (!equalBytes(rootOf(edge), head.root)) throw corrupt();
  return edge;
}

/** Whether the tree under `head` starts with the tree that was released, shown by its own tiles. */
export async function extendsReleased(
  store: LogStore,
  head: LogHead,
  { size, root }: ReleasedCheckpoint,
): Promise<boolean> {
  if (size === 0) return true;
  if (size > head.size) return false;
  const readTile = await readTiles(store, tilesForConsistency(size, head.size));
  const hashes = proveConsistency(size, head.size, readTile);
  return verifyConsistency({ oldSize: size, oldRoot: root, newSize: head.size, newRoot: head.root, hashes });
}

/** The proof of one entry against `head`, verified before it is handed out: NOT_FOUND, or LEDGER_CORRUPT. */
export async function readInclusion(
  store: LogStore,
  head: Pick<LogHead, 'size' | 'root' | 'checkpoint'>,
  index: number,
): Promise<InclusionProof> {
  const { size, root, checkpoint } = head;
  if (!Number.isSafeInteger(index) || index < 0 || index >= size || checkpoint === null)
    throw new CountersignError('NOT_FOUND', 'The ledger has no entry with this index.');
  const leaf = { level: 0, index: Math.floor(index / tileWidth), width: (index % tileWidth) + 1 };
  const readTile = await readTiles(store, tilesForInclusion(index, size));
  const leafHash = (await store.tile(leaf.level, leaf.index, leaf.width)).slice(-32);
  const hashes = proveInclusion(index, size, readTile);
  if (!verifyInclusion({ index, size, leafHash, root, hashes })) throw corrupt();
  return { logIndex: index, treeSize: size, rootHash: root, hashes, checkpoint };
}

/** The proof between two of the log's trees, both of which `head` was seen to continue: NOT_FOUND, or LEDGER_CORRUPT. */
export async function readConsistency(
  store: LogStore,
  head: LogHead,
  oldSize: number,
  newSize: number,
): Promise<ConsistencyProof> {
  const counts = [oldSize, newSize].every((size) => Number.isSafeInteger(size) && size > 0);
  if (!counts || oldSize > newSize || newSize > head.size)
    throw new CountersignError('NOT_FOUND', 'The log has no two trees of these sizes, the older one first.');
  const oldRoot = await readRoot(store, head, oldSize);
  const newRoot = await readRoot(store, head, newSize);
  const readTile = await readTiles(store, tilesForConsistency(oldSize, newSize));
  const hashes = proveConsistency(oldSize, newSize, readTile);
  if (!verifyConsistency({ oldSize, newSize, oldRoot, newRoot, hashes })) throw corrupt();
  return { oldSize, newSize, oldRoot, newRoot, hashes };
}

/** The root that the tree had when it had `size` leaves, by the store's tiles, and held against the signed head. */
async function readRoot(store: LogStore, head: LogHead, size: number): Promise<Uint8Array> {
  const root = rootOf(edgeFromTiles(size, await readTiles(store, edgeTiles(size))));
  if (!(await extendsReleased(store, head, { size, root }))) throw corrupt();
  return root;
}

/** Reads the tiles that a proof needs, so that the arithmetic can stay synchronous. */
async function readTiles(store: LogStore, refs: readonly TileRef[]): Promise<ReadTile> {
  const tiles = new Map<string, Uint8Array>();
  for (const { level, index, width } of refs)
    tiles.set(`${level}/${index}`, await store.tile(level, index, width));
  return (level, index) => {
    const tile = tiles.get(`${level}/${index}`);
    if (tile === undefined) throw corrupt();
    return tile;
  };
}

/** The partial tiles at the end of a tree. */
function edgeTiles(size: number): readonly TileRef[] {
  const refs: TileRef[] = [];
  for (let level = 0; tileWidth ** level <= size; level++) {
    const hashes = Math.floor(size / tileWidth ** level);
    const width = hashes % tileWidth;
    if (width > 0) refs.push({ level, index: Math.floor(hashes / tileWidth), width });
  }
  return refs;
}

function corrupt(): CountersignError {
  return new CountersignError(
    'LEDGER_CORRUPT',
    'The ledger’s tree is not the one that its checkpoint is signed over.',
  );
}
