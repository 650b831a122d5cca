import { hashes, verify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';

// The synchronous half of the library has no SHA-512 of its own.
hashes.sha512 = sha512;

export const publicKeyLength = 32;
export const signatureLength = 64;

/**
 * RFC 8032 verification, strict: encodings must be canonical and keys of small order are refused (they would accept one
 * signature for many messages). ZIP 215's looser rule is for consensus, where all must accept alike; here only the log's own
 * signatures need to pass.
 */
export function verifyEd25519(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== signatureLength || publicKey.length !== publicKeyLength) return false;
  return verify(signature, message, publicKey, { zip215: false });
}
