import type { Call } from '../../call/call.ts';
import type { CallResult, Gate, Gates } from '../../gate/gate.ts';
import type { ReasonCode } from '../../names.ts';
import type { Execution, Target } from '../../targets/target.ts';

/** What is told of calls, from the outside: no argument, no result, no name of a caller's making. */
export interface GateObserver {
  /** A call has come. The function that is returned is called once it is answered. */
  began(): () => void;
  /** Seconds from the call's coming until it was dispatched, or refused. */
  decided(server: string, verdict: 'ALLOW' | 'DENY', code: ReasonCode | 'RULE_ALLOWS', seconds: number): void;
  /** Seconds that the target took; absent where it is not the target that says how the call ended. */
  ended(server: string, outcome: ObservedOutcome, code: ReasonCode | 'OK', seconds?: number): void;
}

export type ObservedOutcome = 'executed' | 'failed' | 'aborted' | 'unknown' | 'pending' | 'unrecorded';

/** The same gates, watched. They behave alike, whatever the observer does not want to know. */
export function observedGates(gates: Gates, observer: GateObserver): Gates {
  /** Servers of calls that their callers carry out, until they have said how it went. */
  const delegated = new Map<string, string>();
  const report = reportObserved(gates.report, delegated, observer);
  return {
    ...gates,
    report,
    under: (directory) => ({ ...observedGate(gates.under(directory), delegated, observer), report }),
  };
}

function reportObserved(
  report: Gates['report'],
  delegated: Map<string, string>,
  observer: GateObserver,
): Gates['report'] {
  return async (callId, handle, credentials, said) => {
    const reported = await report(callId, handle, credentials, said);
    const server = delegated.get(callId);
    delegated.delete(callId);
    if (server !== undefined)
      observer.ended(
        server,
        reported.kind === 'unrecorded' ? 'unrecorded' : said.outcome,
        said.reason?.code ?? 'OK',
      );
    return reported;
  };
}

function observedGate(gate: Gate, delegated: Map<string, string>, observer: GateObserver): Gate {
  /** Servers of calls whose outcome comes later. */
  const pending = new Map<string, string>();
  return {
    ...gate,
    async delegate(call, credentials, terms, signal) {
      const done = observer.began();
      const came = performance.now();
      try {
        const result = await gate.delegate(call, credentials, terms, signal);
        const seconds = (performance.now() - came) / 1_000;
        const server = call.server.name;
        if (result.kind === 'denied') observer.decided(server, 'DENY', result.denial.code, seconds);
        else {
          observer.decided(server, 'ALLOW', 'RULE_ALLOWS', seconds);
          remember(delegated, call.id, server);
        }
        return result;
      } finally {
        done();
      }
    },
    async run(call, credentials, target, signal) {
      const done = observer.began();
      try {
        const watch = watched(call, target, observer);
        const result = await gate.run(call, credentials, watch.target, signal);
        watch.tell(result);
        if (isPending(result)) remember(pending, call.id, call.server.name);
        return result;
      } finally {
        done();
      }
    },
    async settleLater(callId, execution) {
      const settled = await gate.settleLater(callId, execution);
      const server = pending.get(callId);
      pending.delete(callId);
      if (server === undefined) return settled;
      const came = 'denial' in settled ? execution : settled.execution;
      observer.ended(server, 'denial' in settled ? 'unrecorded' : outcomeOf(came), codeOf(came));
      return settled;
    },
  };
}

/** Calls that are waited for, at most: a caller may never come back, and what is counted must not cost memory for ever. */
const maxRemembered = 16_384;

function remember(calls: Map<string, string>, callId: string, server: string): void {
  calls.set(callId, server);
  const [oldest = ''] = calls.keys();
  if (calls.size > maxRemembered) calls.delete(oldest);
}

interface Watched {
  readonly target: Target;
  /** Tells what the call came to, once that is known. */
  tell(result: CallResult): void;
}

/** The moment at which the gate turns to the target is where deciding ends. */
function watched(call: Call, target: Target, observer: GateObserver): Watched {
  const server = call.server.name;
  const came = performance.now();
  let dispatched: number | undefined;
  let answered: number | undefined;
  return {
    target: {
      async execute(permit, signal) {
        dispatched = performance.now();
        try {
          return await target.execute(permit, signal);
        } finally {
          answered = performance.now();
        }
      },
    },
    tell(result) {
      const deciding = ((dispatched ?? performance.now()) - came) / 1_000;
      if (result.kind === 'denied') {
        observer.decided(server, 'DENY', result.denial.code, deciding);
        return;
      }
      observer.decided(server, 'ALLOW', 'RULE_ALLOWS', deciding);
      const seconds =
        dispatched === undefined || answered === undefined ? undefined : (answered - dispatched) / 1_000;
      if (result.kind === 'unrecorded') observer.ended(server, 'unrecorded', result.denial.code, seconds);
      else observer.ended(server, outcomeOf(result.execution), codeOf(result.execution), seconds);
    },
  };
}

function isPending(result: CallResult): boolean {
  return result.kind === 'done' && result.execution.kind === 'result' && result.execution.pending;
}

function outcomeOf(execution: Execution): ObservedOutcome {
  switch (execution.kind) {
    case 'result':
      return execution.pending ? 'pending' : 'executed';
    case 'error':
      return 'failed';
    case 'none':
      return execution.outcome;
  }
}

function codeOf(execution: Execution): ReasonCode | 'OK' {
  return execution.kind === 'none' ? execution.code : 'OK';
}
