import { CountersignError } from '../errors.ts';

/** Where a log is in PostgreSQL: a database, and a schema in it that is this log's alone. */
export interface PostgresAddress {
  /** With its secrets; only for the driver. */
  readonly connectionString: string;
  readonly schema: string;
  /** The URL without what is secret: for files and people. */
  readonly shown: string;
}

const defaultSchema = 'countersign';
/** Names that need no quotes in SQL; `pg_…` is PostgreSQL's own. */
const schemaPattern = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/;
const secretParameters = ['password', 'sslpassword'];

/**
 * Reads `postgres://user@host:port/database?schema=name`: the driver's own parameters (`sslmode=verify-full`,
 * `sslrootcert`, …), and `schema`, which is `countersign` unless told. CONFIG_INVALID never repeats the text: it may
 * hold a password.
 */
export function parsePostgresUrl(text: string): PostgresAddress {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(?:ql)?:$/.test(url.protocol) || url.pathname.length < 2)
    throw new CountersignError(
      'CONFIG_INVALID',
      'A ledger’s address is postgres://USER@HOST:PORT/DATABASE, with ?schema=NAME where a database holds several.',
    );
  const schema = url.searchParams.get('schema') ?? defaultSchema;
  if (!schemaPattern.test(schema))
    throw new CountersignError(
      'CONFIG_INVALID',
      'The schema of a ledger has lower-case letters, digits and underscores, at most 63, and no digit first.',
    );
  const shown = new URL(url);
  shown.password = '';
  for (const name of secretParameters) shown.searchParams.delete(name);
  url.searchParams.delete('schema');
  return { connectionString: url.href, schema, shown: shown.href };
}
