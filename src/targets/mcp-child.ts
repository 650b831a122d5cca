import spawn from 'cross-spawn';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { CountersignError } from '../errors.ts';
import type { FrameWriter } from './frame-writer.ts';
import { createFrameWriter } from './frame-writer.ts';

export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
  /** The child's whole environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** How a child ended. `exitCode` is what a shell would report: 128 + n for signal n, 127 when there is no such command. */
export interface ChildEnd {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | null;
  /** The system's error code when the command could not be started at all: `ENOENT`, `EACCES`, … */
  readonly startError?: string;
}

/** A server process on its pipes. Its stderr is ours. */
export interface McpChild {
  readonly input: FrameWriter;
  readonly output: Readable;
  /** Resolves when the process has ended and everything it wrote was read. */
  readonly ended: Promise<ChildEnd>;
  /** Signals the process and what it started. */
  signal(name: NodeJS.Signals): void;
}

const onWindows = process.platform === 'win32';

/**
 * Starts the command through `cross-spawn`, since `npx` and its like are scripts on Windows. Elsewhere the child leads
 * a process group of its own, so that a signal also reaches the server that a launcher started.
 */
export function spawnMcpChild({ command, args, environment, cwd }: CommandLine): McpChild {
  const child = spawn(command, [...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment },
    detached: !onWindows,
    windowsHide: true,
    ...(cwd === undefined ? {} : { cwd }),
  });
  const { stdin, stdout } = child;
  if (!stdin || !stdout)
    throw new CountersignError('UPSTREAM_GONE', 'The system has no pipes left for a server.');

  let exited = false;
  const input = createFrameWriter(stdin, () => {
    // Nobody reads any more. What still holds the other pipe after the process ended is not the server.
    if (exited) stdout.destroy();
  });

  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined || onWindows) resolve(notStarted(error.code ?? 'UNKNOWN'));
    });
    child.once('exit', () => {
      exited = true;
      if (input.isGone) stdout.destroy();
    });
    child.once('close', (code, signal) => resolve(endOf(code, signal)));
  });

  return {
    input,
    output: stdout,
    ended,
    signal(name) {
      if (child.pid === undefined) return;
      if (onWindows && name === 'SIGKILL') {
        // `kill` ends only the shell that runs a script there.
        spawn('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' }).on('error', () =>
          child.kill(),
        );
      } else if (onWindows) {
        child.kill(name);
      } else {
        signalGroup(child.pid, name);
      }
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

function notStarted(startError: string): ChildEnd {
  return { exitCode: startError === 'ENOENT' ? 127 : 126, signal: null, startError };
}

function endOf(code: number | null, signal: NodeJS.Signals | null): ChildEnd {
  return { exitCode: signal === null ? (code ?? 0) : 128 + constants.signals[signal], signal };
}
