import { toCountersignError } from '../errors.ts';
import type { Denial } from '../gate/gate.ts';
import type { ReasonCode } from '../names.ts';

export function denial(code: ReasonCode, message: string, retryable = false): Denial {
  return { code, message, retryable };
}

/** How a caller is told what was thrown on the way to a gate. */
export function denialOfThrown(thrown: unknown): Denial {
  const { code, message } = toCountersignError(thrown, 'INTERNAL', 'The gate could not be asked.');
  return denial(code, message);
}
