import type { Grant } from '../../identity/grants/grant.ts';
import type { Principal, Refusal } from '../../identity/principal.ts';
import { refillMeter } from '../../policy/cel/meter.ts';
import type { Bindings } from '../../policy/cel/program.ts';
import type { PolicyInput } from '../../policy/policy.ts';
import { amountOf, bindingsOf, conditionOf } from './compiled.ts';

/**
 * Why the grants of a principal are not for this call; undefined when each of them admits it, and where there is none. A condition
 * that fails, and a budget whose amount cannot be told, admit nothing. Never throws.
 */
export function refusedByGrants({ grants }: Principal, input: PolicyInput): Refusal | undefined {
  if (grants === undefined) return undefined;
  try {
    refillMeter();
    const bindings = bindingsOf(input);
    for (const grant of grants) {
      const why = refusedByOne(grant, bindings);
      if (why !== undefined) return refusal(grant, why);
    }
    return undefined;
  } catch {
    return { code: 'GRANT_CONDITION_REFUSED', message: 'What was granted cannot be asked of this call.' };
  }
}

function refusedByOne({ when, budget }: Grant, bindings: Bindings): string | undefined {
  for (const source of when) {
    const condition = conditionOf(source);
    const answer = condition === 'invalid' ? 'invalid' : condition.ask(bindings);
    if (answer !== 'match') return reasons[answer];
  }
  return budget !== undefined && amountTaken(budget.amount, bindings) === undefined
    ? 'what it would take of the budget cannot be told'
    : undefined;
}

const reasons = {
  invalid: 'a condition of it cannot be understood',
  error: 'a condition of it cannot be evaluated for it',
  'no-match': 'a condition of it does not hold',
} as const;

/** What a call takes of a budget, 0 or more; undefined when that cannot be told. Never throws. */
export function amountTaken(source: string, bindings: Bindings): number | undefined {
  const amount = amountOf(source);
  if (amount === 'invalid') return undefined;
  try {
    const taken = amount.json(bindings);
    return typeof taken === 'number' && Number.isFinite(taken) && taken >= 0 ? taken : undefined;
  } catch {
    // A list or map of the caller's that takes more steps to read than there are.
    return undefined;
  }
}

/** The id was chosen by whoever granted; it is of few characters, and none of them does anything. */
function refusal({ id }: Grant, why: string): Refusal {
  return { code: 'GRANT_CONDITION_REFUSED', message: `The grant ${id} is not for this call: ${why}.` };
}
