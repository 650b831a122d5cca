import { Client } from 'pg';
import { CountersignError } from '../errors.ts';
import { postgresError } from './store-postgres-errors.ts';
import type { PostgresAddress } from './store-postgres-url.ts';

/** A statement of this store: prepared once a connection, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Row = Readonly<Record<string, unknown>>;

export interface Answer {
  /** What was done: `COMMIT`, or `ROLLBACK` when the transaction had failed before. */
  readonly command: string;
  readonly rows: readonly Row[];
}

/** One connection whose settings were seen to hold. */
export interface Session {
  /** Sends at once, without waiting for what was sent before; the server takes them in order. Rejects with the driver's error. */
  query(statement: Statement | string, values?: readonly unknown[]): Promise<Answer>;
  /** False once the connection is gone. */
  isOpen(): boolean;
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;
  /** Breaks the connection off: whatever is open on it is rolled back. */
  drop(): void;
  close(): Promise<void>;
}

/** The oldest server that is tested against. */
const oldestServer = 150_000;

/** Milliseconds. An answer that takes longer is taken for a connection that broke. */
const timeouts = { connect: 5_000, answer: 15_000 };

/** Settings of every session. Milliseconds, but seconds for `tcp_keepalives_…`. */
const settings: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  default_transaction_isolation: 'read committed',
  // Every statement is planned once, and by its index: a plan for the empty log would still be in use when it has grown.
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  // A gate that stands still between its reads and its writes holds the log's one lock: the others wait this long.
  idle_in_transaction_session_timeout: '4000',
  lock_timeout: '5000',
  statement_timeout: '12000',
  idle_session_timeout: '0',
  // A machine that is gone is noticed after 35 seconds; a process that is only stopped still acknowledges.
  tcp_keepalives_idle: '20',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '35000',
};

/** LEDGER_UNAVAILABLE, or LEDGER_UNSAFE when the server does not make durable what it commits. */
export async function openSession(
  address: PostgresAddress,
  options: { readonly answerTimeout?: number } = {},
): Promise<Session> {
  const client = clientOf(address, options.answerTimeout ?? timeouts.answer);
  const session = sessionOf(client);
  try {
    await client.connect();
    const [server] = (await session.query(readServer)).rows;
    const durability = assertDurable(server ?? {});
    await session.query(
      `SELECT ${['search_path', 'synchronous_commit', ...Object.keys(settings)].map(setting).join(', ')}`,
      // `pg_temp` last: it would come first if it were not named, and anybody may make tables there.
      [`"${address.schema}", pg_temp`, durability, ...Object.values(settings)],
    );
    return session;
  } catch (thrown) {
    session.drop();
    throw postgresError(thrown);
  }
}

const setting = (name: string, index: number): string => `set_config('${name}', $${index + 1}, false)`;

function clientOf({ connectionString }: PostgresAddress, answerTimeout: number): Client {
  try {
    return new Client({
      connectionString,
      application_name: 'countersign',
      connectionTimeoutMillis: Math.min(timeouts.connect, answerTimeout),
      query_timeout: answerTimeout,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      pipeline: true,
    });
  } catch {
    // The driver reads certificates here, and names their paths.
    throw new CountersignError('CONFIG_INVALID', 'The ledger’s address has parameters that cannot be used.');
  }
}

function sessionOf(client: Client): Session {
  const ended = Promise.withResolvers<void>();
  let open = true;
  const end = (): void => {
    open = false;
    ended.resolve();
  };
  client.on('error', end);
  client.on('end', end);
  return {
    async query(statement, values = []) {
      const { command, rows } = await client.query<Row>(
        typeof statement === 'string'
          ? values.length === 0
            ? statement
            : { text: statement, values: [...values] }
          : { ...statement, values: [...values] },
      );
      return { command, rows };
    },
    isOpen: () => open,
    ended: ended.promise,
    drop() {
      end();
      client.connection.stream.destroy();
    },
    async close() {
      end();
      await client.end();
    },
  };
}

const readServer = `SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync,
  current_setting('synchronous_commit') AS synchronous_commit, pg_is_in_recovery() AS standby`;

/** What makes COMMIT mean "on the disk". Returns the `synchronous_commit` to hold on to. */
function assertDurable(server: Row): string {
  const { version, fsync, synchronous_commit: commit, standby } = server;
  if (typeof version !== 'number' || version < oldestServer)
    throw new CountersignError('LEDGER_UNSAFE', 'The ledger needs PostgreSQL 15 or newer.');
  if (standby === true)
    throw new CountersignError(
      'LEDGER_READ_ONLY',
      'The ledger’s database is a standby, which takes no writes.',
    );
  assertFsync(fsync);
  if (commit !== 'on' && commit !== 'remote_apply')
    throw new CountersignError(
      'LEDGER_UNSAFE',
      'PostgreSQL may lose what it has committed: synchronous_commit must be on or remote_apply.',
    );
  return commit;
}

/** Also asked in every commit: it can be switched off under a running server. */
export function assertFsync(fsync: unknown): void {
  if (fsync !== 'on')
    throw new CountersignError(
      'LEDGER_UNSAFE',
      'PostgreSQL may lose what it has committed: fsync must be on.',
    );
}
