import { isRevocationCode } from '../call/revocation-code.ts';
import { toCountersignError } from '../errors.ts';
import type { ReasonCode } from '../names.ts';
import type { Execution } from '../targets/target.ts';
import type { Denial } from './gate.ts';

/** Conditions that may pass by themselves. */
const passing = new Set<ReasonCode>([
  'LEDGER_LOCKED',
  'LEDGER_CONFLICT',
  'LEDGER_UNAVAILABLE',
  'GATE_CLOSED',
  'CLOCK_BEHIND',
  'TOO_MANY_OPEN',
  'REVOCATIONS_UNREADABLE',
  'RATE_EXCEEDED',
  'BUDGET_EXCEEDED',
]);

/** Whether the same call may succeed later without anybody doing anything. */
export function passes(code: ReasonCode): boolean {
  return passing.has(code);
}

/** How a caller is told what the gate threw: nothing was decided, or it could not be made durable. */
export function denialOf(error: unknown): Denial {
  const { code, message } = toCountersignError(
    error,
    'INTERNAL',
    'The gate failed while it handled this call.',
  );
  return refusal(code, message);
}

export function refusal(code: Denial['code'], message: string): Denial {
  return { code, message, retryable: passes(code) };
}

/** How a caller is told that an execution gave no answer. */
export function denialOfExecution({ code, message, outcome }: Extract<Execution, { kind: 'none' }>): Denial {
  // A fork does not pass by itself, and what was revoked is not given back by asking again.
  const lasts = code === 'LOG_FORKED' || (isRevocationCode(code) && code !== 'REVOCATIONS_UNREADABLE');
  return { code, message, retryable: outcome === 'aborted' && !lasts };
}
