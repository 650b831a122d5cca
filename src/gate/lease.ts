import { CountersignError } from '../errors.ts';
import type { Clock } from './parts.ts';
import type { Watched, Watches } from './watches.ts';

/** For how long a call may run. Its signal says when that is over, with the reason. */
export interface Lease {
  readonly signal: AbortSignal;
  /** The call is over. */
  close(): void;
}

export interface LeaseTerms {
  /** Wall milliseconds. */
  readonly ends: number;
  readonly watched: Watched;
  /** Aborted when the caller wants it no more. */
  readonly caller: AbortSignal;
}

/** A lease ends with its time, with its caller, or with what its principal may. */
export function openLease(
  { clock, watches }: { readonly clock: Clock; readonly watches: Watches },
  { ends, watched, caller }: LeaseTerms,
): Lease {
  const lease = new AbortController();
  const end = (reason: unknown) => lease.abort(reason);
  const callerGone = () => end(caller.reason);
  // First, so that who was revoked does not pass for somebody who has left.
  const unwatch = watches.add(watched, end);
  if (caller.aborted) callerGone();
  caller.addEventListener('abort', callerGone, { once: true });
  const timer = setTimeout(
    () => end(new CountersignError('LEASE_ENDED', 'The lease of this call has ended.')),
    Math.min(Math.max(0, ends - clock.now()), longestTimer),
  );
  return {
    signal: lease.signal,
    close() {
      unwatch();
      clearTimeout(timer);
      caller.removeEventListener('abort', callerGone);
    },
  };
}

/** `setTimeout` wraps beyond this, and would fire at once. */
const longestTimer = 0x7fffffff;
