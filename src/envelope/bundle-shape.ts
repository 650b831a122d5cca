/**
 * The JSON shape of the Sigstore bundles that we write and read: v0.2 with a certificate chain, v0.3 with one
 * certificate. 64-bit integers are decimal strings, bytes are base64 (protobuf's JSON mapping).
 */

export const bundleMediaTypes = {
  '0.2': 'application/vnd.dev.sigstore.bundle+json;version=0.2',
  '0.3': 'application/vnd.dev.sigstore.bundle.v0.3+json',
} as const;

export type BundleVersion = keyof typeof bundleMediaTypes;

export interface RawBytesJson {
  readonly rawBytes: string;
}

export interface InclusionProofJson {
  readonly logIndex: string;
  readonly rootHash: string;
  readonly treeSize: string;
  readonly hashes: readonly string[];
  readonly checkpoint: { readonly envelope: string };
}

export interface TlogEntryJson {
  readonly logIndex: string;
  readonly logId: { readonly keyId: string };
  readonly kindVersion: { readonly kind: 'hashedrekord'; readonly version: '0.0.2' };
  readonly integratedTime: '0';
  readonly inclusionProof: InclusionProofJson;
  readonly canonicalizedBody: string;
}

export interface DsseEnvelopeJson {
  readonly payloadType: 'application/vnd.in-toto+json';
  readonly payload: string;
  readonly signatures: readonly [{ readonly sig: string }];
}

interface CommonMaterialJson {
  readonly tlogEntries: readonly [TlogEntryJson];
  readonly timestampVerificationData: {
    readonly rfc3161Timestamps: readonly { readonly signedTimestamp: string }[];
  };
}

export interface Bundle02Json {
  readonly mediaType: (typeof bundleMediaTypes)['0.2'];
  readonly verificationMaterial: CommonMaterialJson & {
    readonly x509CertificateChain: { readonly certificates: readonly RawBytesJson[] };
  };
  readonly dsseEnvelope: DsseEnvelopeJson;
}

export interface Bundle03Json {
  readonly mediaType: (typeof bundleMediaTypes)['0.3'];
  readonly verificationMaterial: CommonMaterialJson & { readonly certificate: RawBytesJson };
  readonly dsseEnvelope: DsseEnvelopeJson;
}

export type BundleJson = Bundle02Json | Bundle03Json;
