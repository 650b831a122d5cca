import { base64 } from '../call/bytes.ts';
import { sha256 } from '../call/sha256.ts';
import { authorityNames } from './authority-names.ts';

/** What `trusted_root.json` says: the only things that a verifier of our envelopes trusts. */
export interface TrustedRootOptions {
  readonly trustDomain: string;
  /** The log's origin: a host name, without scheme or path. */
  readonly logOrigin: string;
  /** Ed25519 SubjectPublicKeyInfo, DER. */
  readonly logPublicKey: Uint8Array;
  /** The whole 32-byte checkpoint key id: SHA-256(origin ‖ "\n" ‖ 0x01 ‖ public key). */
  readonly logKeyId: Uint8Array;
  /** P-256 SubjectPublicKeyInfo, DER. */
  readonly ctPublicKey: Uint8Array;
  /** Issuing CA, then root; DER. */
  readonly certificateAuthority: readonly Uint8Array[];
  /** Timestamp certificate, then its root; DER. */
  readonly timestampAuthority: readonly Uint8Array[];
  /** Where signing certificates say that identities come from. */
  readonly issuerUrl: string;
  /** Wall milliseconds from which everything above is valid. */
  readonly validFrom: number;
}

/** Sigstore's `TrustedRoot` v0.1 in protobuf's JSON mapping. */
export interface TrustedRootJson {
  readonly mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1';
  readonly tlogs: readonly TransparencyLogJson[];
  readonly certificateAuthorities: readonly CertificateAuthorityJson[];
  readonly ctlogs: readonly TransparencyLogJson[];
  readonly timestampAuthorities: readonly CertificateAuthorityJson[];
}

export interface TransparencyLogJson {
  readonly baseUrl: string;
  readonly hashAlgorithm: 'SHA2_256';
  readonly publicKey: {
    readonly rawBytes: string;
    readonly keyDetails: 'PKIX_ED25519' | 'PKIX_ECDSA_P256_SHA_256';
    readonly validFor: ValidForJson;
  };
  readonly logId: { readonly keyId: string };
  readonly checkpointKeyId?: { readonly keyId: string };
}

export interface CertificateAuthorityJson {
  readonly subject: { readonly organization: string; readonly commonName: string };
  readonly uri: string;
  readonly certChain: { readonly certificates: readonly { readonly rawBytes: string }[] };
  readonly validFor: ValidForJson;
}

interface ValidForJson {
  readonly start: string;
  readonly end?: string;
}

export function trustedRoot(options: TrustedRootOptions): TrustedRootJson {
  const validFor = { start: new Date(options.validFrom).toISOString() };
  const logKeyId = { keyId: base64(options.logKeyId) };
  const authority = (
    commonName: string,
    uri: string,
    chain: readonly Uint8Array[],
  ): CertificateAuthorityJson => ({
    subject: { organization: options.trustDomain, commonName },
    uri,
    certChain: { certificates: chain.map((certificate) => ({ rawBytes: base64(certificate) })) },
    validFor,
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      {
        // Verifiers take the checkpoint's origin from this host name.
        baseUrl: `https://${options.logOrigin}`,
        hashAlgorithm: 'SHA2_256',
        publicKey: { rawBytes: base64(options.logPublicKey), keyDetails: 'PKIX_ED25519', validFor },
        logId: logKeyId,
        checkpointKeyId: logKeyId,
      },
    ],
    certificateAuthorities: [authority(authorityNames.root, options.issuerUrl, options.certificateAuthority)],
    ctlogs: [
      {
        baseUrl: `https://ct.${options.trustDomain}`,
        hashAlgorithm: 'SHA2_256',
        publicKey: {
          rawBytes: base64(options.ctPublicKey),
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          validFor,
        },
        logId: { keyId: base64(sha256(options.ctPublicKey)) },
      },
    ],
    timestampAuthorities: [
      authority(authorityNames.timestamp, `https://tsa.${options.trustDomain}`, options.timestampAuthority),
    ],
  };
}
