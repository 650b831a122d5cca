const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * `r ‖ s` of a DER `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) for P-256; undefined unless it is the one DER encoding of two
 * numbers 0 < n < order. BER's other spellings of a signature would let one signature have several digests.
 */
export function ecdsaRaw(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (der.length < 8 || der.length > 72 || der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const rLength = der[3] ?? 0;
  const sAt = 4 + rLength;
  const r = derInteger(der, 2);
  const s = derInteger(der, sAt);
  if (r === undefined || s === undefined || sAt + 2 + s.length !== der.length) return undefined;
  const raw = new Uint8Array(64);
  for (const [number, end] of [
    [r, 32],
    [s, 64],
  ] as const) {
    const digits = number[0] === 0 ? number.subarray(1) : number;
    if (digits.length > 32) return undefined;
    raw.set(digits, end - digits.length);
    const value = bigEndian(raw.subarray(end - 32));
    if (value === 0n || value >= p256Order) return undefined;
  }
  return raw;
}

/** Content of the minimal, positive INTEGER at `at`. */
function derInteger(der: Uint8Array, at: number): Uint8Array | undefined {
  const length = der[at + 1];
  if (der[at] !== 0x02 || length === undefined || length === 0 || length > 33) return undefined;
  const content = der.subarray(at + 2, at + 2 + length);
  if (content.length !== length) return undefined;
  const [first, second] = content;
  const negative = first !== undefined && first >= 0x80;
  const padded = length > 1 && first === 0 && second !== undefined && second < 0x80;
  return negative || padded ? undefined : content;
}

/** The number that 32 bytes are: 64 bits at a time, which is ten times faster than a byte at a time. */
function bigEndian({ buffer, byteOffset }: Uint8Array): bigint {
  const view = new DataView(buffer, byteOffset, 32);
  const [a, b, c, d] = [0, 8, 16, 24].map((at) => view.getBigUint64(at)) as [bigint, bigint, bigint, bigint];
  return (a << 192n) | (b << 128n) | (c << 64n) | d;
}
