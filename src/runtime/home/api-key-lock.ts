import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountersignError, toCountersignError } from '../../errors.ts';
import { isBusy } from '../../ledger/store-sqlite-errors.ts';
import type { HomeLayout } from './home-layout.ts';

/** Between two tries. The other one reads, signs and writes: that is over in a moment. Milliseconds. */
const pause = 20;

/**
 * Runs `change` as the only one that changes API keys of this home, after whoever does so now. The operating system keeps the lock
 * on the file, and takes it back the moment its holder dies. HOME_IN_USE when it is not free within `patience` milliseconds.
 */
export async function asApiKeyWriter<T>(
  { apiKeyLock }: Pick<HomeLayout, 'apiKeyLock'>,
  change: () => Promise<T>,
  patience = 30_000,
): Promise<T> {
  const lock = await takeLock(apiKeyLock, performance.now() + patience);
  try {
    return await change();
  } finally {
    lock.close();
  }
}

async function takeLock(path: string, giveUpAt: number): Promise<DatabaseSync> {
  for (;;) {
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (performance.now() > giveUpAt)
      throw new CountersignError('HOME_IN_USE', 'Another command is changing the API keys of this home.');
    await sleep(pause);
  }
}

function tryLock(path: string): DatabaseSync | undefined {
  let lock: DatabaseSync | undefined;
  try {
    closeSync(openSync(path, 'a', 0o600));
    lock = new DatabaseSync(path, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (thrown) {
    lock?.close();
    if (isBusy(thrown)) return undefined;
    throw toCountersignError(thrown, 'API_KEY_STORE_UNREADABLE', `${path} cannot be locked.`);
  }
}
