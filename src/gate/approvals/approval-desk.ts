import type { JsonObject } from '../../call/json.ts';
import type { Principal } from '../../identity/principal.ts';
import { answerApproval, type AnsweringParts } from './answer.ts';
import { approverOf } from './approvers.ts';
import { reviewContent } from './findings.ts';
import { approvalById, approvalsFor, contentOfApproval } from './open-approvals.ts';
import { shownApproval } from './shown-approval.ts';

/**
 * Where persons answer who prove who they are. Each method rejects with APPROVER_REFUSED for whoever is no person, and with
 * NOT_FOUND for a request that they may not answer, as if it were not there.
 */
export interface ApprovalDesk {
  list(principal: Principal): Promise<readonly JsonObject[]>;
  /** With `content`, what would run: null where its plaintext is not kept. */
  show(principal: Principal, id: string): Promise<JsonObject>;
  answer(principal: Principal, id: string, verdict: 'approve' | 'deny'): Promise<JsonObject>;
}

export function createApprovalDesk(parts: AnsweringParts): ApprovalDesk {
  const { ledger, clock } = parts;
  return {
    async list(principal) {
      const now = clock.now();
      const approvals = await approvalsFor(ledger, approverOf(principal), now);
      return approvals.map((approval) => shownApproval(approval, now));
    },
    async show(principal, id) {
      const now = clock.now();
      const approval = approvalById(await approvalsFor(ledger, approverOf(principal), now), id);
      const content = await contentOfApproval(ledger, approval);
      return {
        ...shownApproval(approval, now),
        content: content === undefined ? null : { ...content },
        findings: content === undefined ? [] : reviewContent(content).map((finding) => ({ ...finding })),
      };
    },
    async answer(principal, id, verdict) {
      const by = approverOf(principal);
      const { approval, isNew } = await answerApproval(parts, id, { verdict, by, method: 'token' });
      return { ...shownApproval(approval, clock.now()), new: isNew };
    },
  };
}
