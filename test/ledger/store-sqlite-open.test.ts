import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedgerFile, isSafeSqlite, openFile } from '../../src/ledger/store-sqlite-open.ts';
import { draftOf } from './drafts.ts';
import { testLog } from './log-key.ts';
import { codeOf, refusalOf } from './settled.ts';
import { canMount, mountSmallDisk } from './small-disk.ts';
import { makeSqliteLog } from './sqlite-log.ts';
import type { SqliteLog } from './sqlite-log.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

describe('the ledger file', () => {
  let directory: string;
  let made: SqliteLog;
  beforeEach(() => {
    directory = temporaryDirectory();
    made = makeSqliteLog(directory);
  });
  afterEach(() => removeDirectory(directory));

  const opening = (path = made.path, log = made.log): string => {
    try {
      openFile(path, log.identity).db.close();
      return 'opened';
    } catch (error) {
      return codeOf(error);
    }
  };

  it('is its owner’s alone, and nothing else is left beside it', () => {
    expect(statSync(made.path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['ledger.sqlite']);
  });

  it('is never overwritten by a second init', () => {
    expect(() => createLedgerFile(made.path, testLog().identity)).toThrow(
      expect.objectContaining({ code: 'HOME_EXISTS' }),
    );
    expect(opening()).toBe('opened');
    expect(readdirSync(directory)).toEqual(['ledger.sqlite']);
  });

  it('commits to the disk: the settings are seen to hold', () => {
    const { db } = openFile(made.path, made.log.identity);
    const read = (name: string): unknown => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    const names = [
      'journal_mode',
      'synchronous',
      'fullfsync',
      'checkpoint_fullfsync',
      'wal_autocheckpoint',
      'busy_timeout',
    ];
    expect(names.map(read)).toEqual(['wal', 2, 1, 1, 0, 0]);
    db.close();
  });

  it('is refused when another tool took it out of WAL mode', () => {
    const db = new DatabaseSync(made.path);
    db.exec('PRAGMA journal_mode = DELETE');
    db.close();
    expect(opening()).toBe('LEDGER_UNSAFE');
  });

  it('is missing, and not made again, when it is not there', () => {
    rmSync(made.path);
    expect(opening()).toBe('LEDGER_MISSING');
    expect(opening(join(directory, 'none', 'ledger.sqlite'))).toBe('LEDGER_MISSING');
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each<[string, (path: string) => void]>([
    ['empty', (path) => truncateSync(path, 0)],
    ['cut short', (path) => truncateSync(path, 5_000)],
    [
      'text',
      (path) => writeFileSync(path, 'not a database, though long enough to be looked at\n'.repeat(100)),
    ],
    ['a directory', (path) => (rmSync(path), mkdirSync(path))],
    [
      'another database',
      (path) => {
        rmSync(path);
        const db = new DatabaseSync(path);
        db.exec('PRAGMA journal_mode = WAL; CREATE TABLE head (size)');
        db.close();
      },
    ],
    [
      'of another version',
      (path) => {
        const db = new DatabaseSync(path);
        db.exec('PRAGMA user_version = 99');
        db.close();
      },
    ],
  ])('is corrupt when it is %s', (_title, damage) => {
    damage(made.path);
    expect(opening()).toBe('LEDGER_CORRUPT');
  });

  it('belongs to one origin and one key', () => {
    const other = testLog('log.test/2');
    const { origin } = made.log.identity;
    expect(opening(made.path, other)).toBe('LEDGER_CORRUPT');
    expect(opening(made.path, { ...other, identity: { ...other.identity, origin } })).toBe('KEY_ROTATED');
    expect(
      opening(made.path, { ...made.log, identity: { ...made.log.identity, origin: 'log.test/2' } }),
    ).toBe('LEDGER_CORRUPT');
  });

  it('may be moved, but a copy of it is refused', () => {
    const moved = join(directory, 'moved.sqlite');
    renameSync(made.path, moved);
    expect(opening(moved)).toBe('opened');
    copyFileSync(moved, made.path);
    expect(opening(made.path)).toBe('LEDGER_COPIED');
    // The copy put in the original's place, as restoring a backup does.
    renameSync(made.path, moved);
    expect(opening(moved)).toBe('LEDGER_COPIED');
  });

  it.each(['replaced', 'removed'])('that is %s under a running gate stops it', async (how) => {
    const { ledger } = await made.open();
    await ledger.append(draftOf());
    const copy = join(directory, 'backup.sqlite');
    copyFileSync(made.path, copy);
    if (how === 'replaced') renameSync(copy, made.path);
    else rmSync(made.path);
    const expected = how === 'replaced' ? 'LEDGER_COPIED' : 'LEDGER_MISSING';
    expect(await refusalOf(ledger.append(draftOf()))).toBe(expected);
    expect(
      await refusalOf(
        ledger.rememberTools([
          { server: 's', serverDigest: 'd', tool: 't', sha256: 'x', definition: new Uint8Array() },
        ]),
      ),
    ).toBe(expected);
    await ledger.close();
  });

  it.skipIf(process.getuid?.() === 0)('that may not be written is read-only', async () => {
    const { chmodSync } = await import('node:fs');
    chmodSync(made.path, 0o400);
    expect(opening()).toBe('LEDGER_READ_ONLY');
    chmodSync(made.path, 0o600);
    chmodSync(directory, 0o500);
    expect(opening()).toBe('LEDGER_READ_ONLY');
    chmodSync(directory, 0o700);
  });

  it.skipIf(!canMount())('on a read-only file system is read-only', () => {
    const disk = mountSmallDisk(4);
    if (disk === null) throw new Error('mounting worked a moment ago');
    try {
      const { path, log } = makeSqliteLog(disk.directory);
      disk.makeReadOnly();
      expect(opening(path, log)).toBe('LEDGER_READ_ONLY');
    } finally {
      disk.remove();
    }
  });
});

describe('the SQLite that is asked for', () => {
  it.each([
    ['3.51.3', true],
    ['3.53.4', true],
    ['3.52.0', true],
    ['4.0.0', true],
    ['3.51.2', false],
    ['3.50.9', false],
    ['3.9.0', false],
    ['3.51', false],
    ['2.99.99', false],
    ['', false],
  ])('%s is safe: %s', (version, safe) => {
    expect(isSafeSqlite(version)).toBe(safe);
  });
});
