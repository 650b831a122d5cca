import type { Decision, Obligation } from '../policy/policy.ts';

/** What a decision comes to here: an obligation that nobody can fulfil is a denial. `witnesses`: how many can be asked. */
export function withKnownObligations(decision: Decision, witnesses: number): Decision {
  if (decision.verdict === 'DENY' || decision.obligations.length === 0) return decision;
  if (!decision.obligations.every((obligation) => demandOf(obligation) !== undefined)) {
    return denial(
      decision,
      'POLICY_ERROR',
      'The rule that would allow this demands something that this gate cannot fulfil.',
    );
  }
  const demanded = witnessesDemanded(decision);
  return demanded <= witnesses
    ? decision
    : denial(
        decision,
        'WITNESS_UNAVAILABLE',
        `The rule that would allow this demands witnesses of the log (${demanded}), and this gate knows ${witnesses || 'none'}.`,
      );
}

/** How many others must have seen the ALLOW in the log before the call runs. */
export function witnessesDemanded(decision: Decision): number {
  if (decision.verdict === 'DENY') return 0;
  return Math.max(0, ...decision.obligations.map((obligation) => demandOf(obligation) ?? 0));
}

/** The number that `{type: witness, count}` demands; undefined for whatever is no such obligation. */
function demandOf({ type, count }: Obligation): number | undefined {
  return type === 'witness' && typeof count === 'number' && Number.isSafeInteger(count) && count > 0
    ? count
    : undefined;
}

function denial(
  { rule, controls }: Extract<Decision, { verdict: 'ALLOW' }>,
  code: 'POLICY_ERROR' | 'WITNESS_UNAVAILABLE',
  message: string,
): Decision {
  return { verdict: 'DENY', code, rule, message, controls };
}
