import { concatBytes } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';

/** One signed certificate timestamp (RFC 6962 §3.2). */
export interface SignedCertificateTimestamp {
  /** SHA-256 of the log's SubjectPublicKeyInfo. */
  readonly logId: Uint8Array;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly extensions: Uint8Array;
  /** TLS 1.2 `HashAlgorithm` and `SignatureAlgorithm`; 4 and 3 are SHA-256 and ECDSA. */
  readonly hash: number;
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

const maxScts = 8;

/** Parses a TLS-encoded `SignedCertificateTimestampList`. Throws FRAME_INVALID unless all of it is v1. */
export function parseSctList(bytes: Uint8Array): SignedCertificateTimestamp[] {
  const outer = new TlsReader(bytes);
  const list = new TlsReader(outer.vector());
  outer.end();
  const scts: SignedCertificateTimestamp[] = [];
  while (!list.done) {
    if (scts.length === maxScts) throw invalid('too many');
    scts.push(parseSct(list.vector()));
  }
  if (scts.length === 0) throw invalid('an empty list');
  return scts;
}

function parseSct(bytes: Uint8Array): SignedCertificateTimestamp {
  const reader = new TlsReader(bytes);
  if (reader.integer(1) !== 0) throw invalid('an unknown version');
  const sct = {
    logId: reader.bytes(32),
    timestamp: reader.integer(8),
    extensions: reader.vector(),
    hash: reader.integer(1),
    algorithm: reader.integer(1),
    signature: reader.vector(),
  };
  reader.end();
  if (!Number.isSafeInteger(sct.timestamp)) throw invalid('a time out of range');
  return sct;
}

/** What the log signs for a precertificate: `digitally-signed struct` of RFC 6962 §3.2. */
export function sctSigningInput(
  sct: Pick<SignedCertificateTimestamp, 'timestamp' | 'extensions'>,
  issuerKeyHash: Uint8Array,
  precertificateTbs: Uint8Array,
): Uint8Array {
  return concatBytes(
    Uint8Array.of(0, 0),
    bigEndian(sct.timestamp, 8),
    Uint8Array.of(0, 1),
    issuerKeyHash,
    tlsVector(precertificateTbs, 3),
    tlsVector(sct.extensions, 2),
  );
}

/** Encodes a `SignedCertificateTimestampList`. */
export function encodeSctList(scts: readonly SignedCertificateTimestamp[]): Uint8Array {
  const encoded = scts.map((sct) =>
    tlsVector(
      concatBytes(
        Uint8Array.of(0),
        sct.logId,
        bigEndian(sct.timestamp, 8),
        tlsVector(sct.extensions, 2),
        Uint8Array.of(sct.hash, sct.algorithm),
        tlsVector(sct.signature, 2),
      ),
      2,
    ),
  );
  return tlsVector(concatBytes(...encoded), 2);
}

function tlsVector(bytes: Uint8Array, lengthBytes: number): Uint8Array {
  return concatBytes(bigEndian(bytes.length, lengthBytes), bytes);
}

function bigEndian(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  return bytes;
}

function invalid(what: string): CountersignError {
  return new CountersignError('FRAME_INVALID', `not a valid list of certificate timestamps: ${what}`);
}

class TlsReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw invalid('cut off');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  integer(length: number): number {
    return this.bytes(length).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** A vector with a length of two bytes. */
  vector(): Uint8Array {
    return this.bytes(this.integer(2));
  }

  end(): void {
    if (!this.done) throw invalid('more bytes than expected');
  }
}
