import { base64url } from '../../call/bytes.ts';
import type { JsonObject } from '../../call/json.ts';
import { sha256, utf8 } from '../../call/sha256.ts';
import { fromBase64url } from './compact-jws.ts';

/** The members that make a public key (RFC 7638 §3.2, RFC 8037 §2), in the order in which they are hashed. */
const required: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
};

/** Members whose value is bytes, and which have a spelling for each way to pad them. */
const numbers = ['x', 'y', 'n', 'e'];
/** Bytes of a coordinate (RFC 7518 §6.2.1.2): every one has all of them. */
const coordinateBytes: Readonly<Record<string, number>> = {
  'P-256': 32,
  'P-384': 48,
  'P-521': 66,
  Ed25519: 32,
};

/**
 * The SHA-256 thumbprint of a public key (RFC 7638), base64url; undefined for a JWK that is none, or not the one spelling of its key:
 * of one key there is one thumbprint.
 */
export function thumbprintOf(jwk: JsonObject): string | undefined {
  const { kty, crv } = jwk;
  const members = typeof kty === 'string' && Object.hasOwn(required, kty) ? required[kty] : undefined;
  if (members === undefined) return undefined;
  const length = typeof crv === 'string' && Object.hasOwn(coordinateBytes, crv) ? coordinateBytes[crv] : -1;
  const isPlain = members.every((name) => {
    const value = jwk[name];
    if (typeof value !== 'string') return false;
    if (!numbers.includes(name)) return true;
    const bytes = fromBase64url(value);
    return kty === 'RSA' ? bytes !== undefined && bytes[0] !== 0 : bytes?.length === length;
  });
  if (!isPlain) return undefined;
  return base64url(
    sha256(utf8(JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]]))))),
  );
}
