import { lackingBinding } from '../../policy/binding.ts';
import type { BindingObligation } from '../../policy/obligation.ts';
import type { Policy, PolicyInput } from '../../policy/policy.ts';
import { counterCodes, effectOf, isOfPolicy, recordedEffect, type Effect } from './effect.ts';
import type { RecordedCall } from './recorded-call.ts';
import { replayedCounters, type ReplayedCounters } from './replayed-counters.ts';

/** A call that another policy decides otherwise. */
export interface Change extends Pick<RecordedCall, 'callId' | 'tool' | 'agent'> {
  /** RFC 3339. */
  readonly time: string;
  readonly was: Outcome;
  readonly would: Outcome;
}

export interface Outcome {
  readonly effect: Effect;
  readonly code: string;
  readonly rule?: string;
}

export interface Simulation {
  /** Verdicts that were looked at. */
  readonly calls: number;
  /** Decided anew. */
  readonly replayed: number;
  readonly same: number;
  /** The same effect, by another rule or for another reason. */
  readonly otherRule: number;
  readonly changed: number;
  /** How many changed, by `was → would be`. */
  readonly byEffect: Readonly<Record<string, number>>;
  /** What was not decided anew, and why: not a change, and not the same either. */
  readonly leftOut: {
    /** The gate itself decided: an identity, a pin, a revocation, a schema. */
    readonly gate: number;
    readonly notKept: number;
    readonly sealed: number;
    /** What lies beside the log does not open what was signed. */
    readonly altered: number;
    /** The policy asks for the history or the origins of values, which this call's input does not have. */
    readonly unseen: number;
  };
  /** The newest changes, oldest first. */
  readonly changes: readonly Change[];
  /** The ids of calls whose input was altered, the first of them. */
  readonly altered: readonly string[];
}

/** Ids of altered inputs that are told. */
const maxAltered = 20;

/** Decides recorded calls anew, in the log's order. Nothing is written and nothing is run. */
export async function simulate(
  policy: Policy,
  calls: AsyncIterable<RecordedCall>,
  { keep }: { readonly keep: number },
): Promise<Simulation> {
  const replay = new Replay(policy, keep);
  for await (const call of calls) replay.see(call);
  return replay.result();
}

class Replay {
  readonly #policy: Policy;
  readonly #keep: number;
  readonly #counters: ReplayedCounters = replayedCounters();
  readonly #counts = { calls: 0, replayed: 0, same: 0, otherRule: 0, changed: 0 };
  readonly #leftOut = { gate: 0, notKept: 0, sealed: 0, altered: 0, unseen: 0 };
  readonly #byEffect = new Map<string, number>();
  readonly #altered: string[] = [];
  #changes: Change[] = [];

  constructor(policy: Policy, keep: number) {
    this.#policy = policy;
    this.#keep = keep;
  }

  see(call: RecordedCall): void {
    this.#counts.calls += 1;
    if (!isOfPolicy(call)) {
      this.#leftOut.gate += 1;
      return;
    }
    switch (call.input.state) {
      case 'kept':
        return this.#decide(call, call.input.value);
      case 'not-kept':
        this.#leftOut.notKept += 1;
        return;
      case 'sealed':
        this.#leftOut.sealed += 1;
        return;
      case 'changed':
        this.#leftOut.altered += 1;
        if (this.#altered.length < maxAltered) this.#altered.push(call.callId);
    }
  }

  #decide(call: RecordedCall, input: PolicyInput): void {
    const would = outcomeUnder(this.#policy, this.#counters, input, call);
    if (would === undefined) {
      this.#leftOut.unseen += 1;
      return;
    }
    this.#counts.replayed += 1;
    const { code, rule } = call;
    const was: Outcome = { effect: recordedEffect(call), code, ...(rule !== undefined && { rule }) };
    if (was.effect === would.effect) {
      this.#counts.same += 1;
      if (was.rule !== would.rule) this.#counts.otherRule += 1;
    } else this.#change(call, was, would);
  }

  #change({ callId, tool, agent, time }: RecordedCall, was: Outcome, would: Outcome): void {
    this.#counts.changed += 1;
    const kind = `${was.effect} → ${would.effect}`;
    this.#byEffect.set(kind, (this.#byEffect.get(kind) ?? 0) + 1);
    const at = new Date(time).toISOString();
    this.#changes.push({ callId, time: at, tool, ...(agent !== undefined && { agent }), was, would });
    // Cut now and then: dropping the oldest each time would move all of them.
    if (this.#changes.length > 2 * this.#keep + 64) this.#changes = newest(this.#changes, this.#keep);
  }

  result(): Simulation {
    return {
      ...this.#counts,
      byEffect: Object.fromEntries([...this.#byEffect].sort(([one], [other]) => (one < other ? -1 : 1))),
      leftOut: { ...this.#leftOut },
      changes: newest(this.#changes, this.#keep),
      altered: this.#altered,
    };
  }
}

function newest<T>(all: readonly T[], keep: number): T[] {
  return all.slice(Math.max(0, all.length - keep));
}

/** What the policy makes of a recorded call; undefined where that hangs on what was not recorded. */
function outcomeUnder(
  policy: Policy,
  counters: ReplayedCounters,
  input: PolicyInput,
  call: RecordedCall,
): Outcome | undefined {
  const { code: wasCode, time: now } = call;
  const decision = policy.decide(input);
  // An answer that an absent root does not change is the answer whatever the root was: only an error hangs on it.
  if (decision.code === 'POLICY_ERROR' && lacksFlow(policy, input)) return undefined;
  const { code, rule } = decision;
  const said: Outcome = { effect: effectOf(decision), code, ...(rule !== undefined && { rule }) };
  if (decision.verdict === 'DENY') return said;
  const denied = decision.enforced === false ? 'deny, not enforced' : 'deny';
  const unbound = decision.obligations.find(
    (one): one is BindingObligation => one.type === 'binding' && lackingBinding(input, one) !== undefined,
  );
  if (unbound !== undefined) return { effect: denied, code: 'BINDING_REQUIRED', rule: unbound.rule };
  // What a gate could not do then, it is not taken to do now.
  const unmet = unmetCodes.has(wasCode) && decision.obligations.find(({ type }) => hangOnTheGate.has(type));
  if (unmet) return { effect: denied, code: wasCode, rule: unmet.rule };
  // Nobody is asked here: what would ask takes nothing, unless somebody was asked then and said yes.
  if (said.effect.startsWith('ask') && !wasAnswered(call)) return said;
  const exceeded = counters.take(decision.obligations, input, now);
  return exceeded === undefined ? said : { effect: denied, ...exceeded };
}

function wasAnswered(call: RecordedCall): boolean {
  return counterCodes.has(call.code) || (call.verdict === 'ALLOW' && recordedEffect(call) === 'ask');
}

const unmetCodes: ReadonlySet<string> = new Set(['WITNESS_UNAVAILABLE', 'OBLIGATION_UNMET']);
const hangOnTheGate: ReadonlySet<string> = new Set(['transform', 'witness', 'limit', 'redact', 'notify']);

function lacksFlow({ reads }: Policy, input: PolicyInput): boolean {
  return (
    (reads.has('history') && input.history === undefined) ||
    (reads.has('origins') && input.origins === undefined)
  );
}
