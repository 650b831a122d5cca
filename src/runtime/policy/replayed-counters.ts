import { counterDemands, type RuleDemand } from '../../gate/counter-demands.ts';
import { slotOf, slotsWith, slotsWithin, sumOf, type Slots } from '../../gate/counters/slots.ts';
import type { Obligation } from '../../policy/obligation.ts';
import type { PolicyInput } from '../../policy/policy.ts';

/** Rates and budgets over the recorded times, counted in the slots that a gate counts in. */
export interface ReplayedCounters {
  /** Takes what the obligations take, all or nothing: the code of the first that is used up, or undefined. Times rise. */
  take(
    obligations: readonly Obligation[],
    input: PolicyInput,
    now: number,
  ): Pick<RuleDemand, 'code' | 'rule'> | undefined;
}

export function replayedCounters(): ReplayedCounters {
  const counters = new Map<string, Slots>();
  return {
    take(obligations, input, now) {
      const taken = new Map<string, Slots>();
      for (const { key, window, amount, limit, code, rule } of counterDemands(input, obligations)) {
        const slots = slotsWithin(counters.get(key) ?? [], window, now);
        if (!(sumOf(slots) + amount <= limit)) return { code, rule };
        taken.set(key, slotsWith(slots, slotOf(now, window), amount));
      }
      for (const [key, slots] of taken) counters.set(key, slots);
      return undefined;
    },
  };
}
