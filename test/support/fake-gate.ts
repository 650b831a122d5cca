import type { Call } from '../../src/call/call.ts';
import { mintPermit } from '../../src/call/permit.ts';
import { CountersignError } from '../../src/errors.ts';
import type { CallEnvelopes, Denial, Gate } from '../../src/gate/gate.ts';
import type { Execution } from '../../src/targets/target.ts';

export interface FakeGate extends Gate {
  readonly calls: readonly Call[];
  /** Every outcome, by call id. */
  readonly outcomes: ReadonlyMap<string, Execution>;
  readonly isClosed: boolean;
}

export interface FakeGateOptions {
  /** Awaited before the call is executed; a denial denies it. */
  readonly decide?: (call: Call) => Denial | undefined | void | Promise<Denial | undefined | void>;
}

const openings = { params: 'AA==', action: 'AA==', arguments: {} };

/** A gate that signs and records nothing: for tests of what is around the gate. */
export function createFakeGate({ decide }: FakeGateOptions = {}): FakeGate {
  const calls: Call[] = [];
  const outcomes = new Map<string, Execution>();
  let isClosed = false;
  const envelopes = (callId: string): CallEnvelopes => ({
    verdict: `{"verdictOf":"${callId}"}`,
    outcome: `{"outcomeOf":"${callId}"}`,
    openings,
  });

  return {
    calls,
    outcomes,
    get isClosed() {
      return isClosed;
    },
    authenticate: () => Promise.reject(new CountersignError('INTERNAL', 'This gate knows nobody.')),
    watch: () => new AbortController().signal,
    async run(call, _credentials, target, signal) {
      calls.push(call);
      const denial = decide && (await decide(call));
      if (denial) return { kind: 'denied', denial, envelopes: { verdict: '{"verdict":"DENY"}', openings } };
      const permit = mintPermit({
        call,
        dispatchBefore: { monotonic: performance.now() + 5_000, wall: Date.now() + 5_000 },
        leaseEnds: Date.now() + 60_000,
      });
      const execution = await target.execute(permit, signal);
      const { outcome, ...verdictOnly } = envelopes(call.id);
      if (execution.kind === 'result' && execution.pending)
        return { kind: 'done', execution, envelopes: verdictOnly };
      outcomes.set(call.id, execution);
      return { kind: 'done', execution, envelopes: { ...verdictOnly, ...(outcome && { outcome }) } };
    },
    delegate: () => Promise.reject(new CountersignError('INTERNAL', 'This gate delegates nothing.')),
    report: () => Promise.reject(new CountersignError('INTERNAL', 'This gate delegates nothing.')),
    async settleLater(callId, execution) {
      if (outcomes.has(callId))
        return { denial: { code: 'PERMIT_INVALID', message: 'Settled.', retryable: false } };
      outcomes.set(callId, execution);
      return { execution, outcome: `{"outcomeOf":"${callId}"}`, openings };
    },
    meetServer: () => Promise.resolve(),
    async close() {
      isClosed = true;
    },
  };
}
