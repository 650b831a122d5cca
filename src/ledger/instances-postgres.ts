import { sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { Instance } from './instance.ts';
import { postgresError } from './store-postgres-errors.ts';
import { openSession } from './store-postgres-session.ts';
import type { Session } from './store-postgres-session.ts';
import type { PostgresAddress } from './store-postgres-url.ts';

/**
 * A gate among gates on several machines. It holds a session-level advisory lock on a connection of its own, and a row in
 * `instances`. The lock goes with the connection; the row is removed by whoever finds the lock free, under that same lock.
 * So no row means: taken for dead, for good.
 */
export interface PostgresInstance extends Instance {
  /**
   * Whether another instance runs, is stopped, or its machine has not been gone for long. One that does not is fenced by the
   * question itself: should its connection come back, it finds its row gone.
   */
  isAlive(id: string): Promise<boolean>;
  /** Fences all that are dead. */
  sweep(): Promise<void>;
  /** The ids of all that are alive, this one too; fences the others. */
  living(): Promise<readonly string[]>;
}

export interface InstanceTiming {
  /** Milliseconds between two questions to the server, and between two tries to reach it again. */
  readonly askEvery: number;
  readonly retryEvery: number;
  /**
   * Milliseconds after which an answer is too old to rely on. Less than the 35 seconds after which the server gives up a machine
   * that fell silent, so that a gate cut off from it stops before others may settle its calls.
   */
  readonly freshFor: number;
}

const defaultTiming: InstanceTiming = { askEvery: 5_000, retryEvery: 500, freshFor: 25_000 };

const lock = { name: 'lock', text: 'SELECT pg_try_advisory_lock($1::bigint) AS held' };
const register = { name: 'register', text: 'INSERT INTO instances (id, lock) VALUES ($1, $2)' };
const known = { name: 'known', text: 'SELECT 1 FROM instances WHERE id = $1' };
const forget = { name: 'forget', text: 'DELETE FROM instances WHERE id = $1' };
const fence = {
  name: 'fence',
  text: 'DELETE FROM instances WHERE id = $1 AND pg_try_advisory_xact_lock($2::bigint)',
};
const fenceAll = {
  name: 'fence_all',
  text: 'DELETE FROM instances WHERE id <> $1 AND pg_try_advisory_xact_lock(lock)',
};

const registered = { name: 'registered', text: 'SELECT id FROM instances ORDER BY id' };

/** `lost` may become `held` again; `fenced` is for good. */
type State = 'held' | 'lost' | 'fenced' | 'released';

/**
 * Registers this process under an id that nobody had before. After its connection was lost it takes the lock again under the
 * same id if its row is still there, since then nobody has looked; else it is fenced, and the process must start anew under
 * another id.
 */
export async function claimPostgresInstance(
  address: PostgresAddress,
  id: string,
  timing: InstanceTiming = defaultTiming,
): Promise<PostgresInstance> {
  const key = lockKey(address.schema, id);
  let state: State = 'lost';
  let session = await openSession(address, { answerTimeout: timing.askEvery });
  let confirmed = clocks();
  let timer: NodeJS.Timeout | undefined;
  const is = (...states: readonly State[]): boolean => states.includes(state);

  const confirm = (): void => {
    confirmed = clocks();
    state = 'held';
  };

  /** Asks whether the row is there. A connection that does not answer is broken off. */
  const ask = async (): Promise<void> => {
    try {
      const { rows } = await session.query(known, [id]);
      if (is('released')) return;
      if (rows.length === 1) confirm();
      else state = 'fenced';
    } catch {
      session.drop();
    }
  };

  /** Fails while the server still holds the lock for the connection that was lost. */
  const takeAgain = async (): Promise<void> => {
    try {
      session = await openSession(address, { answerTimeout: timing.askEvery });
      if (!is('released') && (await holds(session, key))) await ask();
    } catch {
      // The next try may find it reachable.
    }
    if (!is('held')) session.drop();
  };

  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => {
      timer = setTimeout(resolve, milliseconds);
      timer.unref();
    });

  /** The one loop that asks and reconnects, for as long as the instance may still be this process's. */
  const watch = async (): Promise<void> => {
    while (is('held', 'lost')) {
      // A connection that breaks does not wait for the next question.
      await (is('held') ? Promise.race([sleep(timing.askEvery), session.ended]) : sleep(timing.retryEvery));
      clearTimeout(timer);
      if (is('held') && !session.isOpen()) state = 'lost';
      if (is('held')) await ask();
      else if (is('lost')) await takeAgain();
    }
    if (is('fenced')) session.drop();
  };

  try {
    if (!(await holds(session, key)))
      throw new CountersignError('LEDGER_UNAVAILABLE', 'This process could not take an instance id.');
    await session.query(register, [id, key]);
  } catch (thrown) {
    session.drop();
    throw postgresError(thrown);
  }
  confirm();
  void watch();

  return {
    id,
    stillMine: () => is('held') && session.isOpen() && elapsed(confirmed) < timing.freshFor,
    async isAlive(other) {
      if (other === id) return is('held');
      try {
        const [, left] = await Promise.all([
          session.query(fence, [other, lockKey(address.schema, other)]),
          session.query(known, [other]),
        ]);
        return left.rows.length === 1;
      } catch (thrown) {
        throw postgresError(thrown);
      }
    },
    async sweep() {
      await session.query(fenceAll, [id]).catch(() => undefined);
    },
    async living() {
      try {
        const [, left] = await Promise.all([session.query(fenceAll, [id]), session.query(registered)]);
        return left.rows.map((row) => String(row['id']));
      } catch (thrown) {
        throw postgresError(thrown);
      }
    },
    async release() {
      if (is('released')) return;
      state = 'released';
      clearTimeout(timer);
      if (session.isOpen()) await session.query(forget, [id]).catch(() => undefined);
      await session.close().catch(() => undefined);
    },
  };
}

async function holds(session: Session, key: string): Promise<boolean> {
  const [row] = (await session.query(lock, [key])).rows;
  return row?.['held'] === true;
}

/** Advisory locks are numbers shared by a whole database: 64 bits of a hash meet nobody else's. */
function lockKey(schema: string, id: string): string {
  return new DataView(sha256(utf8(`countersign/${schema}/${id}`)).buffer).getBigInt64(0).toString();
}

interface Clocks {
  readonly wall: number;
  readonly monotonic: number;
}

function clocks(): Clocks {
  return { wall: Date.now(), monotonic: performance.now() };
}

/** The longer of the two: one of them stands still while a machine sleeps, and the other may be set back. */
function elapsed({ wall, monotonic }: Clocks): number {
  return Math.max(Date.now() - wall, performance.now() - monotonic);
}
