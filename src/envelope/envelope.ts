import type { Json } from '../call/json.ts';
import type { StatementKind } from '../names.ts';

/** in-toto Statement v1. */
export interface Statement {
  readonly _type: 'https://in-toto.io/Statement/v1';
  readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[];
  readonly predicateType: string;
  readonly predicate: Record<string, Json>;
}

/** A statement whose DSSE pre-authentication bytes are signed and timestamped, ready for the log. */
export interface SignedStatement {
  readonly kind: StatementKind;
  /** The statement's exact bytes. */
  readonly payload: Uint8Array;
  /** SHA-256 of the DSSE pre-authentication encoding: how statements name each other. */
  readonly paeSha256: Uint8Array;
  /** DER ECDSA over the pre-authentication encoding. */
  readonly signature: Uint8Array;
  /** `TimeStampResp`, DER, over `signature`. */
  readonly timestamp: Uint8Array;
  /** The Merkle leaf: canonical hashedrekord 0.0.2 body. It carries signature and leaf certificate. */
  readonly leaf: Uint8Array;
}
