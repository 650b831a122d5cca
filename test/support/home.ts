import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { commands } from '../../src/cli/commands.ts';

const require = createRequire(import.meta.url);

/** The built command, as a user runs it. */
export const countersign = new URL('../../dist/bin/countersign.js', import.meta.url).pathname;
export const filesystemServer = join(
  dirname(require.resolve('@modelcontextprotocol/server-filesystem/package.json')),
  'dist',
  'index.js',
);

/**
 * For the environment of what a test starts: there Node keeps what it has compiled and stripped of its types, which is most of
 * what a small server written in TypeScript costs to start.
 */
export const compileCache = {
  NODE_COMPILE_CACHE: new URL('../../node_modules/.cache/node-compile', import.meta.url).pathname,
} as const;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary home as `countersign init` makes it, and what a user has at hand with it. */
export interface TestHome extends AsyncDisposable {
  /** A folder for the test's own files; removed with the home. */
  readonly work: string;
  readonly home: string;
  readonly apiKey: string;
  readonly trustFile: string;
  readonly env: NodeJS.ProcessEnv;
  /** Runs the built command to its end. */
  cli(...args: string[]): Promise<Finished>;
  /** The same with something on its standard input. */
  pipe(input: string, ...args: string[]): Promise<Finished>;
  /** As `cli`, within this process and from the source, which takes a fraction of the time. */
  here(...args: string[]): Promise<Finished>;
}

/** `ledger` is the address of one elsewhere than in the home. */
export async function testHome(ledger?: string): Promise<TestHome> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-test-'));
  const home = join(work, 'home');
  const base: NodeJS.ProcessEnv = {
    ...compileCache,
    PATH: process.env['PATH'],
    HOME: work,
    COUNTERSIGN_HOME: home,
  };
  if (ledger !== undefined) base['COUNTERSIGN_LEDGER'] = ledger;
  const { createHome } = await import('../../src/runtime/home/create-home.ts');
  // The environment of whoever runs the tests has no say in them.
  const { apiKey, trustedRoot } = await createHome(home, ledger, () => undefined);
  const env = { ...base, COUNTERSIGN_API_KEY: apiKey };
  const trustFile = join(work, 'trusted_root.json');
  copyFileSync(trustedRoot, trustFile);
  return {
    work,
    home,
    apiKey,
    trustFile,
    env,
    cli: (...args) => countersignCli(env, ...args),
    here: (...args) => countersignHere({ env, args }),
    pipe: (input, ...args) => runCountersign({ env, args, input }),
    [Symbol.asyncDispose]() {
      rmSync(work, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

/** Runs the command to its end, whatever its exit code. */
export function countersignCli(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Finished> {
  return runCountersign({ env, args });
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** For its standard input, which is at its end otherwise. */
  readonly input?: string;
}

export function runCountersign({ env, args, cwd, input = '' }: RunOptions): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [countersign, ...args],
      { env, cwd, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
    // A command that does not read it may be gone before it is written.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

/** Commands that ask their `Io` alone for the world around them; `enroll --keep` and `witness serve` go on until a signal. */
const here: ReadonlySet<string> = new Set([
  'approve',
  'approver',
  'audit',
  'config',
  'disclose',
  'doctor',
  'enroll',
  'erase',
  'grant',
  'key',
  'keys',
  'log',
  'policy',
  'revoke',
  'tools',
  'trust',
  'verify',
  'witness',
  'worker',
]);

/** Whether `countersignHere` knows the command. */
export const runsHere = (command: string): boolean => here.has(command);

/** Runs a command within this process, from the source: it says and resolves to what `runCountersign` would. */
export async function countersignHere({
  env,
  args: [name = '', ...args],
  cwd = process.cwd(),
  input = '',
}: RunOptions): Promise<Finished> {
  const listed = runsHere(name) ? commands[name] : undefined;
  if (listed === undefined) throw new Error(`${name} takes a process of its own.`);
  const command = await listed.load();
  const { report } = await import('../../src/cli/report.ts');
  const said = { stdout: '', stderr: '' };
  const io = {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: { write: (text: string) => (said.stdout += text) },
    stderr: { write: (text: string) => (said.stderr += text) },
    env,
    cwd,
  };
  try {
    return { code: await command.run(args, io), ...said };
  } catch (error) {
    return { code: report(error, io), ...said };
  }
}
