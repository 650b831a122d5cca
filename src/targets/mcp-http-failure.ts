import { CountersignError } from '../errors.ts';
import { none, wasNeverReached } from './no-answer.ts';
import type { Execution } from './target.ts';

/** Why there is no answer to what was posted. */
export interface Failure {
  readonly status?: number;
  readonly error: CountersignError;
  /** False when no byte can have reached the server. */
  readonly wasSent: boolean;
}

/** @param error What `fetch` threw. */
export function unreachable(error: unknown): Failure {
  const wasSent = !wasNeverReached(error);
  if (error instanceof CountersignError) return { error, wasSent };
  const message = wasSent
    ? 'The connection to the server ended before it answered.'
    : 'The server cannot be reached.';
  return { error: gone(message), wasSent };
}

/** A status that says no, and nothing of a request. After a 404 there is nothing left to talk to. */
export function refusedWith(status: number): CountersignError {
  const message = `The server answered with status ${status} and no message for this request.`;
  return status >= 500 || status === 404 ? gone(message) : invalid(message);
}

/** What a call ends with that has no answer. A server that refuses with 4xx says that it did nothing. */
export function executionOf({ status, error, wasSent }: Failure): Execution {
  const code = error.code === 'UPSTREAM_GONE' ? 'UPSTREAM_GONE' : 'UPSTREAM_INVALID';
  if (!wasSent) return none('aborted', code, `${error.message} Nothing ran.`);
  if (status !== undefined && status >= 400 && status < 500) return none('failed', code, error.message);
  return none('unknown', code, `${error.message} The call may have run.`);
}

export function invalid(message: string): CountersignError {
  return new CountersignError('UPSTREAM_INVALID', message);
}

export function gone(message: string): CountersignError {
  return new CountersignError('UPSTREAM_GONE', message);
}
