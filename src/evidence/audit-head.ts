import { fromUtf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import type { ParsedCheckpoint } from '../tlog/checkpoint.ts';
import { signatureTypes } from '../tlog/vkey.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import { ed25519Raw } from '../verify/crypto.ts';
import { periodAcrossKeys } from '../verify/trust.ts';
import type { Log, Trust } from '../verify/trust.ts';

/** A tree head, and the log of the trust root whose key signed it. */
export interface SignedHead {
  readonly checkpoint: ParsedCheckpoint;
  /** The note, as it was read. */
  readonly text: string;
  readonly log: Log;
}

/** The keys of a trust root's logs, as signed notes name them. */
export function logKeysOf(trust: Trust): readonly VerifierKey[] {
  return trust.transparencyLogs.map(keyOf);
}

/** The head that the bytes are, if a log of the trust root signed it; CONFIG_INVALID says which input it is not. */
export function openHead(bytes: Uint8Array, trust: Trust, name: string): SignedHead {
  const text = fromUtf8(bytes) ?? '';
  // Two keys sign the head with which one takes over from the other; the next one stands behind in the trust root.
  for (const log of trust.transparencyLogs.toReversed()) {
    const checkpoint = openCheckpoint(text, keyOf(log));
    if (checkpoint !== undefined) return { checkpoint, text, log };
  }
  throw new CountersignError(
    'CONFIG_INVALID',
    `${name} is no checkpoint that a log of the trust root signed.`,
  );
}

/**
 * The log as its entries see it. Its key may have been changed since the older ones were stamped: then they are of the time
 * of another key with the same name. Periods that leave a gap are not joined over it.
 */
export function acrossKeys({ log }: SignedHead, trust: Trust): Log {
  return { ...log, validFor: periodAcrossKeys(log, trust) };
}

function keyOf(log: Log): VerifierKey {
  return { name: log.origin, type: signatureTypes.ed25519, publicKey: ed25519Raw(log.key) };
}
