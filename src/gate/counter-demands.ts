import { canonicalJson } from '../call/canonical-json.ts';
import type { Call } from '../call/call.ts';
import type { Json } from '../call/json.ts';
import type { Principal } from '../identity/principal.ts';
import type { BudgetObligation, Obligation, Per, RateObligation } from '../policy/obligation.ts';
import type { CounterDemand } from './counters/counter.ts';

type Counted = RateObligation | BudgetObligation;

/** The counters that a decision's rates and budgets take from. */
export function counterDemands(
  call: Call,
  principal: Principal,
  obligations: readonly Obligation[],
): readonly CounterDemand[] {
  const counted = obligations.filter((one): one is Counted => one.type === 'rate' || one.type === 'budget');
  return counted.map((one, at) => {
    const earlier = counted.slice(0, at).filter(({ type, rule }) => type === one.type && rule === one.rule);
    return demandOf(call, principal, one, earlier.length);
  });
}

/** A rule’s counter goes on where its limit changes, and begins anew where what it counts does. */
function demandOf(call: Call, principal: Principal, one: Counted, ordinal: number): CounterDemand {
  const { type, rule, limit, window, per } = one;
  const scope = per.map((each) => [each, scopeOf(each, call, principal)] as Json);
  return {
    key: canonicalJson([type, rule, ordinal, window, principal.tenant, scope]),
    limit,
    window,
    amount: one.type === 'budget' ? one.amount : 1,
    code: one.type === 'budget' ? 'BUDGET_EXCEEDED' : 'RATE_EXCEEDED',
    what: `the rule ${rule} allows ${one.type === 'budget' ? `${limit} in sum` : `${limit} calls`} in ${duration(window)} for each ${per.join(' and ')}`,
  };
}

function scopeOf(per: Per, { server, tool }: Call, { agent, human, tenant }: Principal): Json {
  switch (per) {
    case 'agent':
      return agent.value.id;
    case 'human':
      return human === undefined ? null : [human.value.issuer, human.value.subject];
    case 'tool':
      return [server.name, tool];
    case 'tenant':
      return tenant;
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
