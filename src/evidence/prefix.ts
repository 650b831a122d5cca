import { hashLength, verifyConsistency } from '../tlog/merkle.ts';
import { tilePath, tileWidth } from '../tlog/tile.ts';
import type { TileRef } from '../tlog/tile.ts';
import { edgeFromTiles, proveConsistency, tilesForConsistency, tilesForEdge } from '../tlog/tiled-tree.ts';
import { rootOf } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { Fault } from './faults.ts';
import { fileLimits } from './tile-source.ts';
import type { TileSource } from './tile-source.ts';

/** A tree head without its signature. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** A tree of long ago, or why it cannot be shown. */
export type ShownTree =
  | { readonly shown: true; readonly edge: TreeEdge }
  | { readonly shown: false; readonly fault: Fault };

/**
 * The tree that the log had with `size` ≥ 1 entries, read from the tiles of the `newer` one and proved to be its beginning.
 * Whatever the tiles hold, they only lead to both roots if they are true.
 */
export async function showPrefix(source: TileSource, size: number, newer: TreeHead): Promise<ShownTree> {
  const tiles = new Map<string, Uint8Array>();
  for (const ref of [...tilesForEdge(size), ...tilesForConsistency(size, newer.size)]) {
    const name = `${ref.level}/${ref.index}`;
    const known = tiles.get(name);
    if (known !== undefined && known.length >= ref.width * hashLength) continue;
    const { path, bytes } = await readTile(source, ref, newer.size);
    if (bytes === undefined)
      return { shown: false, fault: { code: 'FILE_MISSING', message: `There is no ${path}.` } };
    if (bytes.length < ref.width * hashLength || bytes.length % hashLength !== 0) {
      const message = `${path} is not a tile of ${ref.width} hashes.`;
      return { shown: false, fault: { code: 'FILE_MALFORMED', message } };
    }
    tiles.set(name, bytes);
  }
  const read = (level: number, index: number): Uint8Array =>
    tiles.get(`${level}/${index}`) ?? new Uint8Array();
  const edge = edgeFromTiles(size, read);
  const claim = {
    oldSize: size,
    oldRoot: rootOf(edge),
    newSize: newer.size,
    newRoot: newer.root,
    hashes: proveConsistency(size, newer.size, read),
  };
  if (verifyConsistency(claim)) return { shown: true, edge };
  const message = `The tiles do not show which tree the log had with ${size} entries.`;
  return { shown: false, fault: { code: 'TILE_MISMATCH', message } };
}

/** As wide as the tile is in the newer tree: narrower partial tiles may be gone, or never were. */
async function readTile(
  source: TileSource,
  { level, index }: TileRef,
  newerSize: number,
): Promise<{ readonly path: string; readonly bytes: Uint8Array | undefined }> {
  const width = Math.min(tileWidth, Math.floor(newerSize / tileWidth ** level) - index * tileWidth);
  const path = tilePath(level, index, width);
  const bytes = await source.read(path, fileLimits.tile);
  if (bytes !== undefined || width === tileWidth) return { path, bytes };
  return { path, bytes: await source.read(tilePath(level, index), fileLimits.tile) };
}
