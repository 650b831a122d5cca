import { concatBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { tileWidth } from '../tlog/tile.ts';
import { assertSameFile } from './file-identity-node.ts';
import { startCheckpointer } from './store-sqlite-checkpointer.ts';
import { ledgerError, leavesOutcomeUnknown, wasBusy } from './store-sqlite-errors.ts';
import { unlessBusy } from './store-sqlite-lock.ts';
import { openFile } from './store-sqlite-open.ts';
import type { LedgerFile } from './store-sqlite-open.ts';
import { readSnapshot } from './store-sqlite-read.ts';
import { bytes, text } from './store-rows.ts';
import { entryOf, headOf, integer, permitOf, sideRowOf, toolOf } from './store-sqlite-rows.ts';
import { sideStride } from './store-sqlite-schema.ts';
import { prepareStatements } from './store-sqlite-statements.ts';
import { writeAll } from './store-sqlite-write.ts';
import { CommitOutcomeUnknown } from './store.ts';
import type { LogIdentity, LogStore, Writes } from './store.ts';

export interface SqliteStoreOptions {
  readonly path: string;
  readonly identity: LogIdentity;
  /** Milliseconds to wait for other processes' commits, at most: then LEDGER_LOCKED. 5,000 unless told. */
  readonly lockTimeout?: number;
  /** Bytes that this process writes to the WAL before it has it folded into the file; 8 MiB unless told. */
  readonly checkpointAfter?: number;
}

/**
 * The embedded store: one SQLite file in WAL mode, which many processes of one machine may write. `createLedgerFile` made
 * the file. Rejects as `openFile` does.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<LogStore> {
  return sqliteStore(openFile(options.path, options.identity), options);
}

/**
 * A transaction is one synchronous stretch from the lock to COMMIT. So no read of this connection falls into it, and another
 * process waits for some tenths of a millisecond.
 */
export function sqliteStore(file: LedgerFile, options: SqliteStoreOptions): LogStore {
  const { lockTimeout = 5_000, checkpointAfter = 8 * 1_048_576 } = options;
  let { identity } = options;
  const { db, path, fileId } = file;
  const sql = prepareStatements(db);
  const checkpointer = startCheckpointer(path, checkpointAfter);

  const read = <T>(attempt: () => T): Promise<T> => unlessBusy(lockTimeout, attempt);

  const rollback = (): void => {
    // SQLite has ended the transaction itself after a full disk or an I/O error.
    if (db.isTransaction) sql.rollback.run();
  };

  /** What throws before COMMIT leaves nothing behind. */
  const transact = <W>(make: () => W | null, write: (writes: W) => void): W | null => {
    try {
      const writes = make();
      if (writes === null) rollback();
      else write(writes);
      return writes;
    } catch (thrown) {
      rollback();
      throw ledgerError(thrown);
    }
  };

  const commit = (): void => {
    try {
      sql.commit.run();
    } catch (thrown) {
      rollback();
      // An I/O error may have come after the last byte was written. The next one to take the lock sees what is there.
      throw leavesOutcomeUnknown(thrown)
        ? new CommitOutcomeUnknown(ledgerError(thrown))
        : ledgerError(thrown);
    }
  };

  const tile = (level: number, index: number, width: number): Uint8Array => {
    const full = sql.fullTile.get(level, index);
    if (full !== undefined) return bytes(full['hashes']).subarray(0, width * 32);
    const from = index * tileWidth;
    const rows =
      level === 0 ? sql.leafHashes.all(from, from + width) : sql.tileRoots.all(level - 1, from, from + width);
    if (rows.length < width)
      throw new CountersignError('LEDGER_CORRUPT', 'The ledger lacks hashes of its tree.');
    return concatBytes(...rows.map((row) => bytes(row['hash'])));
  };

  const headsUnder = (prefix: string): Map<string, string> => {
    const found = new Map<string, string>();
    // Keys sort by their UTF-8 bytes, so those with the prefix are neighbours.
    for (const row of sql.headsFrom.iterate(prefix)) {
      const key = text(row['key']);
      if (!key.startsWith(prefix)) break;
      found.set(key, text(row['value']));
    }
    return found;
  };

  return {
    get identity() {
      return identity;
    },
    async commit(reads, plan) {
      await unlessBusy(lockTimeout, () => sql.begin.run());
      const writes = transact<Writes>(
        () => {
          // A file that was put in the place of this one would be written to by others, and this one by nobody else.
          assertSameFile(path, fileId);
          return plan(readSnapshot(sql, reads));
        },
        (planned) => writeAll(sql, planned),
      );
      if (writes === null) return;
      commit();
      identity = writes.identity ?? identity;
      checkpointer.wrote(sizeOf(writes));
    },
    head: () => read(() => headOf(sql.head.get())),
    tile: (level, index, width) => read(() => tile(level, index, width)),
    heads: (keys) =>
      read(
        () =>
          new Map(
            keys.flatMap((key) => {
              const row = sql.headOf.get(key);
              return row === undefined ? [] : [[key, text(row['value'])]];
            }),
          ),
      ),
    headsUnder: (prefix) => read(() => headsUnder(prefix)),
    entries: (from, to) => read(() => sql.entries.all(from, to).map(entryOf)),
    entriesOfCall: (callId) => read(() => sql.entriesOfCall.all(callId).map(entryOf)),
    openPermits: () => read(() => sql.permits.all().map(permitOf)),
    side: (callId) =>
      read(() =>
        sql.indexesOfCall.all(callId).flatMap((row) => {
          const from = integer(row['idx']) * sideStride;
          return sql.side.all(from, from + sideStride).map(sideRowOf);
        }),
      ),
    scrub: () =>
      read(() => {
        if (sql.truncateWal.get()?.['busy'] !== 0) throw wasBusy();
      }),
    async rememberTools(records) {
      if (records.length === 0) return;
      await unlessBusy(lockTimeout, () => sql.begin.run());
      transact(
        () => records,
        () => {
          assertSameFile(path, fileId);
          for (const { server, serverDigest, tool: name, sha256, definition } of records)
            sql.addTool.run(server, serverDigest, name, sha256, definition);
        },
      );
      try {
        commit();
      } catch (thrown) {
        throw ledgerError(thrown instanceof CommitOutcomeUnknown ? thrown.cause : thrown);
      }
    },
    tools: (server) => read(() => sql.tools.all(server ?? null).map(toolOf)),
    async close() {
      await checkpointer.stop();
      db.close();
    },
  };
}

/** Pages that a commit writes beside its entries: the ends of tables and indexes, and the head. */
const otherPages = 8 * 2_048;

/** Roughly the bytes that a commit adds to the WAL. */
function sizeOf({ entries, side }: Writes): number {
  const ofEntries = entries.reduce(
    (sum, { leaf, payload, timestamp }) => sum + leaf.length + payload.length + timestamp.length,
    0,
  );
  const ofSide = side
    .flatMap(({ rows }) => rows)
    .reduce((sum, { salt, value }) => sum + salt.length + (value?.length ?? 0), 0);
  return otherPages + ofEntries + ofSide;
}
