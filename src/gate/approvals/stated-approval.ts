import type { JsonObject } from '../../call/json.ts';
import type { ApprovalGrant, PendingApproval, StatedApproval } from './approval.ts';

/**
 * A used approval as an ALLOW states it: `{id, request, rule, from, count, by, requestedAt, expiresAt, grants}`. Who approved what
 * under which terms; of the arguments the salted digest alone.
 */
export function statedApproval({
  id,
  document,
  terms,
  requestedAt,
  expiresAt,
  grants,
}: PendingApproval): StatedApproval {
  return {
    id,
    request: { sha256: document.sha256, covers: document.covers },
    rule: terms.rule,
    from: [...terms.from],
    count: terms.count,
    by: terms.by,
    requestedAt: instant(requestedAt),
    expiresAt: instant(expiresAt),
    grants: grants.map(statedGrant),
  };
}

function statedGrant({ by, as, method, at, statement, assertion }: ApprovalGrant): JsonObject {
  return {
    by: by === 'operator' ? by : { ...by },
    as,
    method,
    at: instant(at),
    statement: { sha256: statement },
    ...(assertion && { assertion: { ...assertion } }),
  };
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
