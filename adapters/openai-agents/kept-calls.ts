import type { AllowedCall } from '../../src/adapter.ts';
import { sameJson } from '../shared/same-json.ts';

/** A call that was allowed before the SDK knew that nobody has to be asked about it. */
export interface KeptCall {
  readonly allowed: AllowedCall;
  /** What was decided on. */
  readonly args: unknown;
  /** Ends the permit: the SDK hands a signal to what it invokes alone. */
  readonly stop: AbortController;
}

export interface KeptCalls {
  keep(run: object, callId: string, call: KeptCall): void;
  /** At most once, and for the same arguments. From here on the call stops with `signal`. */
  take(run: object, callId: string, args: unknown, signal: AbortSignal | undefined): AllowedCall | undefined;
}

/** Permits of one tool between the SDK's question whether a person has to be asked and its invoking. What is not taken is given back. */
export function createKeptCalls(milliseconds: number): KeptCalls {
  const runs = new WeakMap<
    object,
    Map<string, KeptCall & { readonly timer: ReturnType<typeof setTimeout> }>
  >();

  const remove = (run: object, callId: string): KeptCall | undefined => {
    const kept = runs.get(run)?.get(callId);
    clearTimeout(kept?.timer);
    runs.get(run)?.delete(callId);
    return kept;
  };
  const giveBack = (kept: KeptCall | undefined): void => {
    // Where the gate cannot be told, it finds out for itself when the permit ends.
    kept?.allowed.giveBack().catch(() => undefined);
  };

  return {
    keep(run, callId, call) {
      giveBack(remove(run, callId));
      const timer = setTimeout(() => giveBack(remove(run, callId)), milliseconds);
      const calls = runs.get(run) ?? new Map<string, KeptCall & { readonly timer: typeof timer }>();
      runs.set(run, calls.set(callId, { ...call, timer }));
    },
    take(run, callId, args, signal) {
      const kept = remove(run, callId);
      if (!kept || !sameJson(kept.args, args)) {
        giveBack(kept);
        return undefined;
      }
      return signal ? stoppedBy(signal, kept) : kept.allowed;
    },
  };
}

function stoppedBy(signal: AbortSignal, { allowed, stop }: KeptCall): AllowedCall {
  const abort = (): void => stop.abort(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort);
  return {
    ...allowed,
    run: (execute) => allowed.run(execute).finally(() => signal.removeEventListener('abort', abort)),
  };
}
