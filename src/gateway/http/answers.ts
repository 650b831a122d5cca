import { concatBytes, utf8 } from '../../call/bytes.ts';
import type { CallEnvelopes, CallResult, Denial } from '../../gate/gate.ts';
import type { ReasonCode } from '../../names.ts';
import { challengeOf } from './challenges.ts';
import {
  denialMember,
  denialOfExecution,
  envelopeMember,
  objectOf,
  type MetaMember,
} from '../meta-members.ts';

/** An HTTP answer before it is one: JSON, byte for byte. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What a call came to, with its envelopes beside the result. The result's bytes are those that were committed to.
 *
 * - 200 `{callId, result, _meta}`
 * - 502 `{callId, error, _meta}`: the service said no; `error` is its status and body
 * - 4xx, 5xx `{callId, _meta}`: denied, or nobody can tell whether it ran; the reason is in `_meta`
 */
export function callAnswer(callId: string, result: CallResult): HttpAnswer {
  if (result.kind !== 'done') return denialAnswer(callId, result.denial, result.envelopes);
  const { execution, envelopes } = result;
  switch (execution.kind) {
    case 'result':
      return answer(200, callId, { name: 'result', bytes: execution.result }, [envelopeMember(envelopes)]);
    case 'error':
      return answer(502, callId, { name: 'error', bytes: execution.error }, [envelopeMember(envelopes)]);
    case 'none':
      return denialAnswer(callId, denialOfExecution(execution), envelopes);
  }
}

/** A refusal that is about no call: nobody was authenticated, or nothing could be read. */
export function refusalAnswer(code: ReasonCode, message: string): HttpAnswer {
  const { status, headers } = statusOf(code);
  return {
    status,
    headers: { ...json, ...headers, [reasonHeader]: code },
    body: utf8(JSON.stringify({ error: { code, message } })),
  };
}

function denialAnswer(callId: string, denial: Denial, envelopes: CallEnvelopes | undefined): HttpAnswer {
  const { status, headers } = statusOf(denial.code);
  const members = [denialMember(denial), ...(envelopes ? [envelopeMember(envelopes)] : [])];
  const { body } = answer(status, callId, undefined, members);
  return { status, headers: { ...json, ...headers, [reasonHeader]: denial.code }, body };
}

function answer(
  status: number,
  callId: string,
  content: { readonly name: string; readonly bytes: Uint8Array } | undefined,
  meta: readonly MetaMember[],
): HttpAnswer {
  const told = content === undefined ? [] : [utf8(`"${content.name}":`), content.bytes, utf8(',')];
  return {
    status,
    headers: json,
    body: concatBytes(utf8(`{"callId":"${callId}",`), ...told, utf8(`"_meta":${objectOf(meta)}}`)),
  };
}

/** The reason code of an answer that is no success: for whoever sees no bodies, such as a proxy's log and our own counters. */
export const reasonHeader = 'countersign-reason';

const json = { 'content-type': 'application/json', 'cache-control': 'no-store' };

interface Status {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const unauthenticated = challenged('API_KEY_UNKNOWN');
const forbidden: Status = { status: 403 };
const unavailable: Status = { status: 503, headers: { 'retry-after': '1' } };

/** Every code that is not listed is ours to mend: 500. */
const statuses: Readonly<Partial<Record<ReasonCode, Status>>> = {
  API_KEY_MISSING: challenged('API_KEY_MISSING'),
  API_KEY_MALFORMED: unauthenticated,
  API_KEY_UNKNOWN: unauthenticated,
  API_KEY_EXPIRED: unauthenticated,
  API_KEY_REVOKED: unauthenticated,
  RULE_DENIES: forbidden,
  NO_RULE_ALLOWS: forbidden,
  APPROVAL_REQUIRED: forbidden,
  APPROVAL_REFUSED: forbidden,
  APPROVER_REFUSED: forbidden,
  CONFIRMATION_REQUIRED: forbidden,
  BINDING_REQUIRED: forbidden,
  OBLIGATION_UNMET: forbidden,
  RATE_EXCEEDED: { status: 429 },
  BUDGET_EXCEEDED: { status: 429 },
  POLICY_ERROR: forbidden,
  TOOL_UNKNOWN: forbidden,
  TOOL_CHANGED: forbidden,
  SERVER_CHANGED: forbidden,
  LEASE_ENDED: forbidden,
  KEY_NETWORK_REFUSED: forbidden,
  HUMAN_TENANT_REFUSED: forbidden,
  DEVICE_TENANT_REFUSED: forbidden,
  AGENT_TENANT_REFUSED: forbidden,
  CERTIFICATE_MALFORMED: forbidden,
  CERTIFICATE_UNTRUSTED: forbidden,
  CERTIFICATE_EXPIRED: forbidden,
  AGENT_REFUSED: forbidden,
  AGENT_PROOF_MISSING: forbidden,
  AGENTS_DIFFER: forbidden,
  ACTOR_REFUSED: forbidden,
  KEY_TOOL_REFUSED: forbidden,
  DELEGATION_TOOL_REFUSED: forbidden,
  GRANT_MISSING: forbidden,
  GRANT_INVALID: forbidden,
  GRANT_EXPIRED: forbidden,
  GRANT_FOREIGN: forbidden,
  GRANT_TOOL_REFUSED: forbidden,
  GRANT_CONDITION_REFUSED: forbidden,
  AGENT_REVOKED: forbidden,
  DEVICE_REVOKED: forbidden,
  TOOL_REVOKED: forbidden,
  EVERYTHING_REVOKED: forbidden,
  HUMAN_REVOKED: unauthenticated,
  SESSION_REVOKED: unauthenticated,
  HUMAN_MISSING: forbidden,
  DEVICE_MISSING: forbidden,
  NETWORK_MISSING: forbidden,
  DENIALS_OVER_QUOTA: { status: 429, headers: { 'retry-after': '60' } },
  KEY_OVER_LIMIT: { status: 429, headers: { 'retry-after': '1' } },
  REQUEST_TIMEOUT: { status: 408 },
  ARGUMENTS_AMBIGUOUS: { status: 400 },
  ARGUMENTS_INVALID: { status: 400 },
  FRAME_INVALID: { status: 400 },
  HEADER_MISMATCH: { status: 400 },
  NOT_FOUND: { status: 404 },
  CALL_ID_REUSED: { status: 409 },
  CALL_ID_KNOWN: { status: 409 },
  HANDLE_USED: { status: 409 },
  HANDLE_EXPIRED: { status: 410 },
  HANDLE_INVALID: forbidden,
  HANDLE_FOREIGN: forbidden,
  SUBJECT_FOREIGN: forbidden,
  TOO_MANY_OPEN: { status: 429, headers: { 'retry-after': '1' } },
  TOO_LARGE: { status: 413 },
  UPSTREAM_GONE: { status: 502 },
  UPSTREAM_INVALID: { status: 502 },
  UPSTREAM_TOKEN_REFUSED: { status: 502 },
  RESULT_TOO_LARGE: { status: 502 },
  JOIN_TOKEN_UNKNOWN: unauthenticated,
  JOIN_TOKEN_USED: unauthenticated,
  JOIN_TOKEN_EXPIRED: unauthenticated,
  CERTIFICATE_REQUEST_INVALID: { status: 400 },
  REVOCATIONS_UNREADABLE: unavailable,
  CALLER_CANCELLED: { status: 499 },
  API_KEY_STORE_UNREADABLE: unavailable,
  LEDGER_LOCKED: unavailable,
  LEDGER_CONFLICT: unavailable,
  LEDGER_UNAVAILABLE: unavailable,
  GATE_CLOSED: unavailable,
  GATE_BUSY: unavailable,
  CLOCK_BEHIND: unavailable,
  PERMIT_EXPIRED: unavailable,
  WITNESS_UNAVAILABLE: unavailable,
};

function challenged(code: ReasonCode): Status {
  return { status: 401, headers: { 'www-authenticate': challengeOf(code) } };
}

/** The status and headers of a refusal. */
export function statusOf(code: ReasonCode): Status {
  return statuses[code] ?? statusOfToken(code) ?? { status: 500 };
}

/** A client that is told 401 brings a person's token anew, or its own; a device is what it is. */
function statusOfToken(code: ReasonCode): Status | undefined {
  const [, holder, fault] = /^(HUMAN|AGENT|DEVICE|EVENT)_TOKEN_(.*)$/.exec(code) ?? [];
  if (fault === 'KEYS_UNAVAILABLE') return unavailable;
  switch (holder) {
    case 'HUMAN':
    case 'AGENT':
      return challenged(code);
    case 'DEVICE':
      return forbidden;
    case 'EVENT':
      return { status: 400 };
    default:
      return undefined;
  }
}

export function toResponse({ status, headers, body }: HttpAnswer): Response {
  return new Response(new Uint8Array(body), { status, headers });
}
