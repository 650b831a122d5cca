import { ecdsaRaw } from '../call/ecdsa-signature.ts';
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
