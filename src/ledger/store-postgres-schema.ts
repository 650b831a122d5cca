import { CountersignError } from '../errors.ts';
import { emptyRoot } from '../tlog/merkle.ts';
import { postgresError, sqlState } from './store-postgres-errors.ts';
import { openSession } from './store-postgres-session.ts';
import type { Row, Session } from './store-postgres-session.ts';
import type { PostgresAddress } from './store-postgres-url.ts';
import type { LogIdentity } from './store.ts';
import { assertIdentity } from './succession.ts';

const schemaVersion = 1;

/**
 * Texts that others choose (names of tools, keys made of them, pointers into arguments) are kept as their UTF-8 bytes:
 * PostgreSQL's text holds no U+0000, and one such name would fail the commit of everybody in its batch. As they may also be
 * longer than an index takes, they are found by their SHA-256.
 */
const tables = `
  CREATE TABLE origin (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL,
    origin text NOT NULL,
    public_key bytea NOT NULL,
    -- Which cluster and database this was made in: see assertOrigin.
    system_id text NOT NULL,
    database_id text NOT NULL
  );

  -- The writers' lock is on this row. Room in its page keeps updates of it in place.
  CREATE TABLE head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint NOT NULL,
    last_time bigint NOT NULL,
    root bytea NOT NULL,
    checkpoint text
  ) WITH (fillfactor = 10);

  CREATE TABLE entries (
    idx bigint PRIMARY KEY,
    leaf_hash bytea NOT NULL,
    kind text NOT NULL,
    call_id text COLLATE "C",
    time bigint NOT NULL,
    leaf bytea NOT NULL,
    payload bytea NOT NULL,
    token bytea NOT NULL
  );
  CREATE INDEX entries_of_call ON entries (call_id, kind) WHERE call_id IS NOT NULL;

  CREATE TABLE tiles (
    level integer NOT NULL,
    idx bigint NOT NULL,
    root bytea NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, idx)
  );

  CREATE TABLE heads (
    id bytea PRIMARY KEY,
    key bytea NOT NULL,
    value bytea NOT NULL
  ) WITH (fillfactor = 70);
  CREATE INDEX heads_by_prefix ON heads (substring(key from 1 for 256));

  CREATE TABLE permits (
    call_id text COLLATE "C" PRIMARY KEY,
    instance text NOT NULL,
    not_after bigint NOT NULL,
    idx bigint NOT NULL
  );

  CREATE TABLE side (
    idx bigint NOT NULL,
    ordinal integer NOT NULL,
    name bytea NOT NULL,
    salt bytea NOT NULL,
    value bytea,
    PRIMARY KEY (idx, ordinal)
  );

  CREATE TABLE tools (
    id bytea PRIMARY KEY,
    seen bigint GENERATED ALWAYS AS IDENTITY,
    server bytea NOT NULL,
    server_digest bytea NOT NULL,
    tool bytea NOT NULL,
    sha256 bytea NOT NULL,
    definition bytea NOT NULL
  );

  -- Gates that run: see instances-postgres.ts.
  CREATE TABLE instances (
    id text COLLATE "C" PRIMARY KEY,
    lock bigint NOT NULL
  );
`;

const place = `(SELECT system_identifier::text FROM pg_control_system()) AS system_id,
  (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS database_id`;

/** Makes an empty ledger, all or nothing. HOME_EXISTS when the schema has one already. */
export async function createPostgresLedger(address: PostgresAddress, identity: LogIdentity): Promise<void> {
  const session = await openSession(address);
  try {
    await session.query('BEGIN');
    // One that an administrator has made for a role that may make none itself is as good.
    const { rows } = await session.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [address.schema]);
    if (rows.length === 0) await session.query(`CREATE SCHEMA "${address.schema}"`);
    const [where] = (await session.query('SELECT current_schema() AS schema')).rows;
    // A schema that this user may not use would be passed over, and the tables made where they do not last.
    if (where?.['schema'] !== address.schema)
      throw new CountersignError(
        'LEDGER_READ_ONLY',
        'The schema of the ledger may not be used by this user.',
      );
    await session.query(tables);
    await session.query(
      `INSERT INTO origin (version, origin, public_key, system_id, database_id)
       SELECT ${schemaVersion}, $1, $2, system_id, database_id FROM (SELECT ${place}) AS place`,
      [identity.origin, identity.publicKey],
    );
    await session.query('INSERT INTO head (size, last_time, root) VALUES (0, 0, $1)', [emptyRoot]);
    await session.query('COMMIT');
  } catch (thrown) {
    throw creationError(thrown);
  } finally {
    await session.close();
  }
}

/** Somebody made the same tables, or the same schema at the same moment. */
const taken = ['42P07', '42P06', '23505'];

function creationError(thrown: unknown): CountersignError {
  return taken.includes(sqlState(thrown) ?? '')
    ? new CountersignError(
        'HOME_EXISTS',
        'There is a ledger in this schema already; nothing was changed. Another one needs ?schema=NAME.',
      )
    : postgresError(thrown);
}

/**
 * LEDGER_CORRUPT for a log of another origin, KEY_ROTATED for one of none of these keys, LEDGER_COPIED when a dump was restored elsewhere: two copies would sign two histories. A
 * physical copy of the whole cluster looks like the original; there the released checkpoints are what tells.
 */
export async function assertOrigin(session: Session, ...identities: readonly LogIdentity[]): Promise<void> {
  const [row = {}] = (
    await session.query(`SELECT origin.*, ${place.replaceAll(' AS ', ' AS here_')} FROM origin`)
  ).rows;
  const { version, origin, public_key: publicKey }: Row = row;
  if (version !== schemaVersion || !(publicKey instanceof Uint8Array))
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger was written by another version of Countersign.');
  assertIdentity(origin, publicKey, ...identities);
  if (row['system_id'] !== row['here_system_id'] || row['database_id'] !== row['here_database_id'])
    throw new CountersignError(
      'LEDGER_COPIED',
      'The ledger is a copy in another database than it was made in. Two copies would sign two histories.',
    );
}
