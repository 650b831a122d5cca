import { canonicalJson } from '../call/canonical-json.ts';
import { base64, concatBytes, sha256, utf8 } from '../call/sha256.ts';
import { dssePayloadType } from '../names.ts';
import type { Bundle } from './bundle.ts';

/**
 * The two byte strings that an envelope implies, built here from their specifications and not with the code that writes
 * envelopes: a mistake there must not be agreed with here.
 */

/** DSSE pre-authentication encoding (https://github.com/secure-systems-lab/dsse, protocol): the bytes that are signed. */
export function preAuthentication(payload: Uint8Array): Uint8Array {
  const type = utf8(dssePayloadType);
  return concatBytes(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

/** The Merkle leaf: Rekor v2's hashedrekord 0.0.2 over the signed bytes, canonical JSON. */
export function leafOf(
  signedBytes: Uint8Array,
  { signature, leaf }: Pick<Bundle, 'signature' | 'leaf'>,
): Uint8Array {
  const body = {
    apiVersion: '0.0.2',
    kind: 'hashedrekord',
    spec: {
      hashedRekordV002: {
        data: { algorithm: 'SHA2_256', digest: base64(sha256(signedBytes)) },
        signature: {
          content: base64(signature),
          verifier: {
            keyDetails: 'PKIX_ECDSA_P256_SHA_256',
            x509Certificate: { rawBytes: base64(leaf) },
          },
        },
      },
    },
  };
  return utf8(canonicalJson(body));
}
