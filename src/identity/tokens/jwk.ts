import { importJWK, type CryptoKey } from 'jose';
import type { Json, JsonObject } from '../../call/json.ts';
import { fromBase64url } from './compact-jws.ts';

/** Signatures that an issuer can be configured for. No secret that we would have to share with it, and never `none`. */
export const tokenAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

/** A public key of an issuer. It verifies one algorithm, whatever a token's header says. */
export interface IssuerKey {
  readonly id: string | undefined;
  readonly algorithm: TokenAlgorithm;
  /** Only what is needed of the JWK. */
  readonly jwk: JsonObject;
}

const curves: Readonly<Record<string, readonly TokenAlgorithm[]>> = {
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['EdDSA', 'Ed25519'],
};

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/**
 * A JWK (RFC 7517) as a key that verifies; undefined for one that cannot be used here: for encryption, symmetric, too small, of an
 * algorithm that is not allowed, or with its private half, which is then nobody's secret any more. A key that names no algorithm is
 * given the first allowed one that fits it.
 */
export function issuerKey(jwk: JsonObject, allowed: readonly TokenAlgorithm[]): IssuerKey | undefined {
  const { kid, alg, use, key_ops: operations } = jwk;
  // What SPIFFE calls the keys of JWT-SVIDs in a bundle (JWT-SVID §6.1). Those of X.509-SVIDs stand beside them.
  const verifies =
    (use === undefined || use === 'sig' || use === 'jwt-svid') &&
    (operations === undefined || (Array.isArray(operations) && operations.includes('verify')));
  if (!verifies || privateMembers.some((name) => name in jwk)) return undefined;
  const isText = (value: Json | undefined): boolean => value === undefined || typeof value === 'string';
  if (!isText(kid) || !isText(alg)) return undefined;
  const material = publicMaterial(jwk);
  const algorithm = allowed.find((one) => material?.fits.includes(one) && (alg === undefined || alg === one));
  if (material === undefined || algorithm === undefined) return undefined;
  return { id: kid as string | undefined, algorithm, jwk: material.jwk };
}

/** Throws when the key is none, a point off its curve for instance. */
export async function importIssuerKey({ jwk, algorithm }: IssuerKey): Promise<CryptoKey> {
  return (await importJWK(jwk, algorithm)) as CryptoKey;
}

interface Material {
  readonly fits: readonly TokenAlgorithm[];
  readonly jwk: JsonObject;
}

function publicMaterial({ kty, n, e, crv, x, y }: JsonObject): Material | undefined {
  switch (kty) {
    case 'RSA':
      return isModulus(n) && isExponent(e)
        ? { fits: rsaAlgorithms, jwk: { kty, n: n as string, e: e as string } }
        : undefined;
    case 'EC':
      return typeof crv === 'string' && crv.startsWith('P-') && typeof x === 'string' && typeof y === 'string'
        ? { fits: curves[crv] ?? [], jwk: { kty, crv, x, y } }
        : undefined;
    case 'OKP':
      return crv === 'Ed25519' && typeof x === 'string'
        ? { fits: curves[crv] ?? [], jwk: { kty, crv, x } }
        : undefined;
    default:
      return undefined;
  }
}

const rsaAlgorithms = tokenAlgorithms.filter((name) => /^[RP]S/.test(name));

/** 2048 bits at least; at most 8192, as each call of an attacker's would cost us the arithmetic. */
function isModulus(value: Json | undefined): boolean {
  const bytes = typeof value === 'string' ? fromBase64url(value) : undefined;
  return bytes !== undefined && bytes.length >= 256 && bytes.length <= 1_024 && (bytes[0] ?? 0) >= 0x80;
}

/** Odd, and more than 1: with the exponent 1 everybody can sign. */
function isExponent(value: Json | undefined): boolean {
  const bytes = typeof value === 'string' ? fromBase64url(value) : undefined;
  if (bytes === undefined || bytes.length > 4) return false;
  const exponent = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return exponent >= 3 && exponent % 2 === 1;
}
