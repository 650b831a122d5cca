import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { CountersignError, systemCode } from '../errors.ts';
import { fileError } from './file-error-node.ts';
import { fileIdentity } from './file-identity-node.ts';
import { bytes, text } from './store-rows.ts';
import { assertLedger, assertSafeSqlite, makeDurable } from './store-sqlite-open.ts';
import { integer } from './store-sqlite-rows.ts';
import { sqliteStore } from './store-sqlite.ts';
import type { LogStore } from './store.ts';
import { syncDirectory } from './sync-directory-node.ts';

/** Milliseconds that opening may wait for another process. */
const openTimeout = 5_000;
/** Pages of one step: between two steps other work of this process goes on. */
const pagesAtOnce = 2_048;

/**
 * Copies a ledger file as it is at this moment, while others write to it: one read transaction sees one state, and keeps nobody
 * from writing. The copy is one file, without a WAL; it appears at `target` whole, synced and 0600, after `check` had nothing
 * against it. Never replaces a file: CONFIG_INVALID.
 */
export async function copyLedgerFile(
  source: string,
  target: string,
  onProgress: (done: number, total: number) => void,
  check: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${target}.${randomUUID()}.new`;
  try {
    closeSync(openSync(draft, 'wx', 0o600));
    await copyPages(source, draft, onProgress);
    leaveWal(draft);
    syncFile(draft);
    await check(draft);
    linkSync(draft, target);
    syncDirectory(target);
  } catch (thrown) {
    throw copyError(thrown, target);
  } finally {
    rmSync(draft, { force: true });
  }
}

async function copyPages(
  source: string,
  draft: string,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const db = new DatabaseSync(source, { readOnly: true, timeout: openTimeout, defensive: true });
  try {
    // Without a transaction of its own, a copy begins anew whenever somebody else has written: it might never end.
    db.exec('BEGIN; SELECT size FROM head;');
    await backup(db, draft, {
      rate: pagesAtOnce,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
  } finally {
    db.close();
  }
}

/** A file in WAL mode needs another one beside it even to be read, and cannot be read from a medium that is read-only. */
function leaveWal(path: string): void {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA journal_mode = DELETE;');
  } finally {
    db.close();
  }
}

/** Makes a copy what a home keeps: in WAL mode, so that what is erased from it leaves the file as it leaves any ledger. */
export function adoptLedgerCopy(path: string): void {
  const db = new DatabaseSync(path, { timeout: openTimeout });
  try {
    db.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA journal_mode = WAL;');
  } finally {
    db.close();
  }
  syncFile(path);
}

/** Durable, whatever wrote it. */
export function syncFile(path: string): void {
  const handle = openSync(path, 'r+');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * How a ledger that nobody appends to is opened: `read` changes nothing, `erase` may remove what is beside the log. `look` leaves no
 * file beside it either; what it sees of a ledger that is begun to be written at that moment is not to be relied on.
 */
export type CopyAccess = 'read' | 'look' | 'erase';

/**
 * Opens a backup, or the ledger of a log that has ended: any file, whoever's log it holds. Nothing in it is to be believed before
 * its tree was held against a signed head. LEDGER_MISSING, LEDGER_CORRUPT when it is no ledger.
 */
export function openLedgerCopy(path: string, access: CopyAccess = 'read'): LogStore {
  let db: DatabaseSync | undefined;
  try {
    assertSafeSqlite();
    const fileId = fileIdentity(path);
    if (fileId === null) throw new CountersignError('LEDGER_MISSING', 'There is no ledger at this place.');
    const place = access === 'look' ? untouched(path) : path;
    db = new DatabaseSync(place, { readOnly: access !== 'erase', timeout: openTimeout, defensive: true });
    db.exec('PRAGMA trusted_schema = OFF');
    assertLedger(db);
    assertPlain(db);
    if (access === 'erase') makeDurable(db);
    const row = db.prepare('SELECT origin, public_key FROM origin').get() ?? {};
    const identity = { origin: text(row['origin']), publicKey: bytes(row['public_key']) };
    return sqliteStore({ db, path, fileId }, { path, identity });
  } catch (thrown) {
    db?.close();
    throw fileError(thrown);
  }
}

/** Reading a file in WAL mode makes others beside it, which a reader cannot remove: unless it is told that nothing changes. */
function untouched(path: string): string | URL {
  if (existsSync(`${path}-wal`)) return path;
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return url;
}

/** What comes from elsewhere may bring code of its own: triggers that write, views in the place of tables. */
function assertPlain(db: DatabaseSync): void {
  const odd = db.prepare("SELECT name FROM sqlite_schema WHERE type NOT IN ('table', 'index')").all();
  if (odd.length > 0) {
    throw new CountersignError('LEDGER_CORRUPT', 'The file is not a ledger: it holds triggers or views.');
  }
}

/**
 * Folds the WAL of a ledger that nobody uses any more into its file, so that the one file is the ledger. `look` is told the size of
 * its tree as it then is.
 */
export function foldLedgerFile(path: string, look: (size: number) => void): void {
  const db = new DatabaseSync(path, { timeout: openTimeout });
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    look(integer(db.prepare('SELECT size FROM head').get()?.['size']));
  } finally {
    db.close();
  }
}

function copyError(thrown: unknown, target: string): CountersignError {
  const code = systemCode(thrown);
  if (code === 'EEXIST') {
    return new CountersignError(
      'CONFIG_INVALID',
      `There is a file at ${target} already; nothing was changed.`,
    );
  }
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new CountersignError('CONFIG_INVALID', `There is no folder ${dirname(target)}.`);
  }
  return fileError(thrown);
}
