import type { Row } from './store-rows.ts';

export type SqliteCell = string | number | Uint8Array | null;

/** As much of a prepared statement as the stores on SQLite use. `node:sqlite` has it; elsewhere it is made. */
export interface SqliteStatement {
  get(...values: SqliteCell[]): Row | undefined;
  all(...values: SqliteCell[]): Row[];
  iterate(...values: SqliteCell[]): Iterable<Row>;
  run(...values: SqliteCell[]): unknown;
}

/** What prepares statements: a connection. */
export interface SqliteConnection {
  prepare(sql: string): SqliteStatement;
}

/** Every statement of the store, prepared once a connection. */
export function prepareStatements(db: SqliteConnection) {
  const one = (sql: string): SqliteStatement => db.prepare(sql);
  return {
    begin: one('BEGIN IMMEDIATE'),
    commit: one('COMMIT'),
    rollback: one('ROLLBACK'),
    /** Folds the whole WAL into the file and cuts it to nothing: what was overwritten in the file is in no frame either. */
    truncateWal: one('PRAGMA wal_checkpoint(TRUNCATE)'),

    head: one('SELECT size, last_time, root, checkpoint FROM head'),
    /** The checkpoint's text is long, and a commit only replaces it. */
    headToExtend: one('SELECT size, last_time, root, public_key FROM head, origin'),
    setPublicKey: one('UPDATE origin SET public_key = ?'),
    setHead: one('UPDATE head SET size = ?, last_time = ?, root = ?, checkpoint = ?'),

    leafHashes: one('SELECT leaf_hash AS hash FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx'),
    fullTile: one('SELECT hashes FROM tiles WHERE level = ? AND idx = ?'),
    tileRoots: one('SELECT root AS hash FROM tiles WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx'),
    addTile: one('INSERT INTO tiles (level, idx, root, hashes) VALUES (?, ?, ?, ?)'),

    addEntry: one(
      'INSERT INTO entries (idx, leaf_hash, kind, call_id, time, leaf, payload, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    entries: one(
      'SELECT idx, kind, call_id, time, leaf, payload, timestamp FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx',
    ),
    entriesOfCall: one(
      'SELECT idx, kind, call_id, time, leaf, payload, timestamp FROM entries WHERE call_id = ? ORDER BY idx',
    ),
    indexesOfCall: one('SELECT idx FROM entries WHERE call_id = ? ORDER BY idx'),
    kindsOfCall: one('SELECT kind FROM entries WHERE call_id = ?'),

    headOf: one('SELECT value FROM heads WHERE key = ?'),
    headsFrom: one('SELECT key, value FROM heads WHERE key >= ? ORDER BY key'),
    setHeadOf: one('INSERT INTO heads VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value'),
    removeHeadOf: one('DELETE FROM heads WHERE key = ?'),

    permit: one('SELECT call_id, instance, not_after, idx FROM permits WHERE call_id = ?'),
    permits: one('SELECT call_id, instance, not_after, idx FROM permits ORDER BY idx'),
    openPermit: one('INSERT OR REPLACE INTO permits (call_id, instance, not_after, idx) VALUES (?, ?, ?, ?)'),
    closePermit: one('DELETE FROM permits WHERE call_id = ?'),

    addSide: one('INSERT INTO side (id, name, salt, value) VALUES (?, ?, ?, ?)'),
    removeSide: one('DELETE FROM side WHERE id >= ? AND id < ?'),
    side: one('SELECT name, salt, value FROM side WHERE id >= ? AND id < ? ORDER BY id'),

    /** Replacing gives a new row id: the newest. */
    addTool: one(
      'INSERT OR REPLACE INTO tools (server, server_digest, tool, sha256, definition) VALUES (?, ?, ?, ?, ?)',
    ),
    tools: one(
      'SELECT server, server_digest, tool, sha256, definition FROM tools WHERE ?1 IS NULL OR server = ?1 ORDER BY rowid',
    ),
  };
}

export type Statements = ReturnType<typeof prepareStatements>;
