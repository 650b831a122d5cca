import { canonicalJson } from '../../call/canonical-json.ts';
import type { Json } from '../../call/json.ts';
import { slotOf, slotsWith, slotsWithin, sumOf, type Slots } from '../../gate/counters/slots.ts';
import type { BudgetObligation, Obligation, Per, RateObligation } from '../../policy/obligation.ts';
import type { PolicyInput } from '../../policy/policy.ts';

type Counted = RateObligation | BudgetObligation;

/** Rates and budgets over the recorded times, counted in the slots that a gate counts in. */
export interface ReplayedCounters {
  /** Takes what the obligations take, all or nothing: the code of the first that is used up, or undefined. Times rise. */
  take(
    obligations: readonly Obligation[],
    input: PolicyInput,
    now: number,
  ): { readonly code: 'RATE_EXCEEDED' | 'BUDGET_EXCEEDED'; readonly rule: string } | undefined;
}

export function replayedCounters(): ReplayedCounters {
  const counters = new Map<string, Slots>();
  return {
    take(obligations, input, now) {
      const counted = obligations.filter((one) => one.type === 'rate' || one.type === 'budget');
      const taken = new Map<string, Slots>();
      for (const [at, one] of counted.entries()) {
        const key = keyOf(one, at, input);
        const slots = slotsWithin(counters.get(key) ?? [], one.window, now);
        const amount = one.type === 'budget' ? one.amount : 1;
        if (!(sumOf(slots) + amount <= one.limit))
          return { code: one.type === 'budget' ? 'BUDGET_EXCEEDED' : 'RATE_EXCEEDED', rule: one.rule };
        taken.set(key, slotsWith(slots, slotOf(now, one.window), amount));
      }
      for (const [key, slots] of taken) counters.set(key, slots);
      return undefined;
    },
  };
}

function keyOf({ type, rule, window, per }: Counted, at: number, input: PolicyInput): string {
  return canonicalJson([type, rule, at, window, ...per.map((each) => scopeOf(each, input))]);
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
