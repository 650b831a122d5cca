import type { Call, ToolStanding } from '../../call/call.ts';
import { canonicalJson } from '../../call/canonical-json.ts';
import { randomBytes } from '../../call/random.ts';
import { fromBase64, hex } from '../../call/sha256.ts';
import type { Principal } from '../../identity/principal.ts';
import type { EntryDraft, HeadExpectation, Ledger } from '../../ledger/ledger.ts';
import type { ApprovalObligation } from '../../policy/obligation.ts';
import {
  maxOpenRequests,
  stateOf,
  type ApprovalTerms,
  type PendingApproval,
  type StatedApproval,
} from './approval.ts';
import { additionsKey, approvalKey, approvalsOf, encodeApproval, parseApprovals } from './approval-heads.ts';
import { whoMay } from './approvers.ts';
import { askedCall, findRequest, newRequest, type AskedCall } from './open-requests.ts';
import { statedApproval } from './stated-approval.ts';

export interface ApprovalQuestion {
  /** As it would run. */
  readonly call: Call;
  readonly principal: Principal;
  readonly standing: ToolStanding;
  readonly obligations: readonly ApprovalObligation[];
  /** Hex. */
  readonly policyDigest: string;
  /** Wall milliseconds. */
  readonly now: number;
}

/** What the verdict's commit expects and sets: that is what makes an approval count once. */
interface Heads {
  readonly expects: readonly HeadExpectation[];
  readonly sets: EntryDraft['sets'];
}

/** Opens the digest of one approval's request document, for whoever holds the call. */
export interface ApprovalSalt {
  readonly id: string;
  /** 16 bytes. */
  readonly salt: Uint8Array;
}

export type ApprovalsMet = Heads & {
  readonly met: true;
  /** For the ALLOW, under `approvals`. */
  readonly stated: readonly StatedApproval[];
  readonly salts: readonly ApprovalSalt[];
};

export type ApprovalsUnmet = Heads & {
  readonly met: false;
  readonly code: 'APPROVAL_REQUIRED' | 'APPROVAL_REFUSED' | 'TOO_MANY_OPEN';
  /** For the agent’s model, and for the person who reads over its shoulder. */
  readonly message: string;
  /** What waits, or was refused. */
  readonly approvals: readonly {
    readonly id: string;
    readonly from: readonly string[];
    /** Wall milliseconds. */
    readonly expiresAt: number;
  }[];
};

/**
 * Whether exactly this call was approved as each obligation demands. An ALLOW's commit uses the approvals up; a DENY's makes the
 * requests that are missing. Whoever loses the race for a head asks again.
 *
 * @throws CountersignError `LEDGER_CORRUPT` when a request cannot be read, `TOO_LARGE` for names that no request can hold.
 */
export async function checkApprovals(
  ledger: Pick<Ledger, 'heads' | 'headsUnder'>,
  { call, principal, standing, obligations, policyDigest, now }: ApprovalQuestion,
): Promise<ApprovalsMet | ApprovalsUnmet> {
  const { tenant } = principal;
  // In this order: a request that is added in between moves what was read first.
  const additions = (await ledger.heads([additionsKey(tenant)])).get(additionsKey(tenant)) ?? null;
  const heads = await ledger.headsUnder(approvalsOf(tenant));
  const open = parseApprovals(heads);
  const asked = askedCall(call, principal, standing, policyDigest);
  const demanded = distinct(obligations).map((terms) => ({
    terms,
    request: findRequest(open, asked, terms, now),
  }));
  const found = demanded.flatMap(({ request }) => (request === undefined ? [] : [request]));
  const expects = found.map((request) => expectation(heads, request));

  const refused = found.filter((request) => stateOf(request, now) === 'refused');
  if (refused.length > 0) return unmet('APPROVAL_REFUSED', refused, { expects, sets: [] });
  if (found.length === demanded.length && found.every((request) => stateOf(request, now) === 'approved'))
    return used(found, expects);

  const missing = demanded.filter(({ request }) => request === undefined).map(({ terms }) => terms);
  const waiting = found.filter((request) => stateOf(request, now) === 'pending');
  if (missing.length === 0) return unmet('APPROVAL_REQUIRED', waiting, { expects, sets: [] });
  return adding({
    asked,
    open,
    missing,
    waiting,
    now,
    expects: [...expects, { key: additionsKey(tenant), value: additions }],
  });
}

function used(found: readonly PendingApproval[], expects: Heads['expects']): ApprovalsMet {
  return {
    met: true,
    stated: found.map(statedApproval),
    salts: found.map(({ id, document }) => ({ id, salt: fromBase64(document.salt) ?? new Uint8Array() })),
    expects,
    sets: found.map((request) => ({ key: approvalKey(request), value: null })),
  };
}

interface Adding {
  readonly asked: AskedCall;
  readonly open: readonly PendingApproval[];
  readonly missing: readonly ApprovalTerms[];
  readonly waiting: readonly PendingApproval[];
  readonly now: number;
  readonly expects: Heads['expects'];
}

/** Makes the requests that are missing, and drops those that have expired: they make room, and nothing else does. */
function adding({ asked, open, missing, waiting, now, expects }: Adding): ApprovalsUnmet {
  const expired = open.filter((request) => stateOf(request, now) === 'expired');
  const live = open.filter((request) => stateOf(request, now) !== 'expired');
  const own = live.filter(({ agent }) => agent.id === asked.bound.agent.id);
  const hasRoom =
    live.length + missing.length <= maxOpenRequests.tenant &&
    own.length + missing.length <= maxOpenRequests.agent;
  const dropped = expired.map((request) => ({ key: approvalKey(request), value: null }));
  if (!hasRoom) return unmet('TOO_MANY_OPEN', [], { expects: [], sets: [] });
  const made = missing.map((terms) => newRequest(asked, terms, now));
  return unmet('APPROVAL_REQUIRED', [...waiting, ...made], {
    expects,
    sets: [
      ...dropped,
      ...made.map((request) => ({ key: approvalKey(request), value: encodeApproval(request) })),
      // Random, so that no value ever comes again.
      { key: additionsKey(asked.bound.tenant), value: hex(randomBytes(16)) },
    ],
  });
}

function expectation(heads: ReadonlyMap<string, string>, request: PendingApproval): HeadExpectation {
  const key = approvalKey(request);
  return { key, value: heads.get(key) ?? null };
}

/** Two rules that demand the same of the same people in one rule’s name are one demand. */
function distinct(obligations: readonly ApprovalObligation[]): readonly ApprovalTerms[] {
  const byText = obligations.map(({ rule, from, count, within, by }): [string, ApprovalTerms] => [
    canonicalJson([rule, [...from], count, within, by]),
    { rule, from, count, within, by },
  ]);
  return [...new Map(byText).values()];
}

function unmet(
  code: ApprovalsUnmet['code'],
  requests: readonly PendingApproval[],
  heads: Heads,
): ApprovalsUnmet {
  return {
    met: false,
    code,
    message: messageOf(code, requests),
    approvals: requests.map(({ id, terms, expiresAt }) => ({ id, from: terms.from, expiresAt })),
    ...heads,
  };
}

function messageOf(code: ApprovalsUnmet['code'], requests: readonly PendingApproval[]): string {
  const until = requests
    .map(({ expiresAt }) => expiresAt)
    .reduce((one, other) => Math.min(one, other), Infinity);
  switch (code) {
    case 'APPROVAL_REFUSED':
      return `This call was asked for and refused (${requests.map(({ id }) => id).join(', ')}). It can be asked for again after ${instant(requests)}.`;
    case 'TOO_MANY_OPEN':
      return 'Too many calls wait for approval. Have some of them answered first: countersign approve --list';
    case 'APPROVAL_REQUIRED':
      return `This call has to be approved first. ${requests.map(askFor).join(' ')} Then make the same call again, before ${new Date(until).toISOString()}.`;
  }
}

function askFor({ id, terms }: PendingApproval): string {
  return terms.from.includes('operator')
    ? `Ask ${whoMay(terms)}: countersign approve ${id}`
    : `Ask ${whoMay(terms)} to answer the request ${id} at the gateway (POST /v1/approvals/${id}).`;
}

/** When the last of them is forgotten. */
function instant(requests: readonly PendingApproval[]): string {
  return new Date(Math.max(...requests.map(({ expiresAt }) => expiresAt))).toISOString();
}
