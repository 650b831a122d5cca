import { writeSync } from 'node:fs';
import { toldToModel } from '../../client/told.ts';
import { CountersignError, systemCode, toCountersignError } from '../../errors.ts';
import { denied, passed, type HookAnswer, type HookHost } from '../../gateway/hooks/hook-host.ts';

/** What ends a hook from outside; SIGKILL alone cannot be answered. */
const ending = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** Milliseconds between asking a hook to come to its end, and ending it. */
const graceMs = 1_000;

export interface FailClosed {
  /** Aborted when the hook's own time is over. */
  readonly signal: AbortSignal;
  /** How many seconds it has, from now on. */
  readonly within: (seconds: number) => void;
  /** From here on it is known whether the event comes before a tool; until then it counts as one that does. */
  readonly onEvent: (guards: boolean) => void;
  readonly failed: (error: unknown) => HookAnswer;
}

/**
 * Has this process say no, whatever happens to it: most hosts go on when a hook fails, is ended, or takes too long. To be called
 * before anything else that could fail.
 *
 * @param host Undefined while it is not known: then the exit code says it alone.
 */
export function failClosed(host: HookHost | undefined): FailClosed {
  let guards = true;
  const failed = (error: unknown): HookAnswer => {
    const { code, message } = toCountersignError(error, 'INTERNAL', 'The hook failed.');
    const told = toldToModel({ code, message, retryable: false });
    if (!guards) return passed(told);
    return host ? denied(host, told) : { exitCode: 2, stdout: '', stderr: `${told}\n` };
  };
  const end = (error: unknown): never => process.exit(say(failed(error)));
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
  for (const name of ending) process.on(name, () => end(stopped));
  const over = new AbortController();
  const within = (seconds: number): void => {
    setTimeout(() => {
      over.abort();
      setTimeout(() => end(late), graceMs);
    }, seconds * 1_000);
  };
  return { signal: over.signal, within, onEvent: (isGuard) => void (guards = isGuard), failed };
}

/** Writes an answer as far as anybody reads, and returns the exit code: an answer that could not be said is a no. */
export function say({ stdout, stderr, exitCode }: HookAnswer): number {
  const isSaid = write(1, stdout);
  write(2, stderr);
  return isSaid ? exitCode : 2;
}

function write(file: 1 | 2, text: string): boolean {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(file, bytes, at);
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') return false;
    }
  }
  return true;
}

const stopped = new CountersignError('GATE_UNREACHABLE', 'The hook was ended before the gate had answered.');
const late = new CountersignError(
  'GATE_UNREACHABLE',
  'The gate did not answer in the time that the hook has.',
);
