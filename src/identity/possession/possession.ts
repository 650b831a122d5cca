import type { DpopProof } from '../principal.ts';

/** What a token is bound to (RFC 7800 §3.1): it counts for whoever proves to have that key. */
export interface Confirmation {
  /** SHA-256 thumbprint of a JWK (RFC 9449 §6.1), base64url. */
  readonly jkt?: string;
  /** SHA-256 of a client certificate (RFC 8705 §3.1), base64url. */
  readonly certificate?: string;
}

/** Whose the certificate of a connection is. */
export type CertificateHolder =
  | {
      readonly kind: 'agent';
      /** SPIFFE ID. */
      readonly id: string;
      /** `spiffe://` and the trust domain that vouches for it. */
      readonly issuer: string;
      /** Whose it is; absent where its authority certifies agents of every tenant. */
      readonly tenant?: string;
    }
  | { readonly kind: 'device'; readonly id: string; readonly trust: string; readonly tenant: string };

export interface VerifiedCertificate {
  readonly holder: CertificateHolder;
  /** SHA-256 of its DER, base64url. */
  readonly thumbprint: string;
  /** Wall milliseconds. */
  readonly expiresAt: number;
}

export interface CertificateVerifier {
  /**
   * Whose a client certificate is that the handshake proved possession of. `chain` is what came with it, of which the verifier
   * takes what it needs. Rejects with CERTIFICATE_MALFORMED, CERTIFICATE_UNTRUSTED or CERTIFICATE_EXPIRED. `now` is wall
   * milliseconds.
   */
  verify(leaf: Uint8Array, chain: readonly Uint8Array[], now: number): Promise<VerifiedCertificate>;
  /** Whether the key of this CA certificate is believed of devices: then it must not be believed of agents as well. */
  isDeviceRoot(authority: Uint8Array): boolean;
}

export type ProofFault = 'PROOF_INVALID' | 'PROOF_REPLAYED';

export interface ProofVerifier {
  /**
   * Whose key made a DPoP proof for this access token (RFC 9449 §4.3), as its JWK thumbprint; or why it proves nothing. The same
   * object may be asked about again: it is one request. `boundTo` is the thumbprint that the token names: the proof of another key
   * is PROOF_INVALID before its signature is looked at, and takes no place among those that are remembered.
   *
   * Rejects with KEY_OVER_LIMIT where one key has used more proofs than are remembered of it, and with GATE_BUSY where all of them
   * together have: a proof whose replay could not be noticed is none.
   */
  verify(
    proof: DpopProof,
    accessToken: string,
    now: number,
    boundTo?: string,
  ): Promise<{ readonly jkt: string } | ProofFault>;
}
