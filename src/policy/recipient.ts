import { base64url, fromBase64 } from '../call/sha256.ts';

/** A public key that plaintext may be sealed to. */
export interface Recipient {
  /** The KEM of RFC 9180, which the key's kind settles. */
  readonly kem: 'DHKEM(P-256, HKDF-SHA256)' | 'DHKEM(X25519, HKDF-SHA256)';
  /** As the KEM serializes it: 65 bytes for P-256 (uncompressed), 32 for X25519. */
  readonly publicKey: Uint8Array;
}

const x25519Length = 32;
const coordinateLength = 32;
const uncompressed = 0x04;

/** The public key in strict base64: 65 bytes are P-256, 32 are X25519. Throws an Error whose message says what is wrong. */
export function recipientOfBase64(text: string): Recipient {
  const publicKey = fromBase64(text);
  if (publicKey === undefined) throw new Error('is not base64');
  return recipientOf(publicKey);
}

/** The public key as a JWK (RFC 7517, RFC 8037): `kty`, `crv`, `x`, and `y` for P-256. Nothing else may be in it. */
export function recipientOfJwk(jwk: ReadonlyMap<string, string>): Recipient {
  if (jwk.has('d')) throw new Error('is a private key; give the public one');
  const kind = `${jwk.get('kty') ?? ''} ${jwk.get('crv') ?? ''}`;
  if (kind === 'EC P-256') {
    const bytes = new Uint8Array(1 + 2 * coordinateLength);
    bytes[0] = uncompressed;
    bytes.set(coordinate(jwk, 'x'), 1);
    bytes.set(coordinate(jwk, 'y'), 1 + coordinateLength);
    return recipientOf(bytes);
  }
  if (kind === 'OKP X25519' && !jwk.has('y')) return recipientOf(coordinate(jwk, 'x'));
  throw new Error('is of no kind that is known; keys are EC P-256 or OKP X25519');
}

function coordinate(jwk: ReadonlyMap<string, string>, name: 'x' | 'y'): Uint8Array {
  const text = jwk.get(name) ?? '';
  const bytes = fromBase64(`${text.replaceAll('-', '+').replaceAll('_', '/')}=`);
  if (bytes?.length !== coordinateLength || base64url(bytes) !== text)
    throw new Error(`has no ${name} of ${coordinateLength} bytes in base64url`);
  return bytes;
}

function recipientOf(publicKey: Uint8Array): Recipient {
  if (publicKey.length === x25519Length) {
    if (isLowOrder(publicKey)) throw new Error('is a point of low order, which hides nothing');
    return { kem: 'DHKEM(X25519, HKDF-SHA256)', publicKey };
  }
  if (publicKey.length === 1 + 2 * coordinateLength && publicKey[0] === uncompressed) {
    if (!isOnP256(publicKey)) throw new Error('is no point of P-256');
    return { kem: 'DHKEM(P-256, HKDF-SHA256)', publicKey };
  }
  throw new Error('has neither the 32 bytes of X25519 nor the 65 of P-256');
}

// FIPS 186-5, SP 800-186 §3.2.1.3.
const p256 = {
  p: 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn,
  b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
};

/** y² = x³ − 3x + b: a point of another curve could give an attacker the private key piece by piece. */
function isOnP256(point: Uint8Array): boolean {
  const x = bigEndian(point.subarray(1, 1 + coordinateLength));
  const y = bigEndian(point.subarray(1 + coordinateLength));
  if (x >= p256.p || y >= p256.p) return false;
  return (y * y - (x * x * x - 3n * x + p256.b)) % p256.p === 0n;
}

const p25519 = 2n ** 255n - 19n;
/** The u-coordinates of order 8 (RFC 7748 §6.1 and its reference [25519]). 0, 1 and −1 are the others. */
const orderEight = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];

/** A key of low order gives every sender the same secret: all that is sealed to it lies open. */
function isLowOrder(key: Uint8Array): boolean {
  const reversed = Uint8Array.from(key).reverse();
  // RFC 7748 §5: the top bit is ignored.
  reversed[0] = (reversed[0] ?? 0) & 0x7f;
  const u = bigEndian(reversed) % p25519;
  return u === 0n || u === 1n || u === p25519 - 1n || orderEight.includes(u);
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Whether two recipients are one. */
export function sameRecipient(a: Recipient, b: Recipient): boolean {
  return a.kem === b.kem && a.publicKey.every((byte, i) => byte === b.publicKey[i]);
}
