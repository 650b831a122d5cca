import { afterAllow, emptyHistory, historyRoot, type History } from '../../src/policy/flow/history.ts';
import { createSeen } from '../../src/policy/flow/seen.ts';
import type { Decision, Policy, PolicyInput, Tool, ToolLabel } from '../../src/policy/policy.ts';
import { replayedCounters } from '../../src/runtime/policy/replayed-counters.ts';
import type { ReplayedCall } from './data.ts';

/** What became of a call: `approval` is neither of the others. */
export type Answer = 'allowed' | 'approval' | 'denied';

export interface Replay {
  /** Decides a call as a gate does, and remembers what it let in. What needs approval is taken to be approved where `approves` says so. */
  decideCall(call: ReplayedCall, approves: boolean): Answer;
  /** What somebody else wrote is in the output of a call that ran. */
  plant(call: ReplayedCall, text: string): void;
}

const start = Date.UTC(2026, 0, 5, 9);
const step = 1_000;

/** One task for one person, from an empty history. A suite is a server. */
export function replay(policy: Policy, suite: string, request: string): Replay {
  const seen = createSeen();
  const counters = replayedCounters();
  let history: History = emptyHistory;
  let now = start;

  function inputOf(tool: Tool, call: ReplayedCall): PolicyInput {
    return {
      ...principal,
      tool: { server: tool.server, name: tool.name, accepted: true, listed: true },
      args: call.args,
      request: { text: request, signed: true },
      history: historyRoot(history, now),
      origins: seen.originsOf(call.args, request, policy.constants),
      now: new Date(now).toISOString(),
    };
  }

  function letIn(tool: Tool, call: ReplayedCall): void {
    const label = policy.labelOf(tool);
    history = afterAllow(history, tool, label, now);
    seen.remember(tool, label, { content: [{ type: 'text', text: call.result }] });
  }

  return {
    decideCall(call, approves) {
      const tool = { server: suite, name: call.tool };
      now += step;
      const input = inputOf(tool, call);
      const decision = policy.decide(input);
      const answer = answerOf(decision);
      if (decision.verdict === 'DENY') return answer;
      const { obligations } = decision;
      // Whoever could approve it is not asked about what there is no more of.
      if (counters.lacking(obligations, input, now) !== undefined) return 'denied';
      if (answer === 'approval' && !approves) return answer;
      counters.take(obligations, input, now);
      letIn(tool, call);
      return answer;
    },
    plant(call, text) {
      seen.remember({ server: suite, name: call.tool }, strangers, { content: [{ type: 'text', text }] });
    },
  };
}

const strangers: ToolLabel = { trusted: false, sensitive: false, format: 'text', fields: [] };

const principal = {
  agent: { id: 'spiffe://example.org/assistant', issuer: 'https://ca.example.org', binding: 'mtls' },
  human: {
    issuer: 'https://login.example.org',
    subject: 'person',
    tenant: 'example.org',
    roles: ['member'],
    binding: 'dpop',
  },
  session: { id: 'replay', tenant: 'example.org', mode: 'same-user' },
} as const satisfies Partial<PolicyInput>;

function answerOf(decision: Decision): Answer {
  if (decision.verdict === 'DENY') return 'denied';
  return decision.obligations.some(({ type }) => type === 'approval') ? 'approval' : 'allowed';
}
