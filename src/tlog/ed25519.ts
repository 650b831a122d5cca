import { Point } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, equalBytes, hex } from '../call/sha256.ts';

/**
 * Ed25519 (RFC 8032), verified alike in every runtime: encodings are canonical, neither key nor R is of small order, and the
 * equation is the one without the cofactor, as OpenSSL and BoringSSL compute it. Libraries differ in all three, and one log must
 * not be true to one reader and false to another.
 */

export const publicKeyLength = 32;
export const signatureLength = 64;

const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const prime = 2n ** 255n - 19n;

const yOfOrderEight = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;

/** y of the eight points whose order divides the cofactor: of order 4, 1, 2, and 8 twice. */
const smallOrders: readonly bigint[] = [0n, 1n, prime - 1n, yOfOrderEight, prime - yOfOrderEight];

/** Whether these bytes can be somebody's key: a reduced y, and not of small order. That it is on the curve, whoever uses it looks. */
export function isPlainPublicKey(publicKey: Uint8Array): boolean {
  return publicKey.length === publicKeyLength && isPlainPoint(publicKey);
}

/** Whether these bytes can be a signature: R as a key has to be, and S reduced (RFC 8032 §5.1.7). */
export function isPlainSignature(signature: Uint8Array): boolean {
  return (
    signature.length === signatureLength &&
    littleEndian(signature.subarray(32)) < order &&
    isPlainPoint(signature.subarray(0, 32))
  );
}

function isPlainPoint(encoded: Uint8Array): boolean {
  const y = littleEndian(encoded.subarray(0, 32)) & ~(1n << 255n); // without the sign of x
  return y < prime && !smallOrders.includes(y);
}

/** Synchronous, so that it can be asked inside a transaction and in a parser. Never throws. */
export function verifyEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (!isPlainPublicKey(publicKey) || !isPlainSignature(signature)) return false;
  return (verifyNatively ?? verifyPortably)(signature, message, publicKey);
}

type Verify = typeof verifyEd25519;

/** For runtimes whose own verification does not answer at once. Exported to be held against the native one. */
export const verifyPortably: Verify = (signature, message, publicKey) => {
  const encodedR = signature.subarray(0, 32);
  try {
    const key = Point.fromBytes(publicKey);
    const challenge = littleEndian(sha512(concatBytes(encodedR, publicKey, message))) % order;
    const s = littleEndian(signature.subarray(32));
    const r = Point.BASE.multiply(s, false).subtract(key.multiply(challenge, false));
    return equalBytes(r.toBytes(), encodedR);
  } catch {
    return false; // the key is no point of the curve
  }
};

/** As much of `node:crypto` as is used. It is asked for at run time and never imported: most runtimes have none. */
interface NodeCrypto<Key> {
  createPublicKey?(key: { key: Uint8Array; format: 'der'; type: 'spki' }): Key;
  verify?(algorithm: null, data: Uint8Array, key: Key, signature: Uint8Array): boolean;
}

interface Host {
  readonly process?: { getBuiltinModule?(name: 'crypto'): NodeCrypto<object> | undefined };
}

const verifyNatively = nativeVerify((globalThis as Host).process?.getBuiltinModule?.('crypto'));

/** The few keys of a log and its witnesses are asked about over and over; importing one costs as much as a verification. */
const keptKeys = 64;

function nativeVerify({ createPublicKey, verify }: NodeCrypto<object> = {}): Verify | undefined {
  if (createPublicKey === undefined || verify === undefined) return undefined;
  const keys = new Map<string, object>();
  const keyOf = (publicKey: Uint8Array): object => {
    const name = hex(publicKey);
    const known = keys.get(name);
    if (known !== undefined) return known;
    const key = createPublicKey({ key: concatBytes(spkiPrefix, publicKey), format: 'der', type: 'spki' });
    if (keys.size === keptKeys) keys.clear();
    keys.set(name, key);
    return key;
  };
  return (signature, message, publicKey) => {
    try {
      return verify(null, message, keyOf(publicKey), signature);
    } catch {
      return false; // the key is no point of the curve
    }
  };
}

/** DER before the 32 key bytes of every Ed25519 SubjectPublicKeyInfo (RFC 8410 §4). */
export const spkiPrefix = Uint8Array.of(
  0x30,
  0x2a,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x03,
  0x21,
  0x00,
);

/** 64 bits at a time, which is ten times faster than a byte at a time. The length is a multiple of eight. */
function littleEndian({ buffer, byteOffset, length }: Uint8Array): bigint {
  const view = new DataView(buffer, byteOffset, length);
  let value = 0n;
  for (let at = length - 8; at >= 0; at -= 8) value = (value << 64n) | view.getBigUint64(at, true);
  return value;
}
