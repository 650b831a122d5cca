import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { CountersignError } from '../errors.ts';
import { hex, utf8 } from '../call/sha256.ts';

/**
 * `cs_live_` + 43 base62 characters (256 bits) + 6 base62 characters of their CRC-32. The checksum only filters typing
 * errors and lets secret scanners recognise a key; the secret is the 256 bits.
 */
const prefix = 'cs_live_';
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const secretLength = 43;
const checksumLength = 6;
const keyPattern = new RegExp(`^${prefix}[0-9A-Za-z]{${secretLength + checksumLength}}$`);

/** One key as it is stored: never the key itself. */
export interface ApiKeyRecord {
  readonly id: string;
  /** Hex HMAC-SHA-256 of the whole key under the pepper of `pepperVersion`. */
  readonly digest: string;
  readonly pepperVersion: number;
  readonly tenant: string;
  /**
   * The agents that may use this key: the last path segment of a SPIFFE ID under the home's trust domain, or a whole SPIFFE ID of
   * another one. Of several a call has to prove which one it is.
   */
  readonly agents: readonly string[];
  readonly status: 'active' | 'revoked';
  /** Tools that it is for, as patterns of policy; absent for a key that policy alone limits. */
  readonly tools?: readonly string[];
  /** Networks from which it counts, as CIDR blocks; absent for a key that counts from everywhere. */
  readonly cidrs?: readonly string[];
  /** RFC 3339; absent for a key without an end. */
  readonly notAfter?: string;
  readonly createdAt: string;
}

/** Makes a new key. It is shown once and stored nowhere. */
export function newApiKey(): string {
  const secret = base62(crypto.getRandomValues(new Uint8Array(32)), secretLength);
  return prefix + secret + checksum(secret);
}

/** Throws API_KEY_MALFORMED, without repeating the key, when the text is not one of our keys. */
export function assertApiKeyShape(key: string): void {
  const secret = key.slice(prefix.length, prefix.length + secretLength);
  if (!keyPattern.test(key) || !key.endsWith(checksum(secret))) {
    throw new CountersignError(
      'API_KEY_MALFORMED',
      'The API key is not a Countersign key: it starts with cs_live_ and has 57 characters. Check that it was copied whole.',
    );
  }
}

/** Hex HMAC-SHA-256 of the key under a pepper: what a store keeps and looks up. */
export function apiKeyDigest(key: string, pepper: Uint8Array): string {
  return hex(hmac(sha256, pepper, utf8(key)));
}

function base62(bytes: Uint8Array, length: number): string {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  let text = '';
  for (; text.length < length; value /= 62n) text = (alphabet[Number(value % 62n)] ?? '') + text;
  return text;
}

function checksum(secret: string): string {
  const value = crc32(utf8(secret));
  return base62(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value), checksumLength);
}

/** CRC-32 as in IEEE 802.3, bit by bit: it runs over 43 characters. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
