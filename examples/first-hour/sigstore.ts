import { bundleFromJSON } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';

/**
 * Verifies an envelope with Sigstore's own library, default thresholds, offline: the trust root is all it gets.
 * Returns the identity that signed and the statement's type; throws when it refuses.
 */
export function verifyWithSigstore(envelope: object, trustedRoot: string): string {
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(trustedRoot))));
  const signer = verifier.verify(toSignedEntity(bundleFromJSON(envelope)), {
    subjectAlternativeName: '^spiffe://[^/]+/gate/[^/]+$',
  });
  const { payload } = (envelope as { dsseEnvelope: { payload: string } }).dsseEnvelope;
  const { predicateType } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
    predicateType: string;
  };
  return `${predicateType} by ${signer.identity?.subjectAlternativeName ?? 'nobody'}`;
}
