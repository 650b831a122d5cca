import spawn from 'cross-spawn';
import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { hex, sha256, utf8 } from '../call/sha256.ts';
import { systemCode } from '../errors.ts';
import { startOf, type CommandArguments, type CommandStdin } from './command-arguments.ts';
import { passOn, type CommandOutput, type OutputDigest } from './command-output.ts';

/** What a command came to. */
export interface CommandResult {
  /** As a shell would report it: 128 + n after signal n. */
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly stdout: OutputDigest;
  readonly stderr: OutputDigest;
}

export type CommandEnd =
  | { readonly kind: 'ended'; readonly result: CommandResult }
  /** Nothing ran. `cause` is the system's code (`ENOENT`), or what is not any more as it was decided on. */
  | { readonly kind: 'not-started'; readonly cause: string }
  /** Ended from here, as its time was over. */
  | { readonly kind: 'stopped' };

/** What a command is given that its arguments do not hold, only digests of it; and where its output goes. */
export interface CommandHands {
  /** Values of its secret variables, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** For its standard input. */
  readonly stdin: Uint8Array;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Told how to signal it, once it runs. */
  readonly onStart?: (signal: (name: NodeJS.Signals) => void) => void;
  /** Told when something that the command left behind holds its output open. */
  readonly onLeft?: () => void;
  readonly times?: CommandTimes;
}

export interface CommandTimes {
  /** Milliseconds from SIGTERM to SIGKILL, when the command's time is over. */
  readonly untilKilled: number;
  /** Milliseconds that its outputs may stand still, once it has ended, before nobody listens any more. */
  readonly untilLeft: number;
}

const defaultTimes: CommandTimes = { untilKilled: 5_000, untilLeft: 2_000 };

const onWindows = process.platform === 'win32';

/**
 * Runs exactly what its arguments say, and resolves once it has ended and its output was passed on. When `signal` aborts it is ended.
 * Never rejects.
 */
export async function runCommand(
  given: CommandArguments,
  hands: CommandHands,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const changed = changedSince(given, hands);
  if (changed !== undefined) return { kind: 'not-started', cause: changed };
  if (signal.aborted) return { kind: 'stopped' };
  let child: ChildProcess;
  try {
    child = spawnCommand(given, hands.secrets);
  } catch (error) {
    // What the system calls wrong before it starts anything: too many words, no memory.
    return { kind: 'not-started', cause: systemCode(error) };
  }
  return watch(child, given.stdin, hands, signal);
}

/** What was read again from elsewhere has to be what was decided on. */
function changedSince(
  { secrets, stdin }: CommandArguments,
  { secrets: values, stdin: bytes }: CommandHands,
): string | undefined {
  for (const [name, { sha256: digest }] of Object.entries(secrets)) {
    if (hex(sha256(utf8(values[name] ?? ''))) !== digest) return `${name} changed`;
  }
  const isSame = stdin.kind !== 'bytes' || hex(sha256(bytes)) === stdin.sha256;
  return isSame ? undefined : 'the standard input changed';
}

function spawnCommand(given: CommandArguments, secrets: CommandHands['secrets']): ChildProcess {
  const { file, argv0, args } = startOf(given);
  const { cwd, env, stdin } = given;
  const values = Object.keys(given.secrets).map((name) => [name, secrets[name]] as const);
  return spawn(file, [...args], {
    argv0,
    cwd,
    env: Object.assign(Object.create(null), env, Object.fromEntries(values)) as NodeJS.ProcessEnv,
    stdio: [stdinOf(stdin), 'pipe', 'pipe'],
    // Leads a group of its own, so that signals reach what it started too; but whoever reads a terminal stays in its session.
    detached: !onWindows && stdin.kind !== 'terminal',
    windowsHide: true,
  });
}

function stdinOf({ kind }: CommandStdin): 'ignore' | 'pipe' | 'inherit' {
  if (kind === 'terminal') return 'inherit';
  return kind === 'bytes' ? 'pipe' : 'ignore';
}

function watch(
  child: ChildProcess,
  stdin: CommandStdin,
  hands: CommandHands,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const { stdout, stderr } = child;
  // A child that could not be started may have no pipes.
  const outputs = stdout && stderr ? [passOn(stdout, hands.stdout), passOn(stderr, hands.stderr)] : [];
  // Who closes it early has read what it wanted.
  child.stdin?.on('error', () => undefined).end(hands.stdin);
  const { send, end } = sender(child, stdin.kind === 'terminal');
  const { untilKilled, untilLeft } = hands.times ?? defaultTimes;
  return new Promise((resolve) => {
    const ending = stopWhen(signal, send, outputs, untilKilled);
    child.once('error', (error) => {
      // Later ones are about signals that came too late.
      if (child.pid !== undefined && !onWindows) return;
      ending.forget();
      for (const output of outputs) output.leave();
      resolve({ kind: 'not-started', cause: systemCode(error) });
    });
    child.once('spawn', () => hands.onStart?.(send));
    child.once('exit', (code, name) => {
      const stopWaiting = leaveWhenStill(outputs, untilLeft, () => hands.onLeft?.());
      void Promise.all(outputs.map(({ ended }) => ended)).then(([out, err]) => {
        stopWaiting();
        ending.forget();
        // Whoever has lost what it ran for must not go on in what it left behind.
        if (ending.wasStopped()) send('SIGKILL');
        end();
        resolve(ending.wasStopped() || !out || !err ? { kind: 'stopped' } : endOf(code, name, out, err));
      });
    });
  });
}

/** Ends a command whose time is over: asked first, then made to. What is still unread then stays so. */
function stopWhen(
  signal: AbortSignal,
  send: (name: NodeJS.Signals) => void,
  outputs: readonly CommandOutput[],
  untilKilled: number,
): { forget(): void; wasStopped(): boolean } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    send('SIGTERM');
    timer = setTimeout(() => {
      send('SIGKILL');
      for (const output of outputs) output.leave();
    }, untilKilled);
  };
  signal.addEventListener('abort', stop, { once: true });
  return {
    wasStopped: () => timer !== undefined,
    forget() {
      signal.removeEventListener('abort', stop);
      clearTimeout(timer);
    },
  };
}

/** What a command left running may hold its outputs for ever: who has written nothing for a while is not waited for. */
function leaveWhenStill(
  outputs: readonly CommandOutput[],
  untilLeft: number,
  onLeft: () => void,
): () => void {
  const seen = (): number => outputs.reduce((sum, { progress }) => sum + progress, 0);
  let before = seen();
  const timer = setInterval(() => {
    const now = seen();
    const isStill = now === before && !outputs.some(({ isBlocked }) => isBlocked);
    before = now;
    if (!isStill) return;
    clearInterval(timer);
    onLeft();
    for (const output of outputs) output.leave();
  }, untilLeft);
  return () => clearInterval(timer);
}

interface Sender {
  readonly send: (name: NodeJS.Signals) => void;
  /** Its number may be another's from now on. */
  end(): void;
}

/** Signals the command and what it started; at a terminal the command alone, as the terminal itself tells the others. */
function sender(child: ChildProcess, atTerminal: boolean): Sender {
  let isOver = false;
  return {
    send(name) {
      if (child.pid === undefined || isOver) return;
      if (onWindows && name === 'SIGKILL') {
        // `kill` ends only the shell that runs a script there.
        spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' }).on('error', () =>
          child.kill(),
        );
      } else if (onWindows || atTerminal) {
        if (name !== 'SIGINT' || !atTerminal) child.kill(name);
      } else {
        signalGroup(child.pid, name);
      }
    },
    end() {
      isOver = true;
    },
  };
}

function signalGroup(leader: number, name: NodeJS.Signals): void {
  try {
    process.kill(-leader, name);
  } catch {
    // The whole group has ended already: what the signal asks for.
  }
}

function endOf(
  code: number | null,
  signal: NodeJS.Signals | null,
  stdout: OutputDigest,
  stderr: OutputDigest,
): CommandEnd {
  const how =
    signal === null ? { exitCode: code ?? 0 } : { exitCode: 128 + constants.signals[signal], signal };
  return { kind: 'ended', result: { ...how, stdout, stderr } };
}
