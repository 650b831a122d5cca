import { CountersignError, toCountersignError } from '../errors.ts';
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
  const wasSent = !wasNeverReached(error) && !hadNoAuthority(error);
  if (error instanceof CountersignError) return { error, wasSent };
  const message = wasSent
    ? 'The connection to the server ended before it answered.'
    : 'The server cannot be reached.';
  return { error: gone(message), wasSent };
}

/** Whether it is why a request went out in nobody's name: not at all. */
function hadNoAuthority(error: unknown): boolean {
  return (
    error instanceof CountersignError &&
    (error.code === 'UPSTREAM_TOKEN_REFUSED' || error.code === 'HUMAN_MISSING')
  );
}

/** What a call ends with that was sent in nobody's name: not at all. */
export function withoutAuthority(error: unknown): Execution {
  const { message } = toCountersignError(error, 'INTERNAL', 'There is no token of this server for who asks.');
  return none('aborted', 'UPSTREAM_TOKEN_REFUSED', `${message} Nothing ran.`);
}

/** A status that says no, and nothing of a request. After a 404 there is nothing left to talk to. */
export function refusedWith(status: number): CountersignError {
  const message = `The server answered with status ${status} and no message for this request.`;
  return status >= 500 || status === 404 ? gone(message) : invalid(message);
}

/** What a call ends with that has no answer. A server that refuses with 4xx says that it did nothing. */
export function executionOf({ status, error, wasSent }: Failure): Execution {
  if (hadNoAuthority(error)) return withoutAuthority(error);
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
