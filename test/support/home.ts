import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The built command, as a user runs it. */
export const countersign = new URL('../../dist/bin/countersign.js', import.meta.url).pathname;
export const filesystemServer = join(
  dirname(require.resolve('@modelcontextprotocol/server-filesystem/package.json')),
  'dist',
  'index.js',
);

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary home, made by `countersign init`, and what a user has at hand with it. */
export interface TestHome extends AsyncDisposable {
  /** A folder for the test's own files; removed with the home. */
  readonly work: string;
  readonly home: string;
  readonly apiKey: string;
  readonly trustFile: string;
  readonly env: NodeJS.ProcessEnv;
  cli(...args: string[]): Promise<Finished>;
  /** The same with something on its standard input. */
  pipe(input: string, ...args: string[]): Promise<Finished>;
}

/** `ledger` is the address of one elsewhere than in the home. */
export async function testHome(ledger?: string): Promise<TestHome> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-test-'));
  const home = join(work, 'home');
  const base: NodeJS.ProcessEnv = { PATH: process.env['PATH'], HOME: work, COUNTERSIGN_HOME: home };
  if (ledger !== undefined) base['COUNTERSIGN_LEDGER'] = ledger;
  const made = await countersignCli(base, 'init', '--json');
  const { apiKey } = JSON.parse(made.stdout) as { apiKey: string };
  const env = { ...base, COUNTERSIGN_API_KEY: apiKey };
  const trustFile = join(work, 'trusted_root.json');
  writeFileSync(trustFile, (await countersignCli(env, 'trust')).stdout);
  return {
    work,
    home,
    apiKey,
    trustFile,
    env,
    cli: (...args) => countersignCli(env, ...args),
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
