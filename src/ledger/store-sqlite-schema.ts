import { maxSideRows } from './store.ts';

/** Marks the file as a ledger: "CSLG". Readable with `file(1)` and `PRAGMA application_id`. */
export const applicationId = 0x43_53_4c_47;
export const schemaVersion = 1;

/** Factor between an entry's index and the row ids of its side rows, which so lie next to each other. */
export const sideStride = maxSideRows;

/**
 * Tables are filled in the order of their keys, so that a commit writes the last page of each and little else. `origin` also
 * holds which file this is: a copy of it has another inode.
 */
export const tables = `
  CREATE TABLE origin (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    origin TEXT NOT NULL,
    public_key BLOB NOT NULL,
    file_id TEXT NOT NULL
  ) STRICT;

  CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    size INTEGER NOT NULL,
    last_time INTEGER NOT NULL,
    root BLOB NOT NULL,
    checkpoint TEXT
  ) STRICT;

  -- leaf_hash stands before the long columns: reading a tile then touches no overflow page.
  CREATE TABLE entries (
    idx INTEGER PRIMARY KEY,
    leaf_hash BLOB NOT NULL,
    kind TEXT NOT NULL,
    call_id TEXT,
    time INTEGER NOT NULL,
    leaf BLOB NOT NULL,
    payload BLOB NOT NULL,
    timestamp BLOB NOT NULL
  ) STRICT;
  -- Call ids are UUIDv7, so this grows at its end too. With kind it answers whether a call has a verdict by itself.
  CREATE INDEX entries_of_call ON entries (call_id, kind) WHERE call_id IS NOT NULL;

  -- Full tiles of C2SP tlog-tiles. root is the tile's entry in the level above.
  CREATE TABLE tiles (
    level INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    root BLOB NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, idx)
  ) STRICT;

  CREATE TABLE heads (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Open permits alone: whether a call had one before is what entries say.
  CREATE TABLE permits (
    call_id TEXT PRIMARY KEY,
    instance TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    idx INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- id = entry's index * ${sideStride} + ordinal. value is null where policy keeps the salt alone.
  CREATE TABLE side (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    salt BLOB NOT NULL,
    value BLOB
  ) STRICT;

  CREATE TABLE tools (
    server TEXT NOT NULL,
    server_digest TEXT NOT NULL,
    tool TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    definition BLOB NOT NULL,
    PRIMARY KEY (server, tool, server_digest, sha256)
  ) STRICT;
`;

/** The tables, in a file that says what it is. */
export const schema = `${tables}
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;
