import { randomUUID } from 'node:crypto';
import { accessSync, closeSync, constants, linkSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CountersignError } from '../errors.ts';
import { emptyRoot } from '../tlog/merkle.ts';
import { assertSameFile, fileIdentity } from './file-identity-node.ts';
import { assertLocalDisk } from './local-disk-node.ts';
import { fileError } from './file-error-node.ts';
import { applicationId, schema, schemaVersion } from './store-sqlite-schema.ts';
import type { LogIdentity } from './store.ts';
import { assertIdentity } from './succession.ts';
import { syncDirectory } from './sync-directory-node.ts';

/** An open ledger file whose settings were seen to hold. */
export interface LedgerFile {
  readonly db: DatabaseSync;
  readonly path: string;
  /** See `fileIdentity`. */
  readonly fileId: string;
}

/** Milliseconds that opening may wait for another process that recovers the file after a crash. */
const openTimeout = 5_000;

/**
 * Makes an empty ledger file for a log, readable by its owner alone. It appears at its path only when it is complete, and
 * never replaces a file: HOME_EXISTS.
 */
export function createLedgerFile(path: string, identity: LogIdentity): void {
  const draft = `${path}.${randomUUID()}.new`;
  try {
    assertSafeSqlite();
    assertLocalDisk(dirname(path));
    closeSync(openSync(draft, 'wx', 0o600));
    fillLedgerFile(draft, identity);
    linkSync(draft, path);
    syncDirectory(path);
  } catch (thrown) {
    throw fileError(thrown);
  } finally {
    rmSync(draft, { force: true });
  }
}

function fillLedgerFile(path: string, { origin, publicKey }: LogIdentity): void {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;');
    db.exec(schema);
    db.prepare('INSERT INTO origin VALUES (1, ?, ?, ?)').run(origin, publicKey, fileIdentity(path));
    db.prepare('INSERT INTO head VALUES (1, 0, 0, ?, NULL)').run(emptyRoot);
  } finally {
    // The last connection folds the WAL into the file and removes it.
    db.close();
  }
}

/**
 * Opens a ledger file for appending: LEDGER_MISSING, LEDGER_CORRUPT (not a ledger, or another log's), KEY_ROTATED, LEDGER_COPIED,
 * LEDGER_READ_ONLY, LEDGER_UNSAFE (old SQLite, network disk, settings that did not hold), LEDGER_LOCKED.
 */
export function openFile(path: string, identity: LogIdentity): LedgerFile {
  let db: DatabaseSync | undefined;
  try {
    assertSafeSqlite();
    assertWritableFile(path);
    assertLocalDisk(dirname(path));
    db = new DatabaseSync(path, { timeout: openTimeout, defensive: true });
    assertLedger(db);
    makeDurable(db);
    const fileId = assertOrigin(db, identity);
    assertSameFile(path, fileId);
    db.exec('PRAGMA busy_timeout = 0');
    return { db, path, fileId };
  } catch (thrown) {
    db?.close();
    throw fileError(thrown);
  }
}

/** Before 3.51.3 a commit could be lost with several writers and a checkpointer (https://sqlite.org/wal.html#walresetbug). */
const safeVersion = [3, 51, 3] as const;

export function isSafeSqlite(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [i, least] of safeVersion.entries()) {
    const part = parts[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

export function assertSafeSqlite(): void {
  const version = process.versions['sqlite'];
  if (version === undefined || !isSafeSqlite(version))
    throw new CountersignError(
      'LEDGER_UNSAFE',
      `SQLite ${version ?? '(unknown)'} can lose a committed entry. Use a Node.js with SQLite 3.51.3 or later.`,
    );
}

function assertWritableFile(path: string): void {
  if (!statSync(path).isFile()) throw new CountersignError('LEDGER_CORRUPT', 'The ledger is not a file.');
  accessSync(path, constants.R_OK | constants.W_OK);
  // The WAL and its index are made next to the file.
  accessSync(dirname(path), constants.W_OK);
}

export function assertLedger(db: DatabaseSync): void {
  if (pragma(db, 'application_id') !== applicationId)
    throw new CountersignError('LEDGER_CORRUPT', 'The file is not a ledger.');
  if (pragma(db, 'user_version') !== schemaVersion)
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger was written by another version of Countersign.');
}

/**
 * What makes COMMIT mean "on the disk", and erased mean overwritten, read back: a build or a file system may silently not take
 * a setting.
 */
export function makeDurable(db: DatabaseSync): void {
  db.exec(`
    PRAGMA trusted_schema = OFF;
    PRAGMA secure_delete = ON;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -16000;
  `);
  const expected = {
    journal_mode: 'wal',
    synchronous: 2,
    fullfsync: 1,
    checkpoint_fullfsync: 1,
    // What is erased is overwritten, also where a cell was moved and left its bytes behind.
    secure_delete: 1,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (pragma(db, name) !== value)
      throw new CountersignError(
        'LEDGER_UNSAFE',
        `The ledger’s database did not take the setting ${name}=${value}.`,
      );
  }
}

function assertOrigin(db: DatabaseSync, identity: LogIdentity): string {
  const row = db.prepare('SELECT origin, public_key, file_id FROM origin').get();
  const { origin, public_key: publicKey, file_id: fileId } = row ?? {};
  if (typeof fileId !== 'string' || !(publicKey instanceof Uint8Array))
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger does not say whose it is.');
  assertIdentity(origin, publicKey, identity);
  return fileId;
}

function pragma(db: DatabaseSync, name: string): unknown {
  return db.prepare(`PRAGMA ${name}`).get()?.[name];
}
