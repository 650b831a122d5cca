import { counterDemands, type RuleDemand } from '../../gate/counter-demands.ts';
import { slotOf, slotsWith, slotsWithin, sumOf, type Slots } from '../../gate/counters/slots.ts';
import type { Obligation } from '../../policy/obligation.ts';
import type { PolicyInput } from '../../policy/policy.ts';

/** What is used up, and the rule that counts it. */
type UsedUp = Pick<RuleDemand, 'code' | 'rule'>;

/** Rates and budgets over the recorded times, counted in the slots that a gate counts in. Times rise. */
export interface ReplayedCounters {
  /** The first of what the obligations take that is used up; undefined where all of it is there. Takes nothing. */
  lacking(obligations: readonly Obligation[], input: PolicyInput, now: number): UsedUp | undefined;
  /** Takes it, all or nothing: the answer is the same. */
  take(obligations: readonly Obligation[], input: PolicyInput, now: number): UsedUp | undefined;
}

export function replayedCounters(): ReplayedCounters {
  const counters = new Map<string, Slots>();
  const reserve = (
    obligations: readonly Obligation[],
    input: PolicyInput,
    now: number,
  ): ReadonlyMap<string, Slots> | UsedUp => {
    const taken = new Map<string, Slots>();
    for (const { key, window, amount, limit, code, rule } of counterDemands(input, obligations)) {
      const slots = slotsWithin(counters.get(key) ?? [], window, now);
      if (!(sumOf(slots) + amount <= limit)) return { code, rule };
      taken.set(key, slotsWith(slots, slotOf(now, window), amount));
    }
    return taken;
  };
  return {
    lacking(obligations, input, now) {
      const reserved = reserve(obligations, input, now);
      return 'code' in reserved ? reserved : undefined;
    },
    take(obligations, input, now) {
      const reserved = reserve(obligations, input, now);
      if ('code' in reserved) return reserved;
      for (const [key, slots] of reserved) counters.set(key, slots);
      return undefined;
    },
  };
}
