import { utf8 } from '../../call/sha256.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { encodeEntryBundle, parseTilePath, tileHeight, tileWidth } from '../../tlog/tile.ts';

/**
 * A ledger as C2SP tlog-tiles serves it, without an export. A tile that the tree does not have yet, or does not have in this
 * width, is undefined.
 */
export async function readLiveTile(ledger: Ledger, path: string): Promise<Uint8Array | undefined> {
  const newest = await ledger.checkpoint();
  if (newest === null) return undefined;
  if (path === 'checkpoint') return utf8(newest.text);
  const tile = parseTilePath(path);
  if (tile === undefined) return undefined;
  const level = tile.kind === 'hashes' ? tile.level : 0;
  const hashes = Math.floor(newest.size / 2 ** (level * tileHeight));
  if (tile.index * tileWidth + tile.width > hashes) return undefined;
  if (tile.kind === 'hashes') return ledger.tile(level, tile.index, tile.width);
  const from = tile.index * tileWidth;
  const entries = await ledger.entries(from, from + tile.width);
  return encodeEntryBundle(entries.map(({ leaf }) => leaf));
}
