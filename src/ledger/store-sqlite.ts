import { assertSameFile } from './file-identity-node.ts';
import { startCheckpointer } from './store-sqlite-checkpointer.ts';
import { ledgerError, leavesOutcomeUnknown, wasBusy } from './store-sqlite-errors.ts';
import { unlessBusy } from './store-sqlite-lock.ts';
import { openFile } from './store-sqlite-open.ts';
import type { LedgerFile } from './store-sqlite-open.ts';
import { readHeads, readHeadsUnder, readSide, readSnapshot, readTile } from './store-sqlite-read.ts';
import { entryOf, headOf, permitOf, toolOf } from './store-sqlite-rows.ts';
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
    tile: (level, index, width) => read(() => readTile(sql, level, index, width)),
    heads: (keys) => read(() => readHeads(sql, keys)),
    headsUnder: (prefix) => read(() => readHeadsUnder(sql, prefix)),
    entries: (from, to) => read(() => sql.entries.all(from, to).map(entryOf)),
    entriesOfCall: (callId) => read(() => sql.entriesOfCall.all(callId).map(entryOf)),
    openPermits: () => read(() => sql.permits.all().map(permitOf)),
    side: (callId) => read(() => readSide(sql, callId)),
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
