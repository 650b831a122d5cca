import { concatBytes, fromBase64 } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import { tag } from './der.ts';
import { sequence, tlv } from './der-write.ts';
import type { Signer } from './signer.ts';

/** ECDSA signers over WebCrypto, where there is no `node:crypto`. Their keys cannot be read out of them. */

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const curve = { name: 'ECDSA', namedCurve: 'P-256' };
const algorithm = { name: 'ECDSA', hash: 'SHA-256' };

/** SubjectPublicKeyInfo of a P-256 key with an uncompressed point (RFC 5480), up to the point's coordinates. */
const spkiPrefix = Uint8Array.from([
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
  0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
]);
const coordinateLength = 32;

/** A P-256 private key (PKCS#8, DER) that signs with SHA-256, signatures in DER. CONFIG_INVALID for any other key. */
export async function webEcdsaSigner(pkcs8: Uint8Array): Promise<Signer> {
  const der = new Uint8Array(pkcs8);
  try {
    const readable = await crypto.subtle.importKey('pkcs8', der, curve, true, ['sign']);
    const { x, y } = await crypto.subtle.exportKey('jwk', readable);
    const publicKey = concatBytes(spkiPrefix, coordinate(x), coordinate(y));
    return signerOf(await crypto.subtle.importKey('pkcs8', der, curve, false, ['sign']), publicKey);
  } catch {
    // The parser's own message may quote what it read.
    throw new CountersignError('CONFIG_INVALID', 'a P-256 private key is needed here');
  }
}

/** A new key, which lives as long as its signer. */
export async function generateWebEcdsaKey(): Promise<Signer> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(curve, false, ['sign', 'verify']);
  return signerOf(privateKey, new Uint8Array(await crypto.subtle.exportKey('spki', publicKey)));
}

function signerOf(key: Key, publicKey: Uint8Array): Signer {
  return {
    algorithm: 'ecdsa-p256-sha256',
    publicKey,
    sign: async (data) =>
      ecdsaDer(new Uint8Array(await crypto.subtle.sign(algorithm, key, new Uint8Array(data)))),
  };
}

/** `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) of `r ‖ s`, which is what WebCrypto gives. */
export function ecdsaDer(raw: Uint8Array): Uint8Array {
  if (raw.length !== 2 * coordinateLength)
    throw new CountersignError('SIGNING_FAILED', 'a P-256 signature has 64 bytes');
  return sequence(positive(raw.subarray(0, coordinateLength)), positive(raw.subarray(coordinateLength)));
}

function positive(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  if (start < 0) throw new CountersignError('SIGNING_FAILED', 'a P-256 signature has no zero in it');
  const digits = bytes.subarray(start);
  // A leading one bit would be a sign.
  return tlv(tag.integer, (digits[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), digits) : digits);
}

function coordinate(text: string | undefined): Uint8Array {
  const bytes = fromBase64(`${(text ?? '').replaceAll('-', '+').replaceAll('_', '/')}=`);
  if (bytes?.length !== coordinateLength) throw new RangeError('not a coordinate of P-256');
  return bytes;
}
