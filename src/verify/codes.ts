/** Why the verifier refuses: one code a check, stable, for machines. */
export const verifyCodes = [
  // the input's form
  'TOO_LARGE',
  'INPUT_MALFORMED',
  'BUNDLE_MALFORMED',
  'BUNDLE_UNKNOWN_FIELD',
  'BUNDLE_VERSION',
  'PAYLOAD_TYPE',
  'SIGNATURE_COUNT',
  // who signed
  'CERTIFICATE_MALFORMED',
  'CERTIFICATE_CHAIN',
  'CERTIFICATE_PROFILE',
  'CERTIFICATE_IDENTITY',
  'CERTIFICATE_EXPIRED',
  'SCT_INVALID',
  'SIGNATURE_INVALID',
  // when
  'TIMESTAMP_MISSING',
  'TIMESTAMP_INVALID',
  'TIME_CONTRADICTION',
  // where in which log
  'LOG_ENTRY_MISSING',
  'LOG_ENTRY_KIND',
  'LOG_INDEX_MISMATCH',
  'LOG_UNKNOWN',
  'LEAF_MISMATCH',
  'INCLUSION_INVALID',
  'CHECKPOINT_INVALID',
  'COSIGNATURE_INVALID',
  'TREE_MISMATCH',
  // keys that somebody else may hold
  'KEY_COMPROMISED',
  // what it says
  'STATEMENT_MALFORMED',
  'SUBJECT_MISMATCH',
  'PAIR_MISMATCH',
  'UNBOUND',
  'APPROVAL_MISSING',
  'APPROVAL_INVALID',
  'EXPECTATION_FAILED',
  'ASSURANCE_TOO_LOW',
] as const;

export type VerifyCode = (typeof verifyCodes)[number];

/** One failed check. */
export interface Failure {
  readonly code: VerifyCode;
  /** Where: a path into the input (`verificationMaterial.tlogEntries[0].logIndex`) or the part that was checked. */
  readonly field: string;
  /** A sentence for people. Holds nothing of a call's plaintext. */
  readonly message: string;
}

/** Leaves a check that failed. Never leaves this room: the top functions turn it into a `Failure`. */
export class CheckFailed extends Error {
  readonly failure: Failure;

  constructor(code: VerifyCode, field: string, message: string) {
    super(message);
    this.failure = { code, field, message };
  }
}

/** Ends the check that is running, with its reason. */
export function fail(code: VerifyCode, field: string, message: string): never {
  throw new CheckFailed(code, field, message);
}

/**
 * Runs one check and keeps what it found wrong, so that a refusal names every check that failed and not just the first.
 * Undefined when the check failed: what depends on its result is skipped, which never turns a refusal into a pass.
 */
export async function attempt<T>(failures: Failure[], check: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await check();
  } catch (thrown) {
    if (!(thrown instanceof CheckFailed)) throw thrown;
    failures.push(thrown.failure);
    return undefined;
  }
}
