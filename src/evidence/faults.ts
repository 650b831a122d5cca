import type { VerifyCode } from '../verify/codes.ts';

/** What an audit finds beside the refusals of single envelopes: one code a check, stable, for machines. */
export const auditCodes = [
  // the tree
  'FILE_MISSING',
  'FILE_MALFORMED',
  'ROOT_MISMATCH',
  'TILE_MISMATCH',
  'LOG_FORKED',
  'LOG_SHORTER',
  'LOG_KEY_EXPIRED',
  'GENESIS_WRONG',
  'PREDECESSOR_FORKED',
  'ENTRY_DUPLICATE',
  'KEY_UNANNOUNCED',
  // sessions
  'SESSION_MISSING',
  'SESSION_NOT_OPENED',
  'SESSION_GAP',
  'SESSION_DUPLICATE',
  'SESSION_LINK_BROKEN',
  'SESSION_COUNT_WRONG',
  'SESSION_REOPENED',
  'SESSION_AFTER_CLOSE',
  // calls
  'CALL_DUPLICATE',
  'OUTCOME_WITHOUT_ALLOW',
  'OUTCOME_DUPLICATE',
  'OUTCOME_BEFORE_VERDICT',
  'OUTCOME_MISSING',
  'LEASE_EXCEEDED',
  'VERDICT_ROOT_WRONG',
  // approvals
  'APPROVAL_UNFOUNDED',
  'APPROVAL_REUSED',
  // time
  'LOG_TIME_BACKWARDS',
] as const;

export type AuditCode = (typeof auditCodes)[number];

export interface Fault {
  readonly code: AuditCode | VerifyCode;
  /** The entry that shows it. */
  readonly index?: number;
  readonly callId?: string;
  readonly session?: string;
  /** A sentence for people. Holds nothing of a call's plaintext. */
  readonly message: string;
}

/** Faults as they are found: all are counted, the first of them are kept. */
export interface Faults {
  add(fault: Fault): void;
  readonly kept: readonly Fault[];
  readonly counts: ReadonlyMap<Fault['code'], number>;
}

/** A log that is wrong all over must not fill the memory of who looks at it. */
export const maxKept = 1_000;

export function collectFaults(): Faults {
  const kept: Fault[] = [];
  const counts = new Map<Fault['code'], number>();
  return {
    kept,
    counts,
    add(fault) {
      counts.set(fault.code, (counts.get(fault.code) ?? 0) + 1);
      if (kept.length < maxKept) kept.push(fault);
    },
  };
}
