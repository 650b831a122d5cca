import { CountersignError } from '../errors.ts';
import { postgresError, sqlState } from './store-postgres-errors.ts';
import type { Session } from './store-postgres-session.ts';

/** One connection at a time, made when it is needed and made again after it broke. */
export interface Lane {
  /**
   * Runs work that makes nothing durable. When it finds the connection broken, which a server's restart does to idle ones,
   * it is run once more on a new one.
   */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function createLane(open: () => Promise<Session>): Lane {
  let current: Promise<Session> | null = null;
  let closed = false;

  const take = async (): Promise<{ session: Session; fresh: boolean }> => {
    if (closed) throw new CountersignError('LEDGER_UNAVAILABLE', 'The ledger is closed.');
    const seen = current;
    const known = await seen?.catch(() => null);
    if (known?.isOpen()) return { session: known, fresh: false };
    // Whoever comes first opens, and the others of the same moment wait for that one.
    const opening = current === seen || current === null ? open() : current;
    current = opening;
    return { session: await opening, fresh: true };
  };

  return {
    async use(work) {
      const { session, fresh } = await take();
      try {
        return await work(session);
      } catch (thrown) {
        if (!brokeOff(thrown)) throw postgresError(thrown);
        session.drop();
        if (fresh) throw postgresError(thrown);
      }
      const { session: next } = await take();
      try {
        return await work(next);
      } catch (thrown) {
        throw postgresError(thrown);
      }
    },
    async close() {
      closed = true;
      const session = await current?.catch(() => null);
      await session?.close();
    },
  };
}

/** The connection is gone, or the server is about to end it. */
function brokeOff(thrown: unknown): boolean {
  if (thrown instanceof CountersignError) return false;
  const state = sqlState(thrown);
  return state === undefined || /^(?:08|57P)/.test(state);
}
