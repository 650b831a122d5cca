/** Every public identifier, written once. */

/** in-toto predicate types of the statements. The type alone tells a stock verifier the verdict. */
export const predicateTypes = {
  allow: 'https://countersign.dev/allow/v1',
  deny: 'https://countersign.dev/deny/v1',
  shadow: 'https://countersign.dev/shadow/v1',
  outcome: 'https://countersign.dev/outcome/v1',
  sessionOpen: 'https://countersign.dev/session-open/v1',
  sessionClose: 'https://countersign.dev/session-close/v1',
  logOpen: 'https://countersign.dev/log-open/v1',
  change: 'https://countersign.dev/change/v1',
  refusals: 'https://countersign.dev/refusals/v1',
  keyEvent: 'https://countersign.dev/key-event/v1',
} as const;

export type StatementKind = keyof typeof predicateTypes;

/** MCP `_meta` keys. Every key of an upstream that starts with `metaPrefix` is renamed. */
export const metaPrefix = 'dev.countersign/';
export const metaKeys = {
  envelope: 'dev.countersign/envelope',
  denial: 'dev.countersign/denial',
  permit: 'dev.countersign/permit',
} as const;

/** What an auditor's own file says that it is. */
export const auditStateType = 'https://countersign.dev/audit-state/v1';

export const inTotoStatementType = 'https://in-toto.io/Statement/v1';
export const dssePayloadType = 'application/vnd.in-toto+json';

/** Why a call was allowed. */
export const allowCodes = ['RULE_ALLOWS'] as const;

/** Why a call, a frame or a start was refused: stable, for machines. */
export const reasonCodes = [
  // identity
  'API_KEY_MISSING',
  'API_KEY_MALFORMED',
  'API_KEY_UNKNOWN',
  'API_KEY_EXPIRED',
  'API_KEY_REVOKED',
  'API_KEY_STORE_UNREADABLE',
  'KEY_NETWORK_REFUSED',
  // what came with a genuine key and did not hold: one family a kind of token, see identity/tokens/token-fault.ts
  'HUMAN_TOKEN_MALFORMED',
  'HUMAN_TOKEN_HEADER_REFUSED',
  'HUMAN_TOKEN_TYPE_REFUSED',
  'HUMAN_TOKEN_ALGORITHM_REFUSED',
  'HUMAN_TOKEN_ISSUER_UNKNOWN',
  'HUMAN_TOKEN_KEY_UNKNOWN',
  'HUMAN_TOKEN_KEYS_UNAVAILABLE',
  'HUMAN_TOKEN_SIGNATURE_INVALID',
  'HUMAN_TOKEN_CLAIMS_INVALID',
  'HUMAN_TOKEN_AUDIENCE_REFUSED',
  'HUMAN_TOKEN_EXPIRED',
  'HUMAN_TOKEN_NOT_YET_VALID',
  'HUMAN_TOKEN_UNBOUND',
  'HUMAN_TOKEN_SUBJECT_REFUSED',
  'HUMAN_TOKEN_PROOF_INVALID',
  'HUMAN_TOKEN_PROOF_REPLAYED',
  'HUMAN_TENANT_REFUSED',
  'AGENT_TOKEN_MALFORMED',
  'AGENT_TOKEN_HEADER_REFUSED',
  'AGENT_TOKEN_TYPE_REFUSED',
  'AGENT_TOKEN_ALGORITHM_REFUSED',
  'AGENT_TOKEN_ISSUER_UNKNOWN',
  'AGENT_TOKEN_KEY_UNKNOWN',
  'AGENT_TOKEN_KEYS_UNAVAILABLE',
  'AGENT_TOKEN_SIGNATURE_INVALID',
  'AGENT_TOKEN_CLAIMS_INVALID',
  'AGENT_TOKEN_AUDIENCE_REFUSED',
  'AGENT_TOKEN_EXPIRED',
  'AGENT_TOKEN_NOT_YET_VALID',
  'AGENT_TOKEN_UNBOUND',
  'AGENT_TOKEN_SUBJECT_REFUSED',
  'AGENT_TOKEN_PROOF_INVALID',
  'AGENT_TOKEN_PROOF_REPLAYED',
  'AGENT_TENANT_REFUSED',
  'DEVICE_TOKEN_MALFORMED',
  'DEVICE_TOKEN_HEADER_REFUSED',
  'DEVICE_TOKEN_TYPE_REFUSED',
  'DEVICE_TOKEN_ALGORITHM_REFUSED',
  'DEVICE_TOKEN_ISSUER_UNKNOWN',
  'DEVICE_TOKEN_KEY_UNKNOWN',
  'DEVICE_TOKEN_KEYS_UNAVAILABLE',
  'DEVICE_TOKEN_SIGNATURE_INVALID',
  'DEVICE_TOKEN_CLAIMS_INVALID',
  'DEVICE_TOKEN_AUDIENCE_REFUSED',
  'DEVICE_TOKEN_EXPIRED',
  'DEVICE_TOKEN_NOT_YET_VALID',
  'DEVICE_TOKEN_UNBOUND',
  'DEVICE_TOKEN_SUBJECT_REFUSED',
  'DEVICE_TOKEN_PROOF_INVALID',
  'DEVICE_TOKEN_PROOF_REPLAYED',
  'DEVICE_TENANT_REFUSED',
  'EVENT_TOKEN_MALFORMED',
  'EVENT_TOKEN_HEADER_REFUSED',
  'EVENT_TOKEN_TYPE_REFUSED',
  'EVENT_TOKEN_ALGORITHM_REFUSED',
  'EVENT_TOKEN_ISSUER_UNKNOWN',
  'EVENT_TOKEN_KEY_UNKNOWN',
  'EVENT_TOKEN_KEYS_UNAVAILABLE',
  'EVENT_TOKEN_SIGNATURE_INVALID',
  'EVENT_TOKEN_CLAIMS_INVALID',
  'EVENT_TOKEN_AUDIENCE_REFUSED',
  'EVENT_TOKEN_EXPIRED',
  'EVENT_TOKEN_NOT_YET_VALID',
  'EVENT_TOKEN_UNBOUND',
  'EVENT_TOKEN_SUBJECT_REFUSED',
  'EVENT_TOKEN_PROOF_INVALID',
  'EVENT_TOKEN_PROOF_REPLAYED',
  // certificates of agents and devices
  'CERTIFICATE_MALFORMED',
  'CERTIFICATE_UNTRUSTED',
  'CERTIFICATE_EXPIRED',
  // what several credentials say together
  'AGENT_REFUSED',
  'AGENT_PROOF_MISSING',
  'AGENTS_DIFFER',
  'ACTOR_REFUSED',
  'KEY_TOOL_REFUSED',
  'DELEGATION_TOOL_REFUSED',
  // what was taken back
  'AGENT_REVOKED',
  'HUMAN_REVOKED',
  'SESSION_REVOKED',
  'DEVICE_REVOKED',
  'TOOL_REVOKED',
  'EVERYTHING_REVOKED',
  'REVOCATIONS_UNREADABLE',
  // enrolment
  'JOIN_TOKEN_UNKNOWN',
  'JOIN_TOKEN_USED',
  'JOIN_TOKEN_EXPIRED',
  'CERTIFICATE_REQUEST_INVALID',
  // acting for a person
  'LOGIN_MISSING',
  'LOGIN_FAILED',
  'UPSTREAM_TOKEN_REFUSED',
  // policy
  'RULE_DENIES',
  'NO_RULE_ALLOWS',
  'DENIALS_OVER_QUOTA',
  'POLICY_ERROR',
  'HUMAN_MISSING',
  'DEVICE_MISSING',
  'NETWORK_MISSING',
  'POLICY_INVALID',
  'POLICY_UNREADABLE',
  // tools and servers
  'TOOL_UNKNOWN',
  'TOOL_CHANGED',
  'SERVER_CHANGED',
  // wire
  'FRAME_INVALID',
  'MESSAGE_AMBIGUOUS',
  'ARGUMENTS_AMBIGUOUS',
  'ARGUMENTS_INVALID',
  'METHOD_NOT_RELAYED',
  'HEADER_MISMATCH',
  'REQUEST_ID_IN_FLIGHT',
  'CALL_WITHOUT_ID',
  'TOO_LARGE',
  // pressure
  'GATE_BUSY',
  'KEY_OVER_LIMIT',
  'REQUEST_TIMEOUT',
  // keys and clock
  'CLOCK_BEHIND',
  'CERTIFICATE_NOT_VALID',
  'SIGNING_FAILED',
  'SEALING_FAILED',
  'KEY_LOCKED',
  'KEY_ROTATED',
  // witnesses
  'WITNESS_UNAVAILABLE',
  'WITNESS_COPIED',
  'WITNESS_STATE_UNUSABLE',
  // ledger
  'LEDGER_CONFLICT',
  'LEDGER_LOCKED',
  'LEDGER_FULL',
  'LEDGER_READ_ONLY',
  'LEDGER_CORRUPT',
  'LEDGER_MISSING',
  'LEDGER_COPIED',
  'LEDGER_ROLLED_BACK',
  'LEDGER_UNSAFE',
  'LEDGER_UNAVAILABLE',
  // exports
  'LOG_FORKED',
  'EXPORT_FOREIGN',
  'EXPORT_DAMAGED',
  'EXPORT_UNREADABLE',
  // execution
  'PERMIT_INVALID',
  'PERMIT_EXPIRED',
  'UPSTREAM_GONE',
  'UPSTREAM_INVALID',
  'CALLER_CANCELLED',
  'LEASE_ENDED',
  'GATE_DIED',
  'OUTCOME_UNRECORDED',
  'GATE_CLOSED',
  // permits that the caller itself carries out
  'CALL_ID_REUSED',
  'CALL_ID_KNOWN',
  'TOO_MANY_OPEN',
  'HANDLE_INVALID',
  'HANDLE_FOREIGN',
  'HANDLE_EXPIRED',
  'HANDLE_USED',
  'OUTCOME_UNREPORTED',
  'SUBJECT_FOREIGN',
  'GATE_UNREACHABLE',
  'GATE_ANSWER_INVALID',
  // home and configuration
  'HOME_MISSING',
  'HOME_EXISTS',
  'HOME_INVALID',
  'HOME_IN_USE',
  'CONFIG_INVALID',
  'NOT_FOUND',
  'PLAINTEXT_MISSING',
  'USAGE',
  'INTERNAL',
] as const;

export type ReasonCode = (typeof reasonCodes)[number];
export type AllowCode = (typeof allowCodes)[number];
