import type { OutcomeKind } from '../call/call.ts';
import type { Json } from '../call/json.ts';
import type { ReasonCode } from '../names.ts';

/** What a caller says of a call that it carried out itself. The gate saw nothing of it, and its outcome states that. */
export interface Reported {
  readonly kind: 'reported';
  readonly outcome: OutcomeKind;
  readonly reason?: { readonly code: ReasonCode; readonly message: string };
  /** The result of what was executed, or the error of what failed: its exact bytes, and their value. */
  readonly answer?: { readonly bytes: Uint8Array; readonly value: Json };
}

type Answer = NonNullable<Reported['answer']>;

export function executed(result?: Answer): Reported {
  return { kind: 'reported', outcome: 'executed', ...(result && { answer: result }) };
}

export function failed(error?: Answer): Reported {
  return { kind: 'reported', outcome: 'failed', ...(error && { answer: error }) };
}

/** The sentences are ours: what a caller writes in its own words may be anybody's data, and a statement is signed. */
export const notExecuted: Reported = {
  kind: 'reported',
  outcome: 'aborted',
  reason: { code: 'CALLER_CANCELLED', message: 'The caller says that it did not carry the call out.' },
};

export const notKnown: Reported = {
  kind: 'reported',
  outcome: 'unknown',
  reason: { code: 'OUTCOME_UNREPORTED', message: 'The caller does not know what became of the call.' },
};
