import { DatabaseSync } from 'node:sqlite';
import type { SQLOutputValue, StatementSync } from 'node:sqlite';
import { concatBytes, equalBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { hashLength } from '../tlog/merkle.ts';
import { formatVkey, parseVkey } from '../tlog/vkey.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import { refusedTree } from './fork.ts';
import type { Fork, ForkKind } from './fork.ts';
import { applicationId, schema, schemaVersion } from './state-sqlite-schema.ts';
import { maxKept, rememberedCheckpoints } from './store.ts';
import type { Changes, Cosigned, LogState, WitnessBooks, WitnessedLog } from './store.ts';

/** Whose state a file holds. */
export interface StateOwner {
  readonly name: string;
  /** Of the witness's key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Which file it is: one that a copy or a restored backup does not share. */
  readonly fileId: string;
}

export interface WitnessState extends WitnessBooks {
  close(): void;
}

/** Milliseconds that a step waits for another process on the same file. */
const busyTimeout = 5_000;

/** Fills a new, empty file. */
export function createWitnessState(path: string, { name, publicKey, fileId }: StateOwner): void {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;');
    db.exec(schema);
    db.prepare('INSERT INTO witness VALUES (1, ?, ?, ?)').run(name, publicKey, fileId);
  } finally {
    db.close();
  }
}

/**
 * Opens a witness's state. WITNESS_COPIED when it is not the file that was made, WITNESS_STATE_UNUSABLE when it is another
 * witness's, none at all, or does not take the settings that durability needs.
 */
export function openWitnessState(path: string, owner: StateOwner): WitnessState {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: busyTimeout, defensive: true });
    makeDurable(db);
    assertOwner(db, owner);
    return books(db);
  } catch (thrown) {
    db?.close();
    throw stateError(thrown);
  }
}

/** What makes COMMIT mean “on the disk”, read back: a build may silently not take a setting. */
function makeDurable(db: DatabaseSync): void {
  db.exec(`
    PRAGMA trusted_schema = OFF;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
  `);
  const expected = {
    application_id: applicationId,
    user_version: schemaVersion,
    journal_mode: 'wal',
    synchronous: 2,
    fullfsync: 1,
    checkpoint_fullfsync: 1,
  };
  for (const [name, value] of Object.entries(expected)) {
    if (db.prepare(`PRAGMA ${name}`).get()?.[name] !== value) {
      throw new CountersignError(
        'WITNESS_STATE_UNUSABLE',
        `The witness’s state does not have the setting ${name}=${value}.`,
      );
    }
  }
}

function assertOwner(db: DatabaseSync, owner: StateOwner): void {
  const row = db.prepare('SELECT name, public_key, file_id FROM witness').get() ?? {};
  const publicKey = row['public_key'];
  if (
    row['name'] !== owner.name ||
    !(publicKey instanceof Uint8Array) ||
    !equalBytes(publicKey, owner.publicKey)
  ) {
    throw new CountersignError('WITNESS_STATE_UNUSABLE', 'The state is that of another witness or key.');
  }
  if (row['file_id'] !== owner.fileId) {
    throw new CountersignError(
      'WITNESS_COPIED',
      'The witness’s state is a copy, or came out of a backup: with it, this key could cosign a second history of a log. ' +
        'Make a new witness, with a new key.',
    );
  }
}

function books(db: DatabaseSync): WitnessState {
  const statements = prepare(db);
  return {
    logKeys: (origin) => guarded(() => keysOf(statements, origin)),
    step: (origin, size, decide) =>
      guarded(() =>
        transaction(db, () => {
          const decided = decide(stateOf(statements, origin, size));
          apply(statements, origin, decided);
          return decided;
        }),
      ),
    logs: () =>
      guarded(() => statements.origins.all().map(({ origin }) => logOf(statements, String(origin)))),
    addKey: (origin, key) => guarded(() => statements.addKey.run(origin, formatVkey(key)).changes === 1),
    removeKey: (origin, key) =>
      guarded(() => statements.removeKey.run(origin, formatVkey(key)).changes === 1),
    forks: () => guarded(() => statements.forks.all().map(toFork)),
    close: () => db.close(),
  };
}

type Statements = Readonly<Record<keyof typeof sql, StatementSync>>;

const sql = {
  keys: 'SELECT vkey FROM log_key WHERE origin = ? ORDER BY vkey',
  addKey: 'INSERT OR IGNORE INTO log_key VALUES (?, ?)',
  removeKey: 'DELETE FROM log_key WHERE origin = ? AND vkey = ?',
  origins: 'SELECT origin FROM log_key UNION SELECT origin FROM cosigned ORDER BY origin',
  latest: 'SELECT size, root, note, time FROM cosigned WHERE origin = ? ORDER BY size DESC LIMIT 1',
  atSize: 'SELECT size, root, note, time FROM cosigned WHERE origin = ? AND size = ?',
  cosign: 'INSERT OR REPLACE INTO cosigned VALUES (?, ?, ?, ?, ?)',
  forget: `DELETE FROM cosigned WHERE origin = ?1 AND size <=
    (SELECT size FROM cosigned WHERE origin = ?1 ORDER BY size DESC LIMIT 1 OFFSET ${rememberedCheckpoints})`,
  suspected: 'SELECT * FROM fork WHERE origin = ? AND proven = 0 AND size = ?',
  settle: 'DELETE FROM fork WHERE origin = ? AND proven = 0 AND size = ?',
  isKept: 'SELECT 1 FROM fork WHERE origin = ? AND size = ? AND root = ? AND proven >= ?',
  countForks: 'SELECT count(*) AS count FROM fork WHERE origin = ? AND proven = ?',
  keep: `INSERT INTO fork (origin, size, root, kind, seen_at, cosigned, refused, proof)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  outdo: 'DELETE FROM fork WHERE origin = ? AND proven = 0 AND size = ? AND root = ?',
  drop: 'INSERT INTO dropped VALUES (?, 1) ON CONFLICT DO UPDATE SET count = count + 1',
  dropped: 'SELECT count FROM dropped WHERE origin = ?',
  forks: 'SELECT * FROM fork ORDER BY id',
} as const;

function prepare(db: DatabaseSync): Statements {
  return Object.fromEntries(
    Object.entries(sql).map(([name, text]) => [name, db.prepare(text)]),
  ) as Statements;
}

/** IMMEDIATE takes the write lock before the state is read: what is decided is decided on what is written over. */
function transaction<T>(db: DatabaseSync, run: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = run();
    db.exec('COMMIT');
    return result;
  } catch (thrown) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}

type Row = Record<string, SQLOutputValue>;

function keysOf(statements: Statements, origin: string): readonly VerifierKey[] {
  return statements.keys.all(origin).map(({ vkey }) => parseVkey(String(vkey)) ?? damaged());
}

function stateOf(statements: Statements, origin: string, size: number): LogState {
  return {
    latest: toCosigned(statements.latest.get(origin)),
    sameSize: toCosigned(statements.atSize.get(origin, size)),
    suspected: statements.suspected.all(origin, size).map(toFork),
  };
}

function logOf(statements: Statements, origin: string): WitnessedLog {
  const count = (proven: number): number => Number(statements.countForks.get(origin, proven)?.['count']);
  return {
    origin,
    keys: keysOf(statements, origin),
    latest: toCosigned(statements.latest.get(origin)),
    forks: {
      proven: count(1),
      unproven: count(0),
      dropped: Number(statements.dropped.get(origin)?.['count'] ?? 0),
    },
  };
}

function apply(statements: Statements, origin: string, { cosigned, forks }: Changes): void {
  if (cosigned !== undefined) {
    const { size, root, note, time } = cosigned;
    statements.cosign.run(origin, size, root, note, time);
    statements.forget.run(origin);
    statements.settle.run(origin, size);
  }
  for (const fork of forks) keep(statements, fork);
}

function keep(statements: Statements, fork: Fork): void {
  const { origin, kind, seenAt, cosigned, refused, proof } = fork;
  const { size, root } = refusedTree(fork);
  const [weight, proven] = kind === 'unproven' ? (['unproven', 0] as const) : (['proven', 1] as const);
  if (statements.isKept.get(origin, size, root, proven) !== undefined) return;
  if (Number(statements.countForks.get(origin, proven)?.['count']) >= maxKept[weight]) {
    statements.drop.run(origin);
    return;
  }
  statements.keep.run(origin, size, root, kind, seenAt, cosigned, refused, concatBytes(...proof));
  // What is proven is no longer a suspicion.
  if (proven === 1) statements.outdo.run(origin, size, root);
}

function toCosigned(row: Row | undefined): Cosigned | null {
  if (row === undefined) return null;
  const { size, root, note, time } = row;
  return { size: Number(size), root: bytesOf(root), note: String(note), time: Number(time) };
}

function toFork(row: Row): Fork {
  const hashes = bytesOf(row['proof']);
  return {
    kind: String(row['kind']) as ForkKind,
    origin: String(row['origin']),
    seenAt: Number(row['seen_at']),
    cosigned: String(row['cosigned']),
    refused: String(row['refused']),
    proof: Array.from({ length: hashes.length / hashLength }, (_, i) =>
      hashes.subarray(i * hashLength, (i + 1) * hashLength),
    ),
  };
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : damaged();
}

function damaged(): never {
  throw new CountersignError('WITNESS_STATE_UNUSABLE', 'The witness’s state is damaged.');
}

function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw stateError(thrown);
  }
}

function stateError(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown;
  const why =
    thrown instanceof Error && 'errcode' in thrown ? ` (SQLite error ${String(thrown.errcode)})` : '';
  return new CountersignError('WITNESS_STATE_UNUSABLE', `The witness’s state cannot be used${why}.`, {
    cause: thrown,
  });
}
