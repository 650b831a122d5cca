import type { Grant } from '../../identity/grants/grant.ts';
import type { Principal } from '../../identity/principal.ts';
import { refillMeter } from '../../policy/cel/meter.ts';
import type { Bindings } from '../../policy/cel/program.ts';
import type { PolicyInput } from '../../policy/policy.ts';
import type { CounterDemand } from '../counters/counter.ts';
import { bindingsOf } from './compiled.ts';
import { amountTaken } from './conditions.ts';

/**
 * What a call takes of the counts and budgets of its grants, each for the grant’s whole life. A grant that was handed on takes of
 * those above it as well. Counters go by who granted and the ids down to the grant, never by its bytes: an ECDSA signature has a
 * second spelling, and whoever hands on may not empty a counter that is somebody else’s.
 */
export function grantDemands({ grants }: Principal, input: PolicyInput): readonly CounterDemand[] {
  if (grants === undefined || grants.every(({ calls, budget }) => calls === undefined && !budget)) return [];
  refillMeter();
  const bindings = bindingsOf(input);
  return grants.flatMap((grant) => [...callsOf(grant), ...budgetOf(grant, bindings)]);
}

function callsOf({ id, calls, lineage }: Grant): readonly CounterDemand[] {
  if (calls === undefined) return [];
  const what = `${calls} calls under the grant ${id}`;
  const key = keyOf('calls', lineage);
  return [{ key, limit: calls, window: Infinity, amount: 1, code: 'RATE_EXCEEDED', what }];
}

function budgetOf({ id, budget, lineage }: Grant, bindings: Bindings): readonly CounterDemand[] {
  if (budget === undefined) return [];
  const { limit, amount: source } = budget;
  // `refusedByGrants` has denied a call whose amount cannot be told: should one come here all the same, it takes more than there is.
  const amount = amountTaken(source, bindings) ?? Infinity;
  const what = `${limit} in all under the grant ${id}`;
  return [{ key: keyOf('budget', lineage), limit, window: Infinity, amount, code: 'BUDGET_EXCEEDED', what }];
}

function keyOf(kind: 'calls' | 'budget', lineage: readonly string[]): string {
  return JSON.stringify(['grant', kind, ...lineage]);
}
