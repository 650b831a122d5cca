import type { JsonObject } from '../../call/json.ts';
import { stateOf, type ApprovalRefusal, type PendingApproval } from './approval.ts';

/** A request as people and machines are told of it. What its arguments are stands beside it. */
export function shownApproval(approval: PendingApproval, now: number): JsonObject {
  const { id, callId, tenant, agent, human, server, tool, terms, policy, document, grants, refusal } =
    approval;
  return {
    id,
    state: stateOf(approval, now),
    callId,
    tenant,
    tool: { server: server.name, name: tool },
    agent: { ...agent },
    ...(human && { human: { ...human } }),
    rule: terms.rule,
    policy,
    from: [...terms.from],
    count: terms.count,
    by: terms.by,
    requestedAt: instant(approval.requestedAt),
    expiresAt: instant(approval.expiresAt),
    request: { sha256: document.sha256, covers: document.covers },
    grants: grants.map((grant) => ({ ...shownAnswer(grant), as: grant.as })),
    ...(refusal && { refusal: shownAnswer(refusal) }),
  };
}

function shownAnswer({ by, method, at, statement }: ApprovalRefusal): JsonObject {
  return {
    by: by === 'operator' ? by : { ...by },
    method,
    at: instant(at),
    statement: { sha256: statement },
  };
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
