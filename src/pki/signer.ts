export type SignatureAlgorithm = 'ecdsa-p256-sha256' | 'ed25519';

/** Signs bytes with one key that never leaves it. The key is imported once, when the signer is made. */
export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** ECDSA signatures are DER (`Ecdsa-Sig-Value`); Ed25519 signatures are 64 bytes. */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A signer that answers at once: what signs a checkpoint inside a transaction must not wait. */
export interface SyncSigner extends Signer {
  sign(data: Uint8Array): Uint8Array;
}

/** The gate's current signing certificate and its key. */
export interface SigningIdentity {
  readonly signer: Signer;
  /** Leaf certificate, DER. */
  readonly certificate: Uint8Array;
  /** Issuing CA certificate, DER. */
  readonly issuer: Uint8Array;
  /** Wall milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** RFC 3161: a `TimeStampResp` (DER) over SHA-256 of `message`, at `time` (wall milliseconds). */
export interface TimestampAuthority {
  stamp(message: Uint8Array, time: number): Uint8Array | Promise<Uint8Array>;
}
