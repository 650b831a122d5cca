/** `CSwi`: what the file is, for `file(1)` and for us. */
export const applicationId = 0x43537769;
export const schemaVersion = 1;

/** Sizes and times are below 2^53. Notes are text; roots, keys and proofs bytes. */
export const schema = `
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};

  -- Whose state this is, and in which file it was made.
  CREATE TABLE witness (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    name       TEXT NOT NULL,
    public_key BLOB NOT NULL,
    file_id    TEXT NOT NULL
  ) STRICT;

  CREATE TABLE log_key (
    origin TEXT NOT NULL,
    vkey   TEXT NOT NULL,
    PRIMARY KEY (origin, vkey)
  ) STRICT, WITHOUT ROWID;

  -- The largest size of an origin is its state; those below it tell forks that come later.
  CREATE TABLE cosigned (
    origin TEXT NOT NULL,
    size   INTEGER NOT NULL CHECK (size >= 0),
    root   BLOB NOT NULL CHECK (length(root) = 32),
    note   TEXT NOT NULL,
    time   INTEGER NOT NULL,
    PRIMARY KEY (origin, size)
  ) STRICT, WITHOUT ROWID;

  -- Evidence, by the tree that was refused.
  CREATE TABLE fork (
    id       INTEGER PRIMARY KEY,
    origin   TEXT NOT NULL,
    size     INTEGER NOT NULL,
    root     BLOB NOT NULL CHECK (length(root) = 32),
    kind     TEXT NOT NULL CHECK (kind IN ('same-size', 'prefix', 'unproven')),
    proven   INTEGER NOT NULL AS (kind <> 'unproven') STORED,
    seen_at  INTEGER NOT NULL,
    cosigned TEXT NOT NULL,
    refused  TEXT NOT NULL,
    proof    BLOB NOT NULL CHECK (length(proof) % 32 = 0),
    UNIQUE (origin, proven, size, root)
  ) STRICT;

  CREATE TABLE dropped (
    origin TEXT PRIMARY KEY,
    count  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;
