/** How long a call may run: until its permit ends or its caller does. */
export interface Lease {
  readonly signal: AbortSignal;
  end(): void;
}

/**
 * @param lasts Milliseconds from the verdict to `settleBy`.
 * @param asked Monotonic milliseconds from before the gate was asked.
 */
export function startLease(lasts: number, asked: number, caller: AbortSignal | undefined): Lease {
  const lease = new AbortController();
  const stop = (): void => lease.abort(caller?.reason);
  const left = lasts - (performance.now() - asked);
  const timer = setTimeout(() => lease.abort(), Math.max(0, left));
  // It ends what runs, and is no reason to go on. On Workers a timer is a number.
  if (typeof timer === 'object') timer.unref();
  if (caller?.aborted || left <= 0) stop();
  caller?.addEventListener('abort', stop, { once: true });
  return {
    signal: lease.signal,
    end() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', stop);
    },
  };
}
