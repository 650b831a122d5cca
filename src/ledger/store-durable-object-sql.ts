import { concatBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { ReasonCode } from '../names.ts';
import { bytes } from './store-rows.ts';
import type { Row } from './store-rows.ts';
import type { SqliteCell, SqliteConnection, SqliteStatement, Statements } from './store-sqlite-statements.ts';

/**
 * The storage of a Durable Object, as much of it as a ledger needs
 * (https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/).
 */
export interface ObjectStorage {
  readonly sql: {
    /** BLOBs come back as `ArrayBuffer`. */
    exec(query: string, ...values: SqliteCell[]): { toArray(): readonly Row[] };
  };
  /** One transaction: what throws in it leaves nothing behind. */
  transactionSync<T>(closure: () => T): T;
  /** Resolves once everything that was written is durable. */
  sync(): Promise<void>;
}

/** The object's SQL in the form of `node:sqlite`, so that both stores share their statements. */
export function objectConnection({ sql }: Pick<ObjectStorage, 'sql'>): SqliteConnection {
  return {
    prepare(query): SqliteStatement {
      const all = (...values: SqliteCell[]): Row[] =>
        sql
          .exec(query, ...values)
          .toArray()
          .map(plainRow);
      return { all, get: (...values) => all(...values)[0], iterate: all, run: all };
    },
  };
}

function plainRow(row: Row): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, cell]) => [
      name,
      cell instanceof ArrayBuffer ? new Uint8Array(cell) : cell,
    ]),
  );
}

/** A cell of an object's SQLite has at most 2 MB (2,000,000 bytes); what an action answers may be more. */
export const longestCell = 1 << 20;

export const partsTable = `
  -- What is behind the first ${longestCell} bytes of a side row's value, in pieces of that length.
  CREATE TABLE side_parts (
    id INTEGER NOT NULL,
    part INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (id, part)
  ) STRICT, WITHOUT ROWID;
`;

/** The same statements, whose side rows take values of any length. */
export function withLongValues(statements: Statements, db: SqliteConnection): Statements {
  const addPart = db.prepare('INSERT INTO side_parts (id, part, value) VALUES (?, ?, ?)');
  const removeParts = db.prepare('DELETE FROM side_parts WHERE id >= ? AND id < ?');
  const ids = db.prepare('SELECT id FROM side WHERE id >= ? AND id < ? ORDER BY id');
  const parts = db.prepare('SELECT id, value FROM side_parts WHERE id >= ? AND id < ? ORDER BY id, part');
  const { addSide, removeSide, side } = statements;

  return {
    ...statements,
    addSide: {
      ...addSide,
      run(id = null, name = null, salt = null, value = null) {
        const isLong = value instanceof Uint8Array && value.length > longestCell;
        addSide.run(id, name, salt, isLong ? value.subarray(0, longestCell) : value);
        if (!isLong) return;
        for (let at = longestCell; at < value.length; at += longestCell)
          addPart.run(id, at / longestCell, value.subarray(at, at + longestCell));
      },
    },
    removeSide: {
      ...removeSide,
      run(from = null, to = null) {
        removeSide.run(from, to);
        removeParts.run(from, to);
      },
    },
    side: {
      ...side,
      all(from = null, to = null) {
        const behind = parts.all(from, to);
        const rows = side.all(from, to);
        if (behind.length === 0) return rows;
        const numbers = ids.all(from, to).map((row) => row['id']);
        return rows.map((row, i) =>
          joined(
            row,
            behind.filter((part) => part['id'] === numbers[i]),
          ),
        );
      },
    },
  };
}

function joined(row: Row, behind: readonly Row[]): Row {
  if (behind.length === 0) return row;
  return { ...row, value: concatBytes(bytes(row['value']), ...behind.map((part) => bytes(part['value']))) };
}

/** SQLite's own names, which the platform puts into its messages. */
const reasons: readonly (readonly [name: string, code: ReasonCode, message: string])[] = [
  ['SQLITE_FULL', 'LEDGER_FULL', 'There is no space left for the ledger.'],
  ['SQLITE_CORRUPT', 'LEDGER_CORRUPT', 'The ledger is damaged.'],
  ['SQLITE_NOTADB', 'LEDGER_CORRUPT', 'The ledger is not a database.'],
  ['SQLITE_CONSTRAINT', 'LEDGER_CORRUPT', 'The ledger holds rows that its head does not account for.'],
];

/** What the platform reported, in this project's codes. */
export function objectError(thrown: unknown): CountersignError {
  if (thrown instanceof CountersignError) return thrown;
  const said = thrown instanceof Error ? thrown.message : '';
  const [, code, message] = reasons.find(([name]) => said.includes(name)) ?? [
    '',
    'LEDGER_UNAVAILABLE' as const,
    'The ledger failed.',
  ];
  return new CountersignError(code, message, { cause: thrown });
}
