import { isPlainPublicKey, isPlainSignature, spkiPrefix } from '../tlog/ed25519.ts';

/** Signature checks through WebCrypto: one source for Node, workerd and browsers. */

type ImportedKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** A public key that was imported once. */
export interface VerifyKey {
  readonly algorithm: 'ecdsa-p256-sha256' | 'ed25519';
  readonly key: ImportedKey;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
}

/** SubjectPublicKeyInfo of a P-256 key with an uncompressed point (RFC 5480), up to the point. */
const p256Prefix = Uint8Array.from([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
  0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
]);

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Imports a P-256 key; undefined when the bytes are not exactly one, or its point is not on the curve. */
export async function importP256(spki: Uint8Array): Promise<VerifyKey | undefined> {
  if (spki.length !== p256Prefix.length + 64 || !startsWith(spki, p256Prefix)) return undefined;
  return importKey('ecdsa-p256-sha256', spki, { name: 'ECDSA', namedCurve: 'P-256' });
}

/** Imports an Ed25519 key; undefined when the bytes are not exactly one that can stand for somebody. */
export async function importEd25519(spki: Uint8Array): Promise<VerifyKey | undefined> {
  if (!startsWith(spki, spkiPrefix) || !isPlainPublicKey(spki.subarray(spkiPrefix.length))) return undefined;
  return importKey('ed25519', spki, { name: 'Ed25519' });
}

/** The 32 bytes of an Ed25519 key, as signed notes name it. */
export function ed25519Raw(key: VerifyKey): Uint8Array {
  return key.spki.subarray(spkiPrefix.length);
}

/** True only for a well-formed signature by this key over exactly these bytes. Never throws. */
export async function verifySignature(
  key: VerifyKey,
  data: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.algorithm === 'ed25519') {
    // Engines differ in whether they look.
    if (!isPlainSignature(signature)) return false;
    return crypto.subtle.verify({ name: 'Ed25519' }, key.key, exact(signature), exact(data));
  }
  const raw = ecdsaRaw(signature);
  if (raw === undefined) return false;
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key.key, raw, exact(data));
}

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

async function importKey(
  algorithm: VerifyKey['algorithm'],
  spki: Uint8Array,
  parameters: { name: string; namedCurve?: string },
): Promise<VerifyKey | undefined> {
  try {
    const key = await crypto.subtle.importKey('spki', exact(spki), parameters, false, ['verify']);
    return { algorithm, key, spki };
  } catch {
    return undefined; // not a point of the curve
  }
}

/** WebCrypto's types want a view over an `ArrayBuffer`, not one that may be shared. */
function exact(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, i) => bytes[i] === byte);
}

/** The number that 32 bytes are: 64 bits at a time, which is ten times faster than a byte at a time. */
function bigEndian({ buffer, byteOffset }: Uint8Array): bigint {
  const view = new DataView(buffer, byteOffset, 32);
  const [a, b, c, d] = [0, 8, 16, 24].map((at) => view.getBigUint64(at)) as [bigint, bigint, bigint, bigint];
  return (a << 192n) | (b << 128n) | (c << 64n) | d;
}
