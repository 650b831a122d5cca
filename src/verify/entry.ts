import { equalBytes, fromBase64, fromUtf8 } from '../call/sha256.ts';
import { attempt, fail } from './codes.ts';
import { verifyParts } from './envelope.ts';
import type { Refused, SignedParts, Verified, VerifyOptions } from './envelope.ts';
import { leafOf } from './leaf.ts';
import { limits } from './limits.ts';
import type { Place } from './log-entry.ts';
import type { Trust } from './trust.ts';

/** An entry as an exported log holds it: what the tree was made of, and what the tree does not hold. */
export interface LoggedEntry {
  /** The Merkle leaf. It carries signature and signing certificate. */
  readonly leaf: Uint8Array;
  /** The statement's bytes. */
  readonly payload: Uint8Array;
  /** `TimeStampResp`, DER. */
  readonly timestamp: Uint8Array;
}

export type VerifiedEntry = Omit<Verified, 'bundleVersion'>;

/**
 * Every check of `verifyEnvelope` for an entry whose place the caller has shown by recomputing the tree from its leaves. The
 * leaf must be, byte for byte, the one that statement, signature and certificate imply.
 */
export async function verifyEntry(
  entry: LoggedEntry,
  place: Place,
  trust: Trust,
  options: VerifyOptions = {},
): Promise<VerifiedEntry | Refused> {
  const tooLarge = [
    ['payload', entry.payload, limits.bundle],
    ['timestamp', entry.timestamp, limits.timestamp],
  ] as const;
  for (const [field, bytes, most] of tooLarge) {
    if (bytes.length > most) {
      return refused('TOO_LARGE', field, `This may have at most ${most} bytes.`);
    }
  }
  const signed = readLeaf(entry.leaf);
  if (signed === undefined) {
    return refused('LOG_ENTRY_KIND', 'leaf', 'The leaf is no hashedrekord 0.0.2 with a certificate.');
  }
  const parts: SignedParts = {
    ...signed,
    issuer: undefined,
    payload: entry.payload,
    timestamp: entry.timestamp.length === 0 ? undefined : entry.timestamp,
  };
  return verifyParts(parts, trust, options, async (signedBytes, failures) =>
    attempt(failures, () => {
      if (equalBytes(leafOf(signedBytes, parts), entry.leaf)) return place;
      return fail('LEAF_MISMATCH', 'leaf', 'The logged leaf is not about this statement.');
    }),
  );
}

function refused(code: Refused['failures'][number]['code'], field: string, message: string): Refused {
  return { ok: false, failures: [{ code, field, message }] };
}

const text = '"([A-Za-z0-9+/]+={0,2})"';
const signaturePattern = new RegExp(
  `"signature":\\{"content":${text},"verifier":\\{"keyDetails":"PKIX_ECDSA_P256_SHA_256",` +
    `"x509Certificate":\\{"rawBytes":${text}\\}\\}\\}`,
);

/** Finds signature and certificate; that the leaf says nothing else is shown by building it anew from them. */
function readLeaf(leaf: Uint8Array): Pick<SignedParts, 'leaf' | 'signature'> | undefined {
  const [, content, rawBytes] = signaturePattern.exec(fromUtf8(leaf) ?? '') ?? [];
  const signature = content === undefined ? undefined : fromBase64(content);
  const certificate = rawBytes === undefined ? undefined : fromBase64(rawBytes);
  if (signature === undefined || certificate === undefined) return undefined;
  return certificate.length > limits.certificate ? undefined : { signature, leaf: certificate };
}
