import type { AllowedCall } from '../../src/adapter.ts';
import type { ToolCallInfo } from './tool.ts';

/** A call that was allowed before the SDK executes it. */
export interface KeptPermit {
  readonly allowed: AllowedCall;
  /** Ends the permit: the SDK does not tell who may stop a call until it executes it. */
  readonly stop: AbortController;
}

export interface KeptPermits {
  keep(input: object, info: ToolCallInfo, permit: KeptPermit): void;
  /** At most once for each that was kept. From here on the call stops with `info.abortSignal`. */
  take(input: unknown, info: ToolCallInfo): AllowedCall | undefined;
}

interface Kept extends KeptPermit {
  readonly info: ToolCallInfo;
  readonly timer: ReturnType<typeof setTimeout>;
}

/**
 * Permits of one tool on their way from the SDK's approval to its execution. Two runs may use the same id for a call; the object that
 * its input was parsed into, and the list of messages, are one run's own.
 *
 * What is not taken within the time is given back: the model's answer broke off, or somebody else's approval has denied it.
 */
export function createKeptPermits(milliseconds: number): KeptPermits {
  const permits = new WeakMap<object, Kept>();

  const remove = (input: object): Kept | undefined => {
    const kept = permits.get(input);
    clearTimeout(kept?.timer);
    permits.delete(input);
    return kept;
  };
  const giveBack = (input: object): void => {
    // Where the gate cannot be told, it finds out for itself when the permit ends.
    remove(input)
      ?.allowed.giveBack()
      .catch(() => undefined);
  };

  return {
    keep(input, info, permit) {
      giveBack(input);
      const timer = setTimeout(() => giveBack(input), milliseconds);
      permits.set(input, { ...permit, info, timer });
    },
    take(input, { toolCallId, messages, abortSignal }) {
      if (typeof input !== 'object' || input === null) return undefined;
      const { info } = permits.get(input) ?? {};
      if (info?.toolCallId !== toolCallId || info.messages !== messages) return undefined;
      const kept = remove(input);
      return kept && abortSignal ? stoppedBy(abortSignal, kept) : kept?.allowed;
    },
  };
}

/** The same call, which `signal` stops too. The signal may live as long as a server: it is let go of when the call has ended. */
function stoppedBy(signal: AbortSignal, { allowed, stop }: KeptPermit): AllowedCall {
  const abort = (): void => stop.abort(signal.reason);
  const letGo = (): void => signal.removeEventListener('abort', abort);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort);
  return {
    ...allowed,
    run: (execute) => allowed.run(execute).finally(letGo),
    async *stream(execute) {
      try {
        return yield* allowed.stream(execute);
      } finally {
        letGo();
      }
    },
  };
}
