import type { Call, ToolStanding } from '../../../src/call/call.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import { utf8 } from '../../../src/call/sha256.ts';
import { uuidv7 } from '../../../src/call/uuid.ts';
import { answerApproval, type ApprovalAnswer } from '../../../src/gate/approvals/answer.ts';
import type { Approver } from '../../../src/gate/approvals/approvers.ts';
import { checkApprovals, type ApprovalQuestion } from '../../../src/gate/approvals/check.ts';
import { changeRecorder } from '../../../src/gate/record-change.ts';
import { verifiedPrincipal, type Human, type Principal } from '../../../src/identity/principal.ts';
import type { ApprovalObligation } from '../../../src/policy/obligation.ts';
import { harness } from '../harness.ts';

export const minute = 60_000;
export const startedAt = Date.now();

export const byOperator: ApprovalObligation = {
  type: 'approval',
  rule: 'pay',
  from: ['operator'],
  count: 1,
  within: 15 * minute,
  by: 'any',
};
export const byLead: ApprovalObligation = { ...byOperator, from: ['role:ot.lead', 'subject:eve'] };

export const standing: ToolStanding = {
  kind: 'listed',
  definition: { sha256: 'a'.repeat(64), accepted: true, declaredProperties: ['to', 'amount'] },
};

export function human(subject: string, more: Partial<Human> = {}): Human {
  return {
    issuer: 'https://idp.example.org',
    subject,
    tenant: 'default',
    roles: [],
    binding: 'none',
    ...more,
  };
}

export function principalOf(more: { agent?: string; human?: Human; tenant?: string } = {}): Principal {
  const { agent = 'planner', tenant = 'default' } = more;
  const observed = { source: 'test', verified: true, observedAt: '2026-01-01T00:00:00Z' };
  return verifiedPrincipal({
    tenant,
    apiKeyId: `key-of-${agent}`,
    agent: {
      ...observed,
      value: { id: `spiffe://example.org/agent/${agent}`, issuer: 'example.org', binding: 'none' },
    },
    ...(more.human && { human: { ...observed, value: more.human } }),
  });
}

export function callOf(args: JsonObject = { to: 'ada', amount: 10 }, more: JsonObject = {}): Call {
  const params = utf8(JSON.stringify({ name: 'pay', arguments: args, ...more }));
  return {
    id: uuidv7(Date.now()),
    server: { name: 'bank', digest: 'd'.repeat(64) },
    kind: 'tool',
    tool: 'pay',
    params,
    arguments: args,
    payload: params,
    era: 'modern',
  };
}

export const lead = (subject = 'lea', more: Partial<Approver> = {}): Approver => ({
  issuer: 'https://idp.example.org',
  subject,
  tenant: 'default',
  roles: ['ot.lead'],
  agent: 'spiffe://example.org/agent/approvals',
  ...more,
});

/** A ledger, and a gate reduced to what it does with approvals: it checks, and commits what the check says. */
export async function world() {
  const { ledger, parts, clock } = await harness();
  const record = changeRecorder(parts, 'same-user');
  const question = (more: Partial<ApprovalQuestion> = {}): ApprovalQuestion => ({
    call: callOf(),
    principal: principalOf({ human: human('ada') }),
    standing,
    obligations: [byOperator],
    policyDigest: 'b'.repeat(64),
    now: parts.clock.now(),
    ...more,
  });
  const check = (more: Partial<ApprovalQuestion> = {}) => checkApprovals(ledger, question(more));
  const commit = ({ expects, sets }: Awaited<ReturnType<typeof check>>) =>
    record({ change: { kind: 'test' }, expects, sets });
  return {
    ledger,
    parts,
    clock,
    check,
    commit,
    /** Decides a call: what was checked is committed. */
    async decide(more: Partial<ApprovalQuestion> = {}) {
      const checked = await check(more);
      await commit(checked);
      return checked;
    },
    /** Asks for a call that nobody has approved yet; its request's id. */
    async ask(more: Partial<ApprovalQuestion> = {}): Promise<string> {
      const checked = await check(more);
      if (checked.met) throw new Error('it was approved already');
      await commit(checked);
      return checked.approvals[0]?.id ?? '';
    },
    answer: (id: string, answer: ApprovalAnswer) => answerApproval(parts, id, answer),
    approve: (id: string) =>
      answerApproval(parts, id, { verdict: 'approve', by: 'operator', method: 'terminal' }),
    as: (id: string, by: Approver, verdict: 'approve' | 'deny' = 'approve') =>
      answerApproval(parts, id, { verdict, by, method: 'token' }),
    /** Statements of a kind in the log, newest last. */
    async statements(kind: string) {
      const { size = 0 } = (await ledger.checkpoint()) ?? {};
      const entries = await ledger.entries(0, size);
      return entries
        .filter((entry) => entry.kind === kind)
        .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as Statement);
    },
  };
}

export interface Statement {
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicate: JsonObject;
}
