import { concatBytes, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { ToolRecord } from './ledger.ts';
import { beginAndRead, writeAndCommit } from './store-postgres-commit.ts';
import { postgresError } from './store-postgres-errors.ts';
import { createLane } from './store-postgres-lane.ts';
import { entryOf, headOf, headsOf, permitOf, sideRowOf, toolOf } from './store-postgres-rows.ts';
import { bytes } from './store-rows.ts';
import { assertOrigin } from './store-postgres-schema.ts';
import { openSession } from './store-postgres-session.ts';
import type { Row, Session, Statement } from './store-postgres-session.ts';
import * as sql from './store-postgres-statements.ts';
import type { PostgresAddress } from './store-postgres-url.ts';
import type { CommitReads, LogIdentity, LogStore, Snapshot, Writes } from './store.ts';

export interface PostgresStoreOptions {
  readonly address: PostgresAddress;
  readonly identity: LogIdentity;
}

/** Milliseconds: it keeps nobody out, and reads the whole table. */
const scrubTimeout = 600_000;

/**
 * The store for gates on several machines: whichever has the head's row locked is the writer. `createPostgresLedger` made the
 * tables. One connection writes and one reads, so that a read never waits for a commit; each is made again after it broke.
 * Rejects as `openSession` and `assertOrigin` do.
 */
export async function openPostgresStore({ address, ...options }: PostgresStoreOptions): Promise<LogStore> {
  let { identity } = options;
  /** Set before the commit that makes it the identity: its outcome may have to be looked up on another connection. */
  let successor = identity;
  const open = async (): Promise<Session> => {
    const session = await openSession(address);
    try {
      await assertOrigin(session, identity, successor);
      return session;
    } catch (thrown) {
      session.drop();
      throw postgresError(thrown);
    }
  };
  const writer = createLane(open);
  const reader = createLane(open);
  await reader.use(() => Promise.resolve());

  const rows = (statement: Statement, ...values: readonly unknown[]): Promise<readonly Row[]> =>
    reader.use(async (session) => (await session.query(statement, values)).rows);

  /** One transaction at a time: there is one connection to have it on. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn;
    return turn;
  };

  const commit = async (reads: CommitReads, plan: (snapshot: Snapshot) => Writes | null): Promise<void> => {
    // Until the plan has run nothing can be durable, so a connection that turns out to be broken may be replaced.
    const { session, snapshot } = await writer.use((opened) =>
      orDrop(opened, async () => ({ session: opened, snapshot: await beginAndRead(opened, reads) })),
    );
    await orDrop(session, async () => {
      const writes = plan(snapshot);
      if (writes === null) {
        await session.query('ROLLBACK');
        return;
      }
      successor = writes.identity ?? successor;
      await writeAndCommit(session, writes);
      identity = writes.identity ?? identity;
    });
  };

  const rememberTools = (records: readonly ToolRecord[]): Promise<void> =>
    writer.use((session) =>
      orDrop(session, async () => {
        const values = toolValues(records);
        await session.query('BEGIN');
        // The head's lock orders this with the commits of others, and so the rows of one moment among themselves.
        await session.query(sql.commitReads.lockHead);
        await session.query(sql.forgetTool, [values[0]]);
        await session.query(sql.addTools, values);
        await session.query('COMMIT');
      }),
    );

  return {
    get identity() {
      return identity;
    },
    commit: (reads, plan) => inTurn(() => commit(reads, plan)),
    async head() {
      return headOf((await rows(sql.head))[0]);
    },
    async tile(level, index, width) {
      const [row] = await rows(level === 0 ? sql.leafTile : sql.upperTile, level, index, width);
      const hashes = row?.['hashes'] ?? new Uint8Array();
      const found = bytes(hashes).subarray(0, width * 32);
      if (found.length < width * 32)
        throw new CountersignError('LEDGER_CORRUPT', 'The ledger lacks hashes of its tree.');
      return found;
    },
    heads: async (keys) =>
      headsOf(keys.length === 0 ? [] : await rows(sql.commitReads.heads, keys.map(utf8))),
    headsUnder: async (prefix) => headsOf(await rows(sql.headsUnder, ...rangeOf(utf8(prefix)))),
    entries: async (from, to) => (await rows(sql.entries, from, to)).map(entryOf),
    entriesOfCall: async (callId) => (await rows(sql.entriesOfCall, callId)).map(entryOf),
    openPermits: async () => (await rows(sql.openPermits)).map(permitOf),
    side: async (callId) => (await rows(sql.sideOfCall, callId)).map(sideRowOf),
    async scrub() {
      const session = await openSession(address, { answerTimeout: scrubTimeout });
      try {
        await session.query(`SET statement_timeout = ${scrubTimeout}`);
        await session.query(sql.scrub);
      } catch (thrown) {
        throw postgresError(thrown);
      } finally {
        await session.close();
      }
    },
    rememberTools: async (records) =>
      records.length === 0 ? undefined : inTurn(() => rememberTools(lastOfEach(records))),
    tools: async (server) => (await rows(sql.tools, server === undefined ? null : utf8(server))).map(toolOf),
    async close() {
      await inTurn(() => writer.close());
      await reader.close();
    },
  };
}

/** A connection on which anything failed is not used again: a transaction may be open on it. */
async function orDrop<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    session.drop();
    throw thrown;
  }
}

/** From and to (exclusive) in the index by prefix, and the prefix itself. */
function rangeOf(prefix: Uint8Array): readonly Uint8Array[] {
  const from = prefix.slice(0, sql.prefixBytes);
  const to = from.length === 0 ? Uint8Array.of(0xff) : from.slice();
  // No byte of UTF-8 is 0xff, so the last one has a successor.
  if (from.length > 0) to[to.length - 1] = (to.at(-1) ?? 0) + 1;
  return [from, to, prefix];
}

/** A statement inserts each row once. */
function lastOfEach(records: readonly ToolRecord[]): readonly ToolRecord[] {
  const byId = new Map<string, ToolRecord>();
  for (const record of records) {
    const key = JSON.stringify([record.server, record.serverDigest, record.tool, record.sha256]);
    byId.delete(key);
    byId.set(key, record);
  }
  return [...byId.values()];
}

function toolValues(records: readonly ToolRecord[]): Uint8Array[][] {
  const parts = records.map(({ server, serverDigest, tool, sha256: digest }) =>
    [server, serverDigest, tool, digest].map(utf8),
  );
  return [
    parts.map((texts) => sha256(concatBytes(...texts.map((text) => sha256(text))))),
    ...[0, 1, 2, 3].map((column) => parts.map((texts) => texts[column] ?? new Uint8Array())),
    records.map(({ definition }) => definition),
  ];
}
