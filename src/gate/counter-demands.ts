import { canonicalJson } from '../call/canonical-json.ts';
import type { Json } from '../call/json.ts';
import type { BudgetObligation, Obligation, Per, RateObligation } from '../policy/obligation.ts';
import type { PolicyInput } from '../policy/policy.ts';
import type { CounterDemand } from './counters/counter.ts';

type Counted = RateObligation | BudgetObligation;

/** What a rule takes of its counter. */
export interface RuleDemand extends CounterDemand {
  readonly rule: string;
}

/** The counters that a decision's rates and budgets take from. */
export function counterDemands(
  input: PolicyInput,
  obligations: readonly Obligation[],
): readonly RuleDemand[] {
  const counted = obligations.filter((one): one is Counted => one.type === 'rate' || one.type === 'budget');
  return counted.map((one) => demandOf(input, one));
}

/** A rule’s counter goes on where its limit changes, and begins anew where what it counts does. */
function demandOf(input: PolicyInput, one: Counted): RuleDemand {
  const { type, rule, ordinal, limit, window, per } = one;
  const scope = per.map((each) => [each, scopeOf(each, input)] as Json);
  return {
    key: canonicalJson([type, rule, ordinal, window, scopeOf('tenant', input), scope]),
    limit,
    window,
    rule,
    amount: one.type === 'budget' ? one.amount : 1,
    code: one.type === 'budget' ? 'BUDGET_EXCEEDED' : 'RATE_EXCEEDED',
    what: `the rule ${rule} allows ${one.type === 'budget' ? `${limit} in sum` : `${limit} calls`} in ${duration(window)} for each ${per.join(' and ')}`,
  };
}

function scopeOf(per: Per, { agent, human, tool, session }: PolicyInput): Json {
  switch (per) {
    case 'agent':
      return agent['id'] ?? null;
    case 'human':
      return human === undefined ? null : [human['issuer'] ?? null, human['subject'] ?? null];
    case 'tool':
      return [tool.server, tool.name];
    case 'tenant':
      return session['tenant'] ?? null;
  }
}

function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  const [unit, size] = units.find(([, each]) => seconds % each === 0) ?? (['s', 1] as const);
  return `${seconds / size}${unit}`;
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
] as const;
