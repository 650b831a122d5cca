import { canonicalJson } from '../../call/canonical-json.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { isUuid } from '../../call/uuid.ts';
import { CountersignError } from '../../errors.ts';
import {
  isSamePerson,
  type AnsweredBy,
  type ApprovalGrant,
  type ApprovalRefusal,
  type ApprovalTerms,
  type PasskeyAssertion,
  type PendingApproval,
  type Person,
} from './approval.ts';
import {
  choiceAt,
  corrupt,
  given,
  listAt,
  numberAt,
  objectWith,
  parsedHead,
  textAt,
} from './approval-fields.ts';

/**
 * A request is a head of the ledger, `approval/TENANT/ID`, until it is used or dropped; its value is the request as canonical
 * JSON. `approvals/TENANT` is another value whenever one is added: so that two gates that are asked for the same call at once
 * do not both make a request of it, and the number of them is bounded.
 */
export const approvalPrefix = 'approval/';

/** Characters of one head: eight grants with assertions of the largest sizes that are taken. */
const maxHeadLength = 128 * 1_024;

/** Requests of one tenant. Hashed, as a tenant's name may have any character. */
export function approvalsOf(tenant: string): string {
  return `${approvalPrefix}${tag(tenant)}/`;
}

export function approvalKey({ tenant, id }: Pick<PendingApproval, 'tenant' | 'id'>): string {
  return approvalsOf(tenant) + id;
}

export function additionsKey(tenant: string): string {
  return `approvals/${tag(tenant)}`;
}

export function isApprovalId(text: string): boolean {
  return idPattern.test(text);
}

/** @throws CountersignError `TOO_LARGE` when it could not be read again: one such head would stop all approvals of its tenant. */
export function encodeApproval(approval: PendingApproval): string {
  const text = encoded(approval);
  if (isReadable(approvalKey(approval), text)) return text;
  throw new CountersignError(
    'TOO_LARGE',
    'A request for approval cannot hold names or answers as long as these.',
  );
}

function isReadable(key: string, text: string): boolean {
  try {
    parseApproval(key, text);
    return true;
  } catch (error) {
    if (error instanceof CountersignError) return false;
    throw error;
  }
}

function encoded(approval: PendingApproval): string {
  const { agent, human, server, terms, document, grants, refusal, ...rest } = approval;
  return canonicalJson({
    ...rest,
    agent: { ...agent },
    ...(human && { human: { ...human } }),
    server: { ...server },
    terms: { ...terms, from: [...terms.from] },
    document: { ...document },
    grants: grants.map(encodeGrant),
    ...(refusal && { refusal: encodeGrant(refusal) }),
  });
}

/** @throws CountersignError `LEDGER_CORRUPT` for what is not exactly the text that a gate has set under this key. */
export function parseApproval(key: string, text: string): PendingApproval {
  const approval = readApproval(parsedHead(text, maxHeadLength));
  if (encoded(approval) !== text || approvalKey(approval) !== key) throw corrupt();
  return approval;
}

/** All requests among heads, the oldest first. */
export function parseApprovals(heads: ReadonlyMap<string, string>): readonly PendingApproval[] {
  return [...heads]
    .map(([key, text]) => parseApproval(key, text))
    .sort((one, other) => one.requestedAt - other.requestedAt || (one.id < other.id ? -1 : 1));
}

const idPattern = /^[a-z2-7]{16}$/;
const digestPattern = /^[0-9a-f]{64}$/;
const saltPattern = /^[\w+/]{22}==$/;
/** A server may give its tools any name. */
const namePattern = /^[^]{1,4096}$/;
const fromPattern = /^(?:operator|(?:role|group|subject):[^\p{Cc}]{1,256})$/u;
const base64Pattern = /^(?=.{4,2048}$)(?:[\w+/]{4})*(?:[\w+/]{2}==|[\w+/]{3}=)?$/;
const latest = 8_640_000_000_000_000;

function tag(tenant: string): string {
  return hex(sha256(utf8(tenant))).slice(0, 32);
}

function encodeGrant({ by, ...rest }: ApprovalGrant | ApprovalRefusal): JsonObject {
  const { assertion, ...told } = 'assertion' in rest ? rest : { ...rest, assertion: undefined };
  return {
    ...told,
    by: by === 'operator' ? by : { ...by },
    ...(assertion && { assertion: { ...assertion } }),
  };
}

function readApproval(value: Json): PendingApproval {
  const required = ['id', 'callId', 'tenant', 'agent', 'server', 'tool', 'policy', 'terms'];
  const more = ['requestedAt', 'expiresAt', 'document', 'grants'];
  const object = objectWith(value, [...required, ...more], ['human', 'definition', 'refusal']);
  const agent = objectWith(object['agent'], ['id', 'issuer']);
  const server = objectWith(object['server'], ['name', 'digest']);
  const document = objectWith(object['document'], ['sha256', 'salt', 'covers']);
  const callId = textAt(object, 'callId', namePattern);
  const terms = readTerms(object['terms']);
  const requestedAt = numberAt(object, 'requestedAt', 0, latest);
  const grants = listAt(object, 'grants', 8, readGrant);
  if (!isUuid(callId) || !areDistinct(grants)) throw corrupt();
  return {
    id: textAt(object, 'id', idPattern),
    callId,
    tenant: textAt(object, 'tenant', namePattern),
    agent: { id: textAt(agent, 'id', namePattern), issuer: textAt(agent, 'issuer', namePattern) },
    ...given(object, 'human', readPerson),
    server: { name: textAt(server, 'name', namePattern), digest: textAt(server, 'digest', digestPattern) },
    tool: textAt(object, 'tool', namePattern),
    ...given(object, 'definition', () => textAt(object, 'definition', digestPattern)),
    policy: textAt(object, 'policy', digestPattern),
    terms,
    requestedAt,
    expiresAt: numberAt(object, 'expiresAt', requestedAt + terms.within, requestedAt + terms.within),
    document: {
      sha256: textAt(document, 'sha256', digestPattern),
      salt: textAt(document, 'salt', saltPattern),
      covers: choiceAt(document, 'covers', ['arguments', 'params']),
    },
    grants,
    ...given(object, 'refusal', readRefusal),
  };
}

function readTerms(value: Json | undefined): ApprovalTerms {
  const terms = objectWith(value, ['rule', 'from', 'count', 'within', 'by']);
  return {
    rule: textAt(terms, 'rule', namePattern),
    from: listAt(terms, 'from', 64, (one) => textAt({ one }, 'one', fromPattern)),
    count: numberAt(terms, 'count', 1, 8),
    within: numberAt(terms, 'within', 1, 366 * 86_400_000),
    by: choiceAt(terms, 'by', ['any', 'passkey']),
  };
}

function readGrant(value: Json): ApprovalGrant {
  const grant = objectWith(value, ['by', 'as', 'method', 'at', 'statement'], ['assertion']);
  const { method, ...answer } = readAnswer(grant);
  if ((method === 'passkey') !== Object.hasOwn(grant, 'assertion')) throw corrupt();
  return {
    ...answer,
    as: textAt(grant, 'as', fromPattern),
    method,
    ...given(grant, 'assertion', readAssertion),
  };
}

function readRefusal(value: Json): ApprovalRefusal {
  return readAnswer(objectWith(value, ['by', 'method', 'at', 'statement']));
}

function readAnswer(answer: JsonObject): ApprovalRefusal {
  const by = readBy(answer['by']);
  const method = choiceAt(answer, 'method', ['terminal', 'token', 'passkey']);
  if ((by === 'operator') !== (method === 'terminal')) throw corrupt();
  return {
    by,
    method,
    at: numberAt(answer, 'at', 0, latest),
    statement: textAt(answer, 'statement', digestPattern),
  };
}

function readBy(value: Json | undefined): AnsweredBy {
  return value === 'operator' ? value : readPerson(value);
}

function readPerson(value: Json | undefined): Person {
  const person = objectWith(value, ['issuer', 'subject']);
  return { issuer: textAt(person, 'issuer', namePattern), subject: textAt(person, 'subject', namePattern) };
}

/** @throws CountersignError `LEDGER_CORRUPT` */
export function readAssertion(value: Json): PasskeyAssertion {
  const parts = ['credentialId', 'publicKey', 'authenticatorData', 'clientDataJson', 'signature'] as const;
  const assertion = objectWith(value, ['rpId', ...parts]);
  const [credentialId, publicKey, authenticatorData, clientDataJson, signature] = parts.map((part) =>
    textAt(assertion, part, base64Pattern),
  ) as [string, string, string, string, string];
  const rpId = textAt(assertion, 'rpId', /^[a-z0-9.-]{1,253}$/);
  return { credentialId, publicKey, rpId, authenticatorData, clientDataJson, signature };
}

function areDistinct(grants: readonly ApprovalGrant[]): boolean {
  return grants.every(({ by }, at) => grants.findIndex((other) => isSamePerson(other.by, by)) === at);
}
