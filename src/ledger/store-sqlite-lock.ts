import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy, ledgerError } from './store-sqlite-errors.ts';

/** Milliseconds between two tries for a lock that another process holds for some tenths of one. */
const retryAfter = 1;

/**
 * Runs `attempt` until no other process is in its way, at most `bound` milliseconds: then LEDGER_LOCKED. Between two tries
 * the event loop goes on, which SQLite's own busy handler would not allow.
 */
export async function unlessBusy<T>(bound: number, attempt: () => T): Promise<T> {
  const end = performance.now() + bound;
  for (;;) {
    try {
      return attempt();
    } catch (thrown) {
      if (!isBusy(thrown) || performance.now() >= end) throw ledgerError(thrown);
    }
    await sleep(retryAfter);
  }
}
