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

export interface ValidForJson {
  readonly start: string;
  readonly end?: string;
}

export function trustedRoot(options: TrustedRootOptions): TrustedRootJson {
  const { validFrom, trustDomain } = options;
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      transparencyLogEntry({
        origin: options.logOrigin,
        publicKey: options.logPublicKey,
        keyId: options.logKeyId,
        validFrom,
      }),
    ],
    certificateAuthorities: [
      certificateAuthorityEntry({
        trustDomain,
        issuerUrl: options.issuerUrl,
        chain: options.certificateAuthority,
        validFrom,
      }),
    ],
    ctlogs: [ctLogEntry({ trustDomain, publicKey: options.ctPublicKey, validFrom })],
    timestampAuthorities: [
      timestampAuthorityEntry({ trustDomain, chain: options.timestampAuthority, validFrom }),
    ],
  };
}

// One key of a trust root each. Keys are SubjectPublicKeyInfo in DER, `validFrom` is wall milliseconds, chains end with the root.

export function transparencyLogEntry(log: {
  readonly origin: string;
  readonly publicKey: Uint8Array;
  /** 32 bytes. */
  readonly keyId: Uint8Array;
  readonly validFrom: number;
}): TransparencyLogJson {
  const logId = { keyId: base64(log.keyId) };
  return {
    // Verifiers take the checkpoint's origin from this host name.
    baseUrl: `https://${log.origin}`,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: base64(log.publicKey),
      keyDetails: 'PKIX_ED25519',
      validFor: from(log.validFrom),
    },
    logId,
    checkpointKeyId: logId,
  };
}

export function ctLogEntry(log: {
  readonly trustDomain: string;
  readonly publicKey: Uint8Array;
  readonly validFrom: number;
}): TransparencyLogJson {
  return {
    baseUrl: `https://ct.${log.trustDomain}`,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: base64(log.publicKey),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: from(log.validFrom),
    },
    logId: { keyId: base64(sha256(log.publicKey)) },
  };
}

interface Chain {
  readonly trustDomain: string;
  readonly chain: readonly Uint8Array[];
  readonly validFrom: number;
}

export function certificateAuthorityEntry(
  authority: Chain & { readonly issuerUrl: string },
): CertificateAuthorityJson {
  return authorityEntry(authority, authorityNames.root, authority.issuerUrl);
}

export function timestampAuthorityEntry(authority: Chain): CertificateAuthorityJson {
  return authorityEntry(authority, authorityNames.timestamp, `https://tsa.${authority.trustDomain}`);
}

function authorityEntry(
  { trustDomain, chain, validFrom }: Chain,
  commonName: string,
  uri: string,
): CertificateAuthorityJson {
  return {
    subject: { organization: trustDomain, commonName },
    uri,
    certChain: { certificates: chain.map((certificate) => ({ rawBytes: base64(certificate) })) },
    validFor: from(validFrom),
  };
}

function from(validFrom: number): ValidForJson {
  return { start: new Date(validFrom).toISOString() };
}

/** What a trust root names, by purpose. */
export type TrustedKeys = Pick<
  TrustedRootJson,
  'tlogs' | 'certificateAuthorities' | 'ctlogs' | 'timestampAuthorities'
>;

/**
 * The trust root in which `next` succeeds what was valid for the same purpose: that ends at `end` (wall milliseconds), unless it
 * ended before. Nothing is taken out, since old envelopes still need it.
 */
export function withSuccessor(
  root: TrustedRootJson,
  next: Partial<TrustedKeys>,
  end: number,
): TrustedRootJson {
  const endLog = (log: TransparencyLogJson): TransparencyLogJson => ({
    ...log,
    publicKey: { ...log.publicKey, validFor: endedBy(log.publicKey.validFor, end) },
  });
  const endAuthority = (authority: CertificateAuthorityJson): CertificateAuthorityJson => ({
    ...authority,
    validFor: endedBy(authority.validFor, end),
  });
  const { tlogs, certificateAuthorities, ctlogs, timestampAuthorities } = next;
  return {
    ...root,
    ...(tlogs && { tlogs: [...root.tlogs.map(endLog), ...tlogs] }),
    ...(certificateAuthorities && {
      certificateAuthorities: [...root.certificateAuthorities.map(endAuthority), ...certificateAuthorities],
    }),
    ...(ctlogs && { ctlogs: [...root.ctlogs.map(endLog), ...ctlogs] }),
    ...(timestampAuthorities && {
      timestampAuthorities: [...root.timestampAuthorities.map(endAuthority), ...timestampAuthorities],
    }),
  };
}

function endedBy(validFor: ValidForJson, end: number): ValidForJson {
  const endsBefore = validFor.end !== undefined && Date.parse(validFor.end) <= end;
  return endsBefore ? validFor : { ...validFor, end: new Date(end).toISOString() };
}
