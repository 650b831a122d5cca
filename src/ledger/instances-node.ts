import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CountersignError } from '../errors.ts';
import { fileError } from './file-error-node.ts';
import { fileIdentity } from './file-identity-node.ts';
import type { LocalInstance } from './instance.ts';
import { isBusy } from './store-sqlite-errors.ts';

/** Locks that this process holds. One that only its `Instance` kept would end when that is collected as garbage. */
const held = new Set<DatabaseSync>();

const suffix = '.lock';
const lockPath = (directory: string, id: string): string => join(directory, id + suffix);

/**
 * Takes a new instance id. The process holds an exclusive lock on a file of its own, which the operating system keeps while it
 * sleeps or is stopped, and takes back the moment it dies. The directory is made if it is missing.
 */
export function claimInstance(directory: string): LocalInstance {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // A sweep of another process may catch the new file before it is locked; then there is another id.
    for (let tries = 0; tries < 10; tries++) {
      const claimed = tryClaim(directory, randomUUID());
      if (claimed !== null) return claimed;
    }
  } catch (thrown) {
    throw fileError(thrown);
  }
  throw new CountersignError('LEDGER_UNAVAILABLE', 'This process could not take an instance id.');
}

/** Whether the instance's process runs, or is stopped and may run again. */
export function isAlive(directory: string, id: string): boolean {
  const path = lockPath(directory, id);
  if (!isId(id) || !existsSync(path)) return false;
  return probe(path, { readOnly: true }, 'SELECT 1 FROM sqlite_schema') === 'held';
}

/** The ids of all whose process runs, or may run again. */
export function livingInstances(directory: string): readonly string[] {
  return idsIn(directory).filter((id) => isAlive(directory, id));
}

/** Removes the files of dead instances, and says whose. */
export function sweepInstances(directory: string): readonly string[] {
  return idsIn(directory).filter((id) => removeIfDead(lockPath(directory, id)));
}

function idsIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix))
    .map((name) => name.slice(0, -suffix.length))
    .filter(isId);
}

function tryClaim(directory: string, id: string): LocalInstance | null {
  const path = lockPath(directory, id);
  closeSync(openSync(path, 'wx', 0o600));
  const identity = fileIdentity(path);
  const db = new DatabaseSync(path, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (thrown) {
    db.close();
    if (isBusy(thrown)) return null;
    throw thrown;
  }
  const stillMine = (): boolean => fileIdentity(path) === identity;
  if (!stillMine()) {
    db.close();
    return null;
  }
  held.add(db);
  return {
    id,
    stillMine,
    release() {
      if (!held.delete(db)) return;
      db.close();
      remove(path);
    },
  };
}

/** The file is removed under its own lock, so that an instance that is just being claimed is never taken for a dead one. */
function removeIfDead(path: string): boolean {
  const state = probe(path, {}, 'BEGIN EXCLUSIVE', () => remove(path));
  // Windows removes no open file.
  if (state === 'free') remove(path);
  return state === 'free';
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The next sweep finds it again.
  }
}

function probe(
  path: string,
  options: { readonly readOnly?: boolean },
  statement: string,
  whileFree: () => void = () => undefined,
): 'held' | 'free' {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { ...options, timeout: 0 });
    db.exec(statement);
    whileFree();
    return 'free';
  } catch (thrown) {
    // What cannot be opened any more is gone; anything else that is unclear counts as alive: its calls are left alone.
    return existsSync(path) || isBusy(thrown) ? 'held' : 'free';
  } finally {
    db?.close();
  }
}

/** Ids come back from the ledger: none may name a file elsewhere. */
function isId(id: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);
}
