import { CountersignError } from '../errors.ts';
import { emptyRoot } from '../tlog/merkle.ts';
import { objectConnection, objectError, partsTable, withLongValues } from './store-durable-object-sql.ts';
import type { ObjectStorage } from './store-durable-object-sql.ts';
import { bytes } from './store-rows.ts';
import { readHeads, readHeadsUnder, readSide, readSnapshot, readTile } from './store-sqlite-read.ts';
import { entryOf, headOf, permitOf, toolOf } from './store-sqlite-rows.ts';
import { tables } from './store-sqlite-schema.ts';
import { prepareStatements } from './store-sqlite-statements.ts';
import { writeAll } from './store-sqlite-write.ts';
import { CommitOutcomeUnknown } from './store.ts';
import type { LogHead, LogIdentity, LogStore } from './store.ts';
import { assertIdentity } from './succession.ts';

export interface ObjectStoreOptions {
  readonly storage: ObjectStorage;
  /** The object's own id: a ledger that stands in another one was copied there. */
  readonly objectId: string;
  readonly identity: LogIdentity;
  /**
   * Called in the turn of each commit, before it is known to be durable: what it writes to the same storage becomes durable with
   * the commit or not at all.
   */
  readonly onCommit?: (head: LogHead) => void;
}

/** Whether the object has begun its ledger. */
export function hasObjectLedger({ sql }: Pick<ObjectStorage, 'sql'>): boolean {
  return sql.exec("SELECT name FROM sqlite_schema WHERE name = 'origin'").toArray().length > 0;
}

/** Makes an empty ledger in the object's SQLite. It is durable with the first commit that is. */
export function createObjectLedger(
  options: Pick<ObjectStoreOptions, 'storage' | 'objectId' | 'identity'>,
): void {
  const { storage, objectId, identity } = options;
  try {
    storage.transactionSync(() => {
      storage.sql.exec(tables + partsTable);
      storage.sql.exec(
        'INSERT INTO origin VALUES (1, ?, ?, ?)',
        identity.origin,
        identity.publicKey,
        objectId,
      );
      storage.sql.exec('INSERT INTO head VALUES (1, 0, 0, ?, NULL)', emptyRoot);
    });
  } catch (thrown) {
    throw objectError(thrown);
  }
}

/**
 * The ledger in the SQLite of a Durable Object. The platform runs one object of a name at a time, and in it one piece of code at a
 * time: a transaction is one synchronous stretch, and nothing comes between the head that is read and the checkpoint that is signed
 * over it. A commit resolves when the platform says that it is durable; what leaves the object waits for that anyway (output gates).
 *
 * LEDGER_MISSING, LEDGER_CORRUPT (another log's), LEDGER_COPIED (another object's), KEY_ROTATED.
 */
export function openObjectStore(options: ObjectStoreOptions): LogStore {
  const { storage, onCommit } = options;
  let { identity } = options;
  assertOwn(options);
  const db = objectConnection(storage);
  const sql = withLongValues(prepareStatements(db), db);

  const attempt = <T>(closure: () => T): T => {
    try {
      return closure();
    } catch (thrown) {
      throw objectError(thrown);
    }
  };
  const read = async <T>(closure: () => T): Promise<T> => attempt(closure);

  /**
   * Resolves once it is durable: also what was only looked up, as whoever finds a commit relies on it. The platform resets an object
   * whose writes it could not keep.
   */
  const transact = async <T>(closure: () => T, after?: (result: T) => void): Promise<void> => {
    const result = attempt(() => storage.transactionSync(closure));
    after?.(result);
    try {
      await storage.sync();
    } catch (thrown) {
      throw new CommitOutcomeUnknown(objectError(thrown));
    }
  };

  return {
    get identity() {
      return identity;
    },
    async commit(reads, plan) {
      await transact(
        () => {
          const writes = plan(readSnapshot(sql, reads));
          if (writes !== null) writeAll(sql, writes);
          return writes;
        },
        (writes) => {
          if (writes === null) return;
          identity = writes.identity ?? identity;
          onCommit?.(writes.head);
        },
      );
    },
    head: () => read(() => headOf(sql.head.get())),
    tile: (level, index, width) => read(() => readTile(sql, level, index, width)),
    heads: (keys) => read(() => readHeads(sql, keys)),
    headsUnder: (prefix) => read(() => readHeadsUnder(sql, prefix)),
    entries: (from, to) => read(() => sql.entries.all(from, to).map(entryOf)),
    entriesOfCall: (callId) => read(() => sql.entriesOfCall.all(callId).map(entryOf)),
    openPermits: () => read(() => sql.permits.all().map(permitOf)),
    side: (callId) => read(() => readSide(sql, callId)),
    // The files are the platform's: it keeps what they held for point-in-time recovery, thirty days at most.
    scrub: async () => undefined,
    async rememberTools(records) {
      if (records.length === 0) return;
      await transact(() => {
        for (const { server, serverDigest, tool: name, sha256, definition } of records)
          sql.addTool.run(server, serverDigest, name, sha256, definition);
      }).catch((thrown: unknown) => {
        throw thrown instanceof CommitOutcomeUnknown ? thrown.cause : thrown;
      });
    },
    tools: (server) => read(() => sql.tools.all(server ?? null).map(toolOf)),
    close: async () => undefined,
  };
}

function assertOwn({ storage, objectId, identity }: ObjectStoreOptions): void {
  if (!hasObjectLedger(storage)) throw new CountersignError('LEDGER_MISSING', 'The object has no ledger.');
  const row = objectConnection(storage).prepare('SELECT origin, public_key, file_id FROM origin').get();
  assertIdentity(row?.['origin'], bytes(row?.['public_key']), identity);
  if (row?.['file_id'] !== objectId)
    throw new CountersignError('LEDGER_COPIED', 'The ledger was begun by another object.');
}
