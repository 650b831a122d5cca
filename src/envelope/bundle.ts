import { base64 } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import { dssePayloadType } from '../names.ts';
import type { InclusionProof } from '../tlog/proof.ts';
import { base64Of } from './base64-of.ts';
import { bundleMediaTypes } from './bundle-shape.ts';
import type { BundleVersion } from './bundle-shape.ts';
import type { SignedStatement } from './envelope.ts';
import { leafBodyTexts } from './leaf-body.ts';

export interface BundleParts {
  /** A statement as it was signed, or its entry as the log kept it. */
  readonly signed: Pick<SignedStatement, 'payload' | 'timestamp' | 'leaf'>;
  /** Issuing CA of the signing certificate, DER. */
  readonly issuer: Uint8Array;
  readonly proof: InclusionProof;
  /** The log's whole key id: 32 bytes. */
  readonly logKeyId: Uint8Array;
  /** 0.2 carries the certificate chain, 0.3 the signing certificate alone. */
  readonly version?: BundleVersion;
}

/**
 * The Sigstore bundle, as JSON text. Written piece by piece: nothing in it but the checkpoint needs escaping, signature
 * and certificate are in the leaf as base64 already, and it is made twice for every call.
 */
export function assembleBundle({ signed, issuer, proof, logKeyId, version = '0.2' }: BundleParts): string {
  const leaf = leafBodyTexts(signed.leaf);
  if (leaf === undefined) throw new CountersignError('LEDGER_CORRUPT', 'a log entry is not of our making');
  const { logIndex, rootHash, treeSize, hashes, checkpoint } = proof;
  const certificate = `{"rawBytes":"${leaf.certificate}"}`;
  const signer =
    version === '0.2'
      ? `"x509CertificateChain":{"certificates":[${certificate},{"rawBytes":"${base64Of(issuer)}"}]}`
      : `"certificate":${certificate}`;
  return (
    `{"mediaType":"${bundleMediaTypes[version]}","verificationMaterial":{${signer},` +
    `"tlogEntries":[{"logIndex":"${logIndex}","logId":{"keyId":"${base64Of(logKeyId)}"},` +
    '"kindVersion":{"kind":"hashedrekord","version":"0.0.2"},"integratedTime":"0",' +
    `"inclusionProof":{"logIndex":"${logIndex}","rootHash":"${base64(rootHash)}","treeSize":"${treeSize}",` +
    `"hashes":[${hashes.map((hash) => `"${base64(hash)}"`).join(',')}],` +
    `"checkpoint":{"envelope":${asciiJson(checkpoint)}}},` +
    `"canonicalizedBody":"${base64(signed.leaf)}"}],` +
    `"timestampVerificationData":{"rfc3161Timestamps":[{"signedTimestamp":"${base64(signed.timestamp)}"}]}},` +
    `"dsseEnvelope":{"payloadType":"${dssePayloadType}","payload":"${base64(signed.payload)}",` +
    `"signatures":[{"sig":"${leaf.signature}"}]}}`
  );
}

/**
 * A note's signature lines begin with a dash outside ASCII. Escaped, it leaves the whole envelope ASCII, which engines keep
 * and encode at half the cost.
 */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
