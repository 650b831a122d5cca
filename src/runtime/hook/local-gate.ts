import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { isBusy } from '../../ledger/store-sqlite-errors.ts';
import { childEnvironment } from '../../targets/depth.ts';
import { effectiveUser } from '../file-guard.ts';
import { homeLayout } from '../home/home-layout.ts';
import { maxSocketPathBytes } from '../serve/unix-socket.ts';

export interface LocalGateOptions {
  /** The home, absolute. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How this very program is started: `[node, …options, countersign.js]`. */
  readonly program: readonly string[];
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** A gate that nobody asks ends by itself; the next hook starts it again. */
const idle = '30m';
const lookEvery = 25;
const maxLogBytes = 1 << 20;

/**
 * Where the home's own gate listens, if there is one: within the home, or, where that path is longer than the system takes, in a
 * folder of this user under /tmp. Throws HOME_MISSING.
 */
export function localGateSocket(home: string): string {
  if (!existsSync(homeLayout(home).config))
    throw new CountersignError('HOME_MISSING', `There is no home at ${home}. Make one: countersign init`);
  const root = realpathSync(home);
  const usual = join(root, 'run', 'gate.sock');
  if (Buffer.byteLength(usual) <= maxSocketPathBytes) return usual;
  return join('/tmp', `countersign-${effectiveUser()}`, `${hex(sha256(utf8(root))).slice(0, 24)}.sock`);
}

/** Whether a process listens there. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

/**
 * Has the home's own gate listen, and resolves to its socket. Of several that come at once one starts it, and the others wait;
 * when that one dies, another one does. Rejects with GATE_UNREACHABLE, which says where to read why.
 */
export async function startLocalGate(options: LocalGateOptions): Promise<string> {
  const path = localGateSocket(options.home);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  for (;;) {
    if (await isListening(path)) return path;
    const lock = tryLock(`${path}.start`);
    if (lock === undefined) {
      await pause(options.signal);
      continue;
    }
    try {
      // It may have come up between the looking and the locking.
      if (!(await isListening(path))) await startIt(path, options);
      return path;
    } finally {
      lock.close();
    }
  }
}

async function startIt(path: string, { home, env, program, signal }: LocalGateOptions): Promise<void> {
  const logFile = join(realpathSync(home), 'run', 'gate.log');
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = openSync(logFile, isLong(logFile) ? 'w' : 'a', 0o600);
  const [node = '', ...args] = program;
  let child: ChildProcess;
  try {
    child = spawn(node, [...args, 'serve', '--socket', path, '--idle', idle, '--home', home], {
      // Whoever asks may be gone in a moment, and its folder with it; and a host waits until nobody holds its pipes.
      cwd: home,
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...childEnvironment(env), ...passphrase(env) },
    });
  } finally {
    closeSync(log);
  }
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, by) => resolve(`it ended with ${by ?? code}`));
  });
  child.unref();
  let why: string | undefined;
  void ended.then((reason) => (why = reason));
  while (!(await isListening(path))) {
    if (why !== undefined) throw unreachable(`The gate of this home did not start: ${why}. See ${logFile}.`);
    await pause(signal, `The gate of this home did not start in time. See ${logFile}.`);
  }
}

/** What opens the home's keys is the gate's own affair; the caller's API key is not. */
function passphrase(env: LocalGateOptions['env']): Record<string, string | undefined> {
  const names = ['COUNTERSIGN_KEY_PASSPHRASE', 'COUNTERSIGN_KEY_PASSPHRASE_FILE', 'COUNTERSIGN_LEDGER'];
  return Object.fromEntries(names.filter((name) => env[name] !== undefined).map((name) => [name, env[name]]));
}

/** Held until it is closed, or the process ends. Undefined while another one holds it. */
function tryLock(path: string): DatabaseSync | undefined {
  closeSync(openSync(path, 'a', 0o600));
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return file;
  } catch (error) {
    file.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

function isLong(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes;
}

async function pause(
  signal: AbortSignal,
  message = 'The gate of this home did not start in time.',
): Promise<void> {
  if (signal.aborted) throw unreachable(message);
  await new Promise((resolve) => setTimeout(resolve, lookEvery));
}

function unreachable(message: string): CountersignError {
  return new CountersignError('GATE_UNREACHABLE', `${message} Nothing ran.`);
}
