import { expect } from 'vitest';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { base64url, utf8 } from '../../../src/call/bytes.ts';
import { issuerPresets } from '../../../src/identity/tokens/issuer-presets.ts';
import type { TokenAlgorithm } from '../../../src/identity/tokens/jwk.ts';
import { createKeySet, type KeySet } from '../../../src/identity/tokens/key-set.ts';
import type { Human } from '../../../src/identity/principal.ts';
import { humanReader } from '../../../src/identity/tokens/read-claims.ts';
import type { Tenancy } from '../../../src/identity/tokens/tenancy.ts';
import type { TokenIssuer } from '../../../src/identity/tokens/token-verifier.ts';

/** An issuer that lives in a test, and everything that can be done to its tokens. */
export const issuerName = 'https://idp.test/realms/plant';
export const audience = 'https://gate.test';
/** Wall milliseconds. */
export const now = Date.UTC(2026, 0, 2, 12);
export const seconds = Math.floor(now / 1_000);

export interface TestKey {
  readonly id: string;
  readonly algorithm: TokenAlgorithm;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export async function testKey(id: string, algorithm: TokenAlgorithm = 'ES256'): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { id, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: id, alg: algorithm } };
}

/** Claims of a good token. */
export const goodClaims = {
  iss: issuerName,
  sub: 'ada',
  aud: audience,
  iat: seconds - 60,
  exp: seconds + 600,
  roles: ['ot.operator'],
  groups: ['shift-a'],
};

export type Claims = Readonly<Record<string, unknown>>;

export function sign(key: TestKey, claims: Claims = goodClaims, header: Claims = {}): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: 'at+jwt', ...header })
    .sign(key.privateKey);
}

/** Signs exactly these texts, which need not be what a library would write. */
export async function signRaw(key: TestKey, header: string, payload: string): Promise<string> {
  const input = `${base64url(utf8(header))}.${base64url(utf8(payload))}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, utf8(input));
  return `${input}.${base64url(new Uint8Array(signature))}`;
}

export function jwksOf(...keys: readonly TestKey[]): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }));
}

export function keysOf(...keys: readonly TestKey[]): KeySet {
  const algorithms = [...new Set(keys.map(({ algorithm }) => algorithm))];
  return createKeySet({ algorithms, load: () => Promise.resolve(jwksOf(...keys)) });
}

export function testIssuer(keys: KeySet, changes: Partial<TokenIssuer<Human>> = {}): TokenIssuer<Human> {
  const tenancy: Tenancy = { tenant: 'default' };
  return {
    issuer: issuerName,
    audiences: [audience],
    algorithms: ['ES256'],
    types: issuerPresets.generic.types,
    maxLifetimeMs: 3_600_000,
    keys,
    read: humanReader(issuerName, issuerPresets.generic, tenancy),
    ...changes,
  };
}

export const refused = (code: string) => expect.objectContaining({ code }) as unknown as Error;
