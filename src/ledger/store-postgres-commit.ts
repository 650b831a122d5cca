import { utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { isRefusal, postgresError } from './store-postgres-errors.ts';
import { headsOf, integer, permitOf } from './store-postgres-rows.ts';
import { bytes, text } from './store-rows.ts';
import { assertFsync } from './store-postgres-session.ts';
import type { Answer, Session } from './store-postgres-session.ts';
import { commitReads, writeAll } from './store-postgres-statements.ts';
import { writeValues } from './store-postgres-write.ts';
import { CommitOutcomeUnknown } from './store.ts';
import type { CommitReads, Snapshot, Writes } from './store.ts';

const nothing: Answer = { command: 'SELECT', rows: [] };

/**
 * First round trip: begins, takes the writer's lock, and reads. All of it is sent at once. Each statement sees what was
 * committed before it started, and those behind the lock start when it is held.
 */
export async function beginAndRead(session: Session, reads: CommitReads): Promise<Snapshot> {
  const ask = (statement: (typeof commitReads)['heads'], keys: readonly unknown[]): Promise<Answer> =>
    keys.length === 0 ? Promise.resolve(nothing) : session.query(statement, [keys]);
  const [, lock, origin, leaves, heads, permits, verdicts] = await allOf([
    session.query(commitReads.begin),
    session.query(commitReads.lockHead),
    session.query(commitReads.publicKey),
    session.query(commitReads.leafHashes, [reads.knownSize]),
    ask(commitReads.heads, reads.heads.map(utf8)),
    ask(commitReads.permits, reads.permits),
    ask(commitReads.verdicts, reads.verdicts),
  ]);
  const row = lock.rows[0];
  if (row === undefined) throw new CountersignError('LEDGER_CORRUPT', 'The ledger has no head.');
  assertFsync(row['fsync']);
  return {
    publicKey: bytes(origin.rows[0]?.['public_key']),
    head: {
      size: integer(row['size']),
      root: bytes(row['root']),
      // It is long, and a commit only replaces it.
      checkpoint: null,
      lastTime: integer(row['last_time']),
    },
    leafHashes: leaves.rows.map((leaf) => bytes(leaf['leaf_hash'])),
    heads: headsOf(heads.rows),
    permits: new Map(permits.rows.map(permitOf).map((permit) => [permit.callId, permit])),
    verdicts: new Set(verdicts.rows.map((verdict) => text(verdict['call_id']))),
  };
}

/**
 * Second round trip: writes and commits. `CommitOutcomeUnknown` when the answer to COMMIT is missing and nothing before it
 * was refused. A COMMIT of a transaction that has failed is answered with ROLLBACK, not with an error.
 */
export async function writeAndCommit(session: Session, writes: Writes): Promise<void> {
  const [written, committed] = await Promise.allSettled([
    session.query(writeAll, writeValues(writes)),
    session.query('COMMIT'),
  ]);
  if (written.status === 'rejected' && isRefusal(written.reason)) throw postgresError(written.reason);
  if (committed.status === 'rejected') {
    throw isRefusal(committed.reason)
      ? postgresError(committed.reason)
      : new CommitOutcomeUnknown(postgresError(committed.reason));
  }
  // The driver itself could not send the writes, and the transaction was empty.
  if (written.status === 'rejected') throw postgresError(written.reason);
  if (committed.value.command !== 'COMMIT')
    throw new CountersignError('LEDGER_UNAVAILABLE', 'The ledger’s database did not commit.');
}

/** Waits for all, and rejects with the first that failed in the order of sending: the later ones only follow from it. */
async function allOf<T extends readonly [] | readonly Promise<Answer>[]>(
  sent: T,
): Promise<{ [K in keyof T]: Answer }> {
  const results = await Promise.allSettled(sent);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }) as { [K in keyof T]: Answer };
}
