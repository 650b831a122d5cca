import type { CallOptions, GateClient, ToolCall } from '../../src/client/gate-client.ts';
import { localGate } from '../../src/client/local-gate.ts';
import { createCallDesk } from '../../src/gate/call-desk.ts';
import { createGates } from '../../src/gate/create-gate.ts';
import { changeRecorder } from '../../src/gate/record-change.ts';
import type { Decision, Policy, PolicyInput } from '../../src/policy/policy.ts';
import { allowEverything, harness } from '../gate/harness.ts';

/** A statement of the log, as far as tests look. */
export interface Logged {
  readonly kind: string;
  readonly predicate: Readonly<Record<string, unknown>>;
}

/** A real gate in this process: its log is in memory, everything else is what runs elsewhere. */
export interface World {
  readonly gate: GateClient;
  readonly apiKey: string;
  /** What every call was asked about with, in order. */
  readonly asked: readonly { readonly call: ToolCall; readonly options: CallOptions }[];
  /** Verdicts and outcomes, in the log's order. */
  readonly logged: () => Promise<readonly Logged[]>;
  readonly close: () => Promise<void>;
}

export interface WorldOptions {
  readonly decide?: (input: PolicyInput) => Decision;
  /** A whole one, in place of `decide`. */
  readonly policy?: Policy;
}

/** Tokens of people are taken note of and not passed on: no issuer is believed here. */
export async function openWorld({ decide = allowEverything, policy }: WorldOptions = {}): Promise<World> {
  const { parts: made, ledger, apiKey } = await harness({ decide });
  const parts = policy === undefined ? made : { ...made, policy };
  const gates = createGates(parts);
  const desk = createCallDesk({ gates, ledger, recordChange: changeRecorder(parts, 'same-user') });
  const local = localGate({ desk, apiKey });
  const asked: { call: ToolCall; options: CallOptions }[] = [];
  return {
    apiKey,
    asked,
    gate: {
      ...local,
      decide(call, options = {}) {
        asked.push({ call, options });
        return local.decide(call, nameless(options));
      },
      report: (callId, permit, said, options = {}) => local.report(callId, permit, said, nameless(options)),
    },
    async logged() {
      const entries = await ledger.entries(0, 1_000);
      return entries
        .filter(({ kind }) => ['allow', 'deny', 'outcome'].includes(kind))
        .map(({ kind, payload }) => {
          const statement = JSON.parse(Buffer.from(payload).toString()) as Pick<Logged, 'predicate'>;
          return { kind, predicate: statement.predicate };
        });
    },
    close: () => gates.close(),
  };
}

function nameless({ signal }: CallOptions): CallOptions {
  return signal ? { signal } : {};
}
