import { concatBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { tileWidth } from '../tlog/tile.ts';
import type { SideRow } from './ledger.ts';
import { bytes, kind, text } from './store-rows.ts';
import { headOf, integer, permitOf, sideRowOf } from './store-sqlite-rows.ts';
import { sideStride } from './store-sqlite-schema.ts';
import type { Statements } from './store-sqlite-statements.ts';
import { isVerdictKind } from './store.ts';
import type { CommitReads, Snapshot } from './store.ts';

/** What a commit reads under the writer's lock. */
export function readSnapshot(sql: Statements, reads: CommitReads): Snapshot {
  const row = sql.headToExtend.get();
  const head = headOf(row);
  return {
    publicKey: bytes(row?.['public_key']),
    head,
    leafHashes:
      head.size > reads.knownSize
        ? sql.leafHashes.all(reads.knownSize, head.size).map((row) => bytes(row['hash']))
        : [],
    heads: readHeads(sql, reads.heads),
    permits: readEach(reads.permits, (callId) => {
      const row = sql.permit.get(callId);
      return row === undefined ? null : permitOf(row);
    }),
    verdicts: new Set(
      reads.verdicts.filter((callId) =>
        sql.kindsOfCall.all(callId).some(({ kind: name }) => isVerdictKind(kind(name))),
      ),
    ),
  };
}

function readEach<T>(keys: readonly string[], read: (key: string) => T | null): Map<string, T> {
  const found = new Map<string, T>();
  for (const key of keys) {
    const value = read(key);
    if (value !== null) found.set(key, value);
  }
  return found;
}

/** The first `width` hashes of a tile. LEDGER_CORRUPT when the store has fewer. */
export function readTile(sql: Statements, level: number, index: number, width: number): Uint8Array {
  const full = sql.fullTile.get(level, index);
  if (full !== undefined) return bytes(full['hashes']).subarray(0, width * 32);
  const from = index * tileWidth;
  const rows =
    level === 0 ? sql.leafHashes.all(from, from + width) : sql.tileRoots.all(level - 1, from, from + width);
  if (rows.length < width)
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger lacks hashes of its tree.');
  return concatBytes(...rows.map((row) => bytes(row['hash'])));
}

export function readHeads(sql: Statements, keys: readonly string[]): Map<string, string> {
  return readEach(keys, (key) => {
    const row = sql.headOf.get(key);
    return row === undefined ? null : text(row['value']);
  });
}

export function readHeadsUnder(sql: Statements, prefix: string): Map<string, string> {
  const found = new Map<string, string>();
  // Keys sort by their UTF-8 bytes, so those with the prefix are neighbours.
  for (const row of sql.headsFrom.iterate(prefix)) {
    const key = text(row['key']);
    if (!key.startsWith(prefix)) break;
    found.set(key, text(row['value']));
  }
  return found;
}

export function readSide(sql: Statements, callId: string): readonly SideRow[] {
  return sql.indexesOfCall.all(callId).flatMap((row) => {
    const from = integer(row['idx']) * sideStride;
    return sql.side.all(from, from + sideStride).map(sideRowOf);
  });
}
