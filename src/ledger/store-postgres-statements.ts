import { tileWidth } from '../tlog/tile.ts';
import type { Statement } from './store-postgres-session.ts';
import { verdictKinds } from './store.ts';

const verdictList = verdictKinds.map((kind) => `'${kind}'`).join(', ');
const entryColumns = 'idx, kind, call_id, time, leaf, payload, token AS timestamp';

/** How much of a key the index of `heads` sorts by. */
export const prefixBytes = 256;

/** Each is planned once a connection. What a commit reads, in the order in which it is sent. */
export const commitReads = {
  begin: 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
  /** Waits for the writer that has the row. Every later statement of the transaction sees what that one wrote. */
  lockHead: named(
    'lock_head',
    `SELECT size, last_time, root, current_setting('fsync') AS fsync FROM head FOR UPDATE`,
  ),
  /** Not in the statement that waits for the lock: that one would read it as it was before. */
  publicKey: named('public_key', 'SELECT public_key FROM origin'),
  leafHashes: named(
    'leaf_hashes',
    'SELECT leaf_hash FROM entries WHERE idx >= $1 AND idx < (SELECT size FROM head) ORDER BY idx',
  ),
  heads: named(
    'heads',
    'SELECT key, value FROM heads WHERE id = ANY (SELECT sha256(k) FROM unnest($1::bytea[]) AS k)',
  ),
  permits: named(
    'permits',
    'SELECT call_id, instance, not_after, idx FROM permits WHERE call_id = ANY ($1::text[])',
  ),
  verdicts: named(
    'verdicts',
    `SELECT DISTINCT call_id FROM entries WHERE call_id = ANY ($1::text[]) AND kind IN (${verdictList})`,
  ),
} as const;

/**
 * Everything that a commit writes is one statement: the COMMIT that is sent right behind it can then never make a part of it
 * durable, whatever happens on the way.
 */
export const writeAll = named(
  'write_all',
  `WITH
  added AS (
    INSERT INTO entries (idx, leaf_hash, kind, call_id, time, leaf, payload, token)
    SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bytea[])
  ),
  tiled AS (
    INSERT INTO tiles (level, idx, root, hashes)
    SELECT * FROM unnest($9::integer[], $10::bigint[], $11::bytea[], $12::bytea[])
  ),
  set_heads AS (
    INSERT INTO heads (id, key, value)
    SELECT sha256(key), key, value FROM unnest($13::bytea[], $14::bytea[]) AS set (key, value)
    ON CONFLICT (id) DO UPDATE SET value = excluded.value
  ),
  removed_heads AS (
    DELETE FROM heads WHERE id = ANY (SELECT sha256(k) FROM unnest($15::bytea[]) AS k)
  ),
  opened AS (
    INSERT INTO permits (call_id, instance, not_after, idx)
    SELECT * FROM unnest($16::text[], $17::text[], $18::bigint[], $19::bigint[])
  ),
  closed AS (
    DELETE FROM permits WHERE call_id = ANY ($20::text[])
  ),
  kept AS (
    INSERT INTO side (idx, ordinal, name, salt, value)
    SELECT * FROM unnest($21::bigint[], $22::integer[], $23::bytea[], $24::bytea[], $25::bytea[])
  ),
  erased AS (
    DELETE FROM side USING entries WHERE entries.idx = side.idx AND entries.call_id = ANY ($30::text[])
  ),
  rekeyed AS (
    UPDATE origin SET public_key = $31 WHERE $31::bytea IS NOT NULL
  )
  UPDATE head SET size = $26, last_time = $27, root = $28, checkpoint = $29`,
);

export const head = named('head', 'SELECT size, last_time, root, checkpoint FROM head');

/** A tile as it was completed, or what there is of it. */
export const leafTile = tileStatement('leaf_tile', 'leaf_hash', 'FROM entries WHERE');
export const upperTile = tileStatement('upper_tile', 'root', 'FROM tiles WHERE level = $1 - 1 AND');

export const headsUnder = named(
  'heads_under',
  `SELECT key, value FROM heads
   WHERE substring(key from 1 for ${prefixBytes}) >= $1::bytea AND substring(key from 1 for ${prefixBytes}) < $2::bytea
     AND substring(key from 1 for octet_length($3::bytea)) = $3 ORDER BY key`,
);
export const entries = named(
  'entries',
  `SELECT ${entryColumns} FROM entries WHERE idx >= $1 AND idx < $2 ORDER BY idx`,
);
export const entriesOfCall = named(
  'entries_of_call',
  `SELECT ${entryColumns} FROM entries WHERE call_id = $1 ORDER BY idx`,
);
export const openPermits = named(
  'open_permits',
  'SELECT call_id, instance, not_after, idx FROM permits ORDER BY idx',
);
export const sideOfCall = named(
  'side_of_call',
  `SELECT side.name, side.salt, side.value FROM side JOIN entries USING (idx)
   WHERE entries.call_id = $1 ORDER BY side.idx, side.ordinal`,
);

/** Frees deleted rows for others to overwrite. VACUUM FULL would keep every writer out for as long as it copies the table. */
export const scrub = 'VACUUM side';

/** The newest is the one with the highest `seen`, so one that is seen again is made anew. */
export const forgetTool = named('forget_tool', 'DELETE FROM tools WHERE id = ANY ($1::bytea[])');
export const addTools = named(
  'add_tools',
  `INSERT INTO tools (id, server, server_digest, tool, sha256, definition)
   SELECT id, server, server_digest, tool, sha256, definition
   FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
     WITH ORDINALITY AS one (id, server, server_digest, tool, sha256, definition, nr) ORDER BY nr`,
);
export const tools = named(
  'tools',
  `SELECT server, server_digest, tool, sha256, definition FROM tools
   WHERE $1::bytea IS NULL OR server = $1 ORDER BY seen`,
);

function tileStatement(name: string, column: string, rows: string): Statement {
  const first = `$2::bigint * ${tileWidth}`;
  return named(
    name,
    `SELECT coalesce(
       (SELECT hashes FROM tiles WHERE level = $1::integer AND idx = $2),
       (SELECT string_agg(${column}, ''::bytea ORDER BY idx) ${rows} idx >= ${first} AND idx < ${first} + $3)
     ) AS hashes`,
  );
}

function named(name: string, text: string): Statement {
  return { name, text };
}
