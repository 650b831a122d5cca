import type { Permit } from '../call/permit.ts';
import { leaseEndOf, stopped } from './no-answer.ts';
import type { Execution } from './target.ts';

/** Calls that were dispatched and whose answer is awaited. */
export interface Awaited {
  /** Resolves with the answer; with `unknown` when the lease ends, or a cancelled call stays unanswered. */
  add(permit: Permit, signal: AbortSignal): Promise<Execution>;
  has(callId: string): boolean;
  settle(callId: string, execution: Execution): void;
  settleAll(execution: Execution): void;
}

interface Waiting {
  readonly resolve: (execution: Execution) => void;
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
}

/** How long a server may still answer a call that was cancelled: it may have run to its end just then. */
const answerAfterCancelMs = 250;

export function createAwaited(): Awaited {
  const calls = new Map<string, Waiting>();

  const settle = (callId: string, execution: Execution): void => {
    const waiting = calls.get(callId);
    if (!waiting) return;
    calls.delete(callId);
    waiting.signal.removeEventListener('abort', waiting.onAbort);
    waiting.resolve(execution);
  };

  return {
    add(permit, signal) {
      const { id } = permit.call;
      return new Promise((resolve) => {
        const onAbort = (): void => {
          if (leaseEndOf(signal.reason)) settle(id, stopped(signal.reason, 'unknown', unanswered));
          else setTimeout(settle, answerAfterCancelMs, id, cancelled);
        };
        calls.set(id, { resolve, signal, onAbort });
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    has: (callId) => calls.has(callId),
    settle,
    settleAll(execution) {
      for (const callId of [...calls.keys()]) settle(callId, execution);
    },
  };
}

const cancelled: Execution = {
  kind: 'none',
  outcome: 'unknown',
  code: 'CALLER_CANCELLED',
  message: 'The call was cancelled after it was sent; it may have run.',
};

const unanswered = 'before the server answered; the call may have run.';
