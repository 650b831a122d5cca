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
  // policy
  'RULE_DENIES',
  'NO_RULE_ALLOWS',
  'DENIALS_OVER_QUOTA',
  'POLICY_ERROR',
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
  'REQUEST_ID_IN_FLIGHT',
  'CALL_WITHOUT_ID',
  'TOO_LARGE',
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
