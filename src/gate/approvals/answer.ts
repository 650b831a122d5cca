import { isJsonObject, type Json } from '../../call/json.ts';
import { hex } from '../../call/sha256.ts';
import { approval as approvalStatement } from '../../envelope/statements.ts';
import { CountersignError } from '../../errors.ts';
import type { EntryDraft, Ledger } from '../../ledger/ledger.ts';
import { notarise } from '../notary.ts';
import type { NotaryParts } from '../parts.ts';
import {
  isSamePerson,
  stateOf,
  type ApprovalState,
  type PasskeyAssertion,
  type PendingApproval,
} from './approval.ts';
import {
  approvalPrefix,
  approvalsOf,
  encodeApproval,
  isApprovalId,
  parseApproval,
  readAssertion,
} from './approval-heads.ts';
import { fitOf, operatorFit, unknown, type Approver } from './approvers.ts';

export type AnsweringParts = NotaryParts & { readonly mode: 'same-user' | 'isolated' };

/** What somebody says to a request. */
export type ApprovalAnswer = { readonly verdict: 'approve' | 'deny' } & (
  | { readonly by: 'operator'; readonly method: 'terminal' }
  | { readonly by: Approver; readonly method: 'token' }
  /** Whoever passes an assertion has verified it, against a key that is known to be this person's. */
  | {
      readonly by: Approver;
      readonly method: 'passkey';
      readonly assertion: PasskeyAssertion;
      /** What else the answer depends on and moves: that the key is still registered, its counter. */
      readonly heads?: Pick<EntryDraft, 'expects' | 'sets'>;
    }
);

export interface Answered {
  readonly approval: PendingApproval;
  readonly state: ApprovalState;
  /** False when as much was said before: then nothing was logged. */
  readonly isNew: boolean;
}

const attempts = 8;

/**
 * Takes an answer: signed, logged, and in force at once. A deny ends the request, also one that was approved and is not used yet.
 *
 * @throws CountersignError `NOT_FOUND` for a request that is not there, has expired or may not be known; `APPROVER_REFUSED` for whoever
 * must not approve it; `APPROVAL_REFUSED` when it was denied before.
 */
export async function answerApproval(
  parts: AnsweringParts,
  id: string,
  answer: ApprovalAnswer,
): Promise<Answered> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await answerOnce(parts, id, answer);
    } catch (error) {
      const lostRace = error instanceof CountersignError && error.code === 'LEDGER_CONFLICT';
      if (!lostRace || attempt === attempts) throw error;
    }
  }
}

async function answerOnce(parts: AnsweringParts, id: string, answer: ApprovalAnswer): Promise<Answered> {
  const now = parts.clock.now();
  const { key, value, approval } = await requestOf(parts.ledger, id, answer.by);
  if (stateOf(approval, now) === 'expired') throw unknown();
  const as =
    answer.by === 'operator' ? fitOfOperator(approval, answer) : fitOfPerson(approval, answer.by, answer);
  if (saysNothingNew(approval, answer, now)) return { approval, state: stateOf(approval, now), isNew: false };
  const { signed, next } = await signedAnswer(parts, approval, answer, as, now);
  const { expects = [], sets = [] } = (answer.method === 'passkey' && answer.heads) || {};
  const draft: EntryDraft = {
    signed,
    time: now,
    expects: [{ key, value }, ...expects],
    sets: [{ key, value: encodeApproval(next) }, ...sets],
    side: [],
  };
  await parts.ledger.append(draft);
  return { approval: next, state: stateOf(next, now), isNew: true };
}

/** A request by its id: among those of the person's tenant, or of all for whoever runs commands on the home. */
async function requestOf(ledger: Pick<Ledger, 'headsUnder'>, id: string, by: ApprovalAnswer['by']) {
  if (!isApprovalId(id)) throw unknown();
  const heads = await ledger.headsUnder(by === 'operator' ? approvalPrefix : approvalsOf(by.tenant));
  const [key, value] = [...heads].find(([each]) => each.endsWith(`/${id}`)) ?? [];
  if (key === undefined || value === undefined) throw unknown();
  return { key, value, approval: parseApproval(key, value) };
}

/** Whoever could revoke everything may also refuse one call. */
function fitOfOperator(approval: PendingApproval, { verdict }: ApprovalAnswer): string {
  return verdict === 'deny' ? 'operator' : operatorFit(approval);
}

/** To say no, a token is enough also where a yes takes a passkey. */
function fitOfPerson(approval: PendingApproval, by: Approver, { verdict, method }: ApprovalAnswer): string {
  return fitOf(approval, by, verdict === 'deny' ? 'passkey' : method);
}

function saysNothingNew(approval: PendingApproval, { verdict, by }: ApprovalAnswer, now: number): boolean {
  const state = stateOf(approval, now);
  if (verdict === 'deny') return state === 'refused';
  if (state === 'refused')
    throw new CountersignError('APPROVAL_REFUSED', 'It was refused before, and stays so until it expires.');
  return state === 'approved' || approval.grants.some((grant) => isSamePerson(grant.by, by));
}

async function signedAnswer(
  parts: AnsweringParts,
  approval: PendingApproval,
  answer: ApprovalAnswer,
  as: string,
  now: number,
) {
  const { verdict, method } = answer;
  const by = answer.by === 'operator' ? answer.by : { issuer: answer.by.issuer, subject: answer.by.subject };
  const assertion = answer.method === 'passkey' ? wellFormed(answer.assertion) : undefined;
  const { id, document, requestedAt, expiresAt, callId, tenant, server, tool, terms, policy } = approval;
  const statement = approvalStatement({
    id,
    request: document.sha256,
    answer: verdict,
    by,
    ...(verdict === 'approve' && { as }),
    method,
    ...(assertion && { assertion: { ...assertion } }),
    answeredAt: now,
    requestedAt,
    expiresAt,
    callId,
    tenant,
    tool: { server: server.name, name: tool },
    rule: terms.rule,
    policy,
    mode: parts.mode,
  });
  const { signed } = await notarise(parts, 'approval', statement, now);
  const said = { by, method, at: now, statement: hex(signed.paeSha256) };
  const next: PendingApproval =
    verdict === 'deny'
      ? { ...approval, refusal: said }
      : { ...approval, grants: [...approval.grants, { ...said, as, ...(assertion && { assertion }) }] };
  return { signed, next };
}

function wellFormed(assertion: PasskeyAssertion): PasskeyAssertion {
  const value: Json = { ...assertion };
  try {
    if (isJsonObject(value)) return readAssertion(value);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
  }
  throw new CountersignError(
    'APPROVER_REFUSED',
    'What the passkey signed is incomplete, or longer than any is.',
  );
}
