import { canonicalJson } from '../call/canonical-json.ts';
import type { Json } from '../call/json.ts';
import type { ApprovalFacts, GrantFacts } from '../verify/approval-facts.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import { objectOr } from './object-or.ts';
import { digestSet } from './digest-set.ts';
import { passkeyOfAnswer, passkeyOfChange } from './audit-passkeys.ts';
import type { Faults } from './faults.ts';

/** What the next audit has to know of approvals: sets of digests, 16 bytes each. */
export interface ApprovalMemory {
  /** Answers that said yes, and passkeys that were registered. */
  readonly given: Uint8Array;
  /** Requests that were refused, passkeys that were revoked, and those that were used. */
  readonly refused: Uint8Array;
  readonly used: Uint8Array;
  /** That what was given before the audit began is not known: nobody is held to it. */
  readonly isBlind?: boolean;
}

/**
 * Follows who approved what: each approval that an ALLOW states was given before it, was not taken back, and is used once; a passkey that
 * gave one was registered as that person's.
 */
export interface ApprovalAudit {
  see(entry: VerifiedEntry): void;
  memory(): ApprovalMemory;
}

export interface ApprovalAuditOptions {
  readonly memory?: ApprovalMemory | undefined;
  /** The first entry that is replayed; with no memory of those before it, whether something was given is not judged. */
  readonly from: number;
}

export function followApprovals(faults: Faults, { memory, from }: ApprovalAuditOptions): ApprovalAudit {
  const given = digestSet(memory?.given);
  const refused = digestSet(memory?.refused);
  const used = digestSet(memory?.used);
  const isBlind = memory === undefined ? from > 0 : memory.isBlind === true;

  const seeChange = ({ statement: { predicate } }: VerifiedEntry): void => {
    const { kind, passkey } = passkeyOfChange(predicate) ?? {};
    if (passkey === undefined) return;
    if (kind === 'approver-added') given.add(passkey);
    else refused.add(passkey);
  };

  const seePasskey = ({ statement: { predicate }, place: { index } }: VerifiedEntry): void => {
    const passkey = passkeyOfAnswer(predicate);
    const isRegistered = passkey !== undefined && (isBlind || given.has(passkey)) && !refused.has(passkey);
    if (isRegistered) return;
    const message =
      'The log does not show before it that this passkey was registered as this person’s, or shows that it was revoked.';
    faults.add({ code: 'APPROVAL_UNFOUNDED', index, message });
  };

  const seeAnswer = (entry: VerifiedEntry): void => {
    const { sha256 } = entry;
    const { predicate, subject } = entry.statement;
    const { id, answer, by, method } = predicate;
    if (method === 'passkey') seePasskey(entry);
    if (typeof id !== 'string') return;
    if (answer === 'deny') refused.add(id);
    if (answer !== 'approve') return;
    given.add(answerText(sha256, id, subject[0]?.sha256 ?? '', by ?? null, method ?? null));
  };

  const seeUse = (approval: ApprovalFacts, index: number, callId: string): void => {
    const { id, request, grants } = approval;
    const wasGiven = ({ statement, by, method }: GrantFacts): boolean =>
      given.has(answerText(statement, id, request.sha256, by === 'operator' ? by : { ...by }, method));
    if (used.has(id))
      faults.add({ code: 'APPROVAL_REUSED', index, callId, message: 'An approval is used a second time.' });
    if (refused.has(id) || (!isBlind && !grants.every(wasGiven))) {
      const message =
        'The log does not show before it that somebody approved this call, or it shows a refusal.';
      faults.add({ code: 'APPROVAL_UNFOUNDED', index, callId, message });
    }
    used.add(id);
  };

  return {
    see(entry) {
      const { facts, statement, place } = entry;
      if (statement.kind === 'change') seeChange(entry);
      if (statement.kind === 'approval') seeAnswer(entry);
      if (facts?.kind !== 'allow') return;
      for (const approval of facts.approvals?.given ?? []) seeUse(approval, place.index, facts.callId);
    },
    memory: () => ({
      ...{ given: given.toBytes(), refused: refused.toBytes(), used: used.toBytes() },
      ...(isBlind && { isBlind }),
    }),
  };
}

/** Everything of an answer that a verdict repeats. */
function answerText(sha256: string, id: string, request: string, by: Json, method: Json): string {
  const { issuer, subject } = objectOr(by);
  return canonicalJson([
    sha256,
    id,
    request,
    by === 'operator' ? by : [issuer ?? null, subject ?? null],
    method,
  ]);
}
