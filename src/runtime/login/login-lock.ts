import { setTimeout as pause } from 'node:timers/promises';
import { CountersignError } from '../../errors.ts';
import { isBusy } from '../../ledger/store-sqlite-errors.ts';

const retryMs = 25;

/**
 * Runs `change` as the only one of all processes that changes the login at this path: a refresh token counts once. The operating
 * system ends the lock with the process, however that ends.
 *
 * @throws CountersignError `LOGIN_FAILED` when another one holds it for longer than `withinMs`.
 */
export async function withLoginLock<T>(path: string, withinMs: number, change: () => Promise<T>): Promise<T> {
  const { DatabaseSync } = await import('node:sqlite');
  const db = open();
  try {
    const deadline = performance.now() + withinMs;
    while (!taken()) {
      if (performance.now() > deadline)
        throw new CountersignError(
          'LOGIN_FAILED',
          'Another process is busy with this login, and does not end.',
        );
      await pause(retryMs);
    }
    return await change();
  } finally {
    db.close();
  }

  function open() {
    try {
      return new DatabaseSync(`${path}.lock`, { timeout: 0 });
    } catch (error) {
      throw new CountersignError('LOGIN_FAILED', `${path}.lock cannot be opened.`, { cause: error });
    }
  }
  function taken(): boolean {
    try {
      db.exec('BEGIN EXCLUSIVE');
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw new CountersignError('LOGIN_FAILED', `${path}.lock cannot be locked.`, { cause: error });
    }
  }
}
