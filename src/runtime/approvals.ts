import { CountersignError } from '../errors.ts';
import { answerApproval, type Answered } from '../gate/approvals/answer.ts';
import { stateOf, type PendingApproval } from '../gate/approvals/approval.ts';
import { operatorFit, whoMay } from '../gate/approvals/approvers.ts';
import { reviewContent, type CallFinding } from '../gate/approvals/findings.ts';
import { approvalById, contentOfApproval, openApprovals } from '../gate/approvals/open-approvals.ts';
import type { ApprovedContent } from '../gate/approvals/request-document.ts';
import { shownApproval } from '../gate/approvals/shown-approval.ts';
import type { OpenedHome } from './home/with-home.ts';

export { shownApproval, stateOf, whoMay };
export type { Answered, ApprovedContent, CallFinding, PendingApproval };

/** A request, and what would run. */
export interface AskedApproval {
  readonly approval: PendingApproval;
  /** Absent where its plaintext is not kept. */
  readonly content?: ApprovedContent;
  readonly findings: readonly CallFinding[];
}

/** Every request of this home that has not expired, the oldest first. */
export function approvalsOfHome({ ledger }: OpenedHome, now: number): Promise<readonly PendingApproval[]> {
  return openApprovals(ledger, now);
}

/** One of them with its call; NOT_FOUND when it is not there. */
export async function approvalOfHome(
  { ledger }: OpenedHome,
  id: string,
  now: number,
): Promise<AskedApproval> {
  const approval = approvalById(await openApprovals(ledger, now), id);
  const content = await contentOfApproval(ledger, approval);
  return { approval, ...(content && { content }), findings: content ? reviewContent(content) : [] };
}

/** APPROVER_REFUSED for a request that takes more than running a command on the home, APPROVAL_REFUSED for one that was refused. */
export function assertOperatorMayApprove(approval: PendingApproval): void {
  operatorFit(approval);
  if (approval.refusal !== undefined)
    throw new CountersignError('APPROVAL_REFUSED', 'It was refused before, and stays so until it expires.');
}

/** An operator's word has no other proof than that they can run commands on the home. */
export function answerInHome(
  { answering }: OpenedHome,
  id: string,
  verdict: 'approve' | 'deny',
): Promise<Answered> {
  return answerApproval(answering, id, { verdict, by: 'operator', method: 'terminal' });
}
