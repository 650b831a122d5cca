import { asks } from '../../policy/obligation.ts';
import type { Decision } from '../../policy/policy.ts';
import type { RecordedCall } from './recorded-call.ts';

/**
 * What a verdict means for the call: it runs, somebody is asked, it does not run. A verdict that is not enforced holds nothing
 * back, and is said as what it is.
 */
export type Effect = 'allow' | 'ask' | 'deny' | 'ask, not enforced' | 'deny, not enforced';

const askCodes: ReadonlySet<string> = new Set([
  ...['CONFIRMATION_REQUIRED', 'APPROVAL_REQUIRED', 'APPROVAL_REFUSED'],
]);

export function recordedEffect({ verdict, code, enforced, asks: asked }: RecordedCall): Effect {
  if (askCodes.has(code) || (verdict === 'ALLOW' && asked)) return enforced ? 'ask' : 'ask, not enforced';
  if (verdict === 'ALLOW') return 'allow';
  return enforced ? 'deny' : 'deny, not enforced';
}

/** What is counted is full: whoever had to be asked had said yes. */
export const counterCodes: ReadonlySet<string> = new Set(['RATE_EXCEEDED', 'BUDGET_EXCEEDED']);

const policyCodes: ReadonlySet<string> = new Set([
  ...['RULE_ALLOWS', 'RULE_DENIES', 'NO_RULE_ALLOWS', 'POLICY_ERROR', ...askCodes],
  ...['BINDING_REQUIRED', 'OBLIGATION_UNMET', 'WITNESS_UNAVAILABLE'],
]);

/** Of policy where a rule is named: else a server asked for a person, or a grant is used up. */
const ruleCodes: ReadonlySet<string> = new Set([
  ...['HUMAN_MISSING', 'DEVICE_MISSING', 'NETWORK_MISSING', ...counterCodes],
]);

/** Whether policy decided, and not the gate itself: an identity, a pin, a revocation, a schema. */
export function isOfPolicy({ code, rule }: Pick<RecordedCall, 'code' | 'rule'>): boolean {
  return policyCodes.has(code) || (ruleCodes.has(code) && rule !== undefined);
}

/** The effect of a decision whose demands on credentials, rates and budgets are met. */
export function effectOf(decision: Decision): Effect {
  const enforced = decision.enforced !== false;
  if (decision.verdict === 'DENY') return enforced ? 'deny' : 'deny, not enforced';
  if (!decision.obligations.some(({ type }) => asks(type))) return 'allow';
  return enforced ? 'ask' : 'ask, not enforced';
}
