import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createProofVerifier } from '../../../src/identity/possession/dpop.ts';
import { thumbprintOf } from '../../../src/identity/tokens/jwk-thumbprint.ts';
import type { JsonObject } from '../../../src/call/json.ts';

const now = Date.UTC(2026, 10, 22, 12);
const seconds = now / 1_000;
const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln';
const url = 'https://gate.example.com/actions/refund';
const athOf = (text: string): string => createHash('sha256').update(text).digest('base64url');

interface Signer {
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
  readonly jkt: string;
}

async function signer(alg: string, options: { crv?: string; modulusLength?: number } = {}): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options });
  const jwk = await exportJWK(publicKey);
  return { alg, privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) };
}

interface Changes {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
}

let jti = 0;
async function proofBy({ alg, privateKey, jwk }: Signer, { header, claims }: Changes = {}): Promise<string> {
  const body = { htm: 'POST', htu: url, iat: seconds, jti: `jti-${jti++}`, ath: athOf(token), ...claims };
  const given = { alg, typ: 'dpop+jwt', jwk, ...header };
  return new SignJWT(body).setProtectedHeader(given).sign(privateKey);
}

const asked = (jwt: string, over: { method?: string; url?: string } = {}) => ({
  jwt,
  method: 'POST',
  url,
  ...over,
});

let es: Signer;
let other: Signer;
beforeAll(async () => {
  [es, other] = await Promise.all([signer('ES256'), signer('ES256')]);
});

describe('a DPoP proof', () => {
  it.each(['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256'])('holds when it is signed with %s', async (alg) => {
    const one = await signer(alg);
    const verifier = createProofVerifier();
    expect(await verifier.verify(asked(await proofBy(one)), token, now)).toEqual({ jkt: one.jkt });
  });

  it.each([
    ['for another method', {}, { method: 'GET' }],
    ['for another path', {}, { url: `${url}/all` }],
    ['for another host', {}, { url: 'https://gate.example.org/actions/refund' }],
    ['for another scheme', {}, { url: 'http://gate.example.com/actions/refund' }],
    ['for another port', {}, { url: 'https://gate.example.com:8443/actions/refund' }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['without a type', { header: { typ: undefined } }],
    ['without a key', { header: { jwk: undefined } }],
    ['with a URL for its key', { header: { jku: 'https://evil.example/keys' } }],
    ['with a certificate’s URL', { header: { x5u: 'https://evil.example/cert' } }],
    ['without a method', { claims: { htm: undefined } }],
    ['with a method in small letters', { claims: { htm: 'post' } }],
    ['without a URL', { claims: { htu: undefined } }],
    ['with a path alone', { claims: { htu: '/actions/refund' } }],
    ['with a URL that has a person in it', { claims: { htu: 'https://a@gate.example.com/actions/refund' } }],
    [
      'with a URL that a parser would mend',
      { claims: { htu: 'https:\\\\gate.example.com\\actions\\refund' } },
    ],
    ['without a token’s digest', { claims: { ath: undefined } }],
    ['for another token', { claims: { ath: athOf('another') } }],
    ['without a name', { claims: { jti: undefined } }],
    ['with an empty name', { claims: { jti: '' } }],
    ['with a name that is too long', { claims: { jti: 'x'.repeat(257) } }],
    ['with a name that is no text', { claims: { jti: 7 } }],
    ['without a time', { claims: { iat: undefined } }],
    ['with a time that is text', { claims: { iat: String(seconds) } }],
    ['of a minute ago', { claims: { iat: seconds - 61 } }],
    ['of the future', { claims: { iat: seconds + 31 } }],
  ] as const)('%s is none', async (_, changes: Changes, over: { method?: string; url?: string } = {}) => {
    const verifier = createProofVerifier();
    const jwt = await proofBy(es, changes);
    expect(await verifier.verify(asked(jwt, over), token, now)).toBe('PROOF_INVALID');
  });

  it.each([-60, 0, 30])('holds at %i seconds from now', async (offset) => {
    const jwt = await proofBy(es, { claims: { iat: seconds + offset } });
    expect(await createProofVerifier().verify(asked(jwt), token, now)).toEqual({ jkt: es.jkt });
  });

  it.each([
    ['HTTPS://GATE.example.com/actions/refund', url],
    ['https://gate.example.com:443/actions/refund', url],
    ['https://gate.example.com/actions/refund?x=1#y', url],
    [url, `${url}?dry=1`],
    ['http://gate.example.com:80', 'http://gate.example.com/'],
  ])('for %s is for %s', async (htu, there) => {
    const jwt = await proofBy(es, { claims: { htu } });
    expect(await createProofVerifier().verify(asked(jwt, { url: there }), token, now)).toEqual({
      jkt: es.jkt,
    });
  });

  it('with the private half of its key is none: that key is everybody’s now', async () => {
    const jwk = await exportJWK(es.privateKey);
    const jwt = await proofBy(es, { header: { jwk } });
    expect(await createProofVerifier().verify(asked(jwt), token, now)).toBe('PROOF_INVALID');
  });

  it('that names another key than it is signed with is none', async () => {
    const jwt = await proofBy(es, { header: { jwk: other.jwk } });
    expect(await createProofVerifier().verify(asked(jwt), token, now)).toBe('PROOF_INVALID');
  });

  it('with a shared secret for a key is none', async () => {
    const secret = new TextEncoder().encode('a secret of thirty-two bytes ...');
    const jwk = { kty: 'oct', k: Buffer.from(secret).toString('base64url') };
    const claims = { htm: 'POST', htu: url, iat: seconds, jti: 'x', ath: athOf(token) };
    const jwt = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk })
      .sign(secret);
    expect(await createProofVerifier().verify(asked(jwt), token, now)).toBe('PROOF_INVALID');
  });

  it('on a curve, or with a key, that is not taken is none', async () => {
    const verifier = createProofVerifier();
    for (const one of [await signer('ES384'), await signer('PS512')])
      expect(await verifier.verify(asked(await proofBy(one)), token, now)).toBe('PROOF_INVALID');
  });

  it('that comes twice in one header is none', async () => {
    const jwt = `${await proofBy(es)}, ${await proofBy(es)}`;
    expect(await createProofVerifier().verify(asked(jwt), token, now)).toBe('PROOF_INVALID');
  });

  it('of another key than the token’s is none, and takes no place', async () => {
    const verifier = createProofVerifier({ perOwner: 1, all: 1 });
    const jwt = await proofBy(other);
    expect(await verifier.verify(asked(jwt), token, now, es.jkt)).toBe('PROOF_INVALID');
    expect(await verifier.verify(asked(await proofBy(es)), token, now, es.jkt)).toEqual({ jkt: es.jkt });
  });

  it('is none whatever text comes in its place', async () => {
    const verifier = createProofVerifier();
    const part = fc.oneof(fc.base64String(), fc.string(), fc.constantFrom('', 'e30', 'bnVsbA', 'W10'));
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), async (parts) => {
        expect(await verifier.verify(asked(parts.join('.')), token, now)).toBe('PROOF_INVALID');
      }),
      { numRuns: 200 },
    );
  });
});

describe('a proof that was used', () => {
  it('is refused in another request, until it could not count any more', async () => {
    const verifier = createProofVerifier();
    const jwt = await proofBy(es, { claims: { iat: seconds + 30 } });
    expect(await verifier.verify(asked(jwt), token, now)).toEqual({ jkt: es.jkt });
    for (const later of [0, 60_000, 90_000])
      expect(await verifier.verify(asked(jwt), token, now + later)).toBe('PROOF_REPLAYED');
    expect(await verifier.verify(asked(jwt), token, now + 91_000)).toBe('PROOF_INVALID');
  });

  it('is the same when the same request asks again', async () => {
    const verifier = createProofVerifier();
    const request = asked(await proofBy(es));
    const answers = await Promise.all([1, 2, 3].map(() => verifier.verify(request, token, now)));
    expect(answers).toEqual([{ jkt: es.jkt }, { jkt: es.jkt }, { jkt: es.jkt }]);
    expect(await verifier.verify({ ...request }, token, now)).toBe('PROOF_REPLAYED');
  });

  it('counts once of two requests at the same time', async () => {
    const verifier = createProofVerifier();
    const jwt = await proofBy(es);
    const answers = await Promise.all([1, 2].map(() => verifier.verify(asked(jwt), token, now)));
    expect(answers.filter((answer) => answer === 'PROOF_REPLAYED')).toHaveLength(1);
  });

  it('is refused under the name of another one', async () => {
    const verifier = createProofVerifier();
    const changes = { claims: { jti: 'the same' } };
    await verifier.verify(asked(await proofBy(es, changes)), token, now);
    const again = await proofBy(es, { claims: { jti: 'the same', iat: seconds + 1 } });
    expect(await verifier.verify(asked(again), token, now)).toBe('PROOF_REPLAYED');
    expect(await verifier.verify(asked(await proofBy(other, changes)), token, now)).toEqual({
      jkt: other.jkt,
    });
  });

  it('does not come back to life when the clock steps back', async () => {
    const verifier = createProofVerifier();
    const jwt = await proofBy(es);
    await verifier.verify(asked(jwt), token, now);
    await verifier.verify(
      asked(await proofBy(other, { claims: { iat: seconds + 120 } })),
      token,
      now + 120_000,
    );
    expect(await verifier.verify(asked(jwt), token, now + 1_000)).toBe('PROOF_REPLAYED');
  });

  it('leaves places to others, however many one key asks for', async () => {
    const verifier = createProofVerifier({ perOwner: 2, all: 3 });
    const use = async (by: Signer) => verifier.verify(asked(await proofBy(by)), token, now);
    await use(es);
    await use(es);
    await expect(use(es)).rejects.toMatchObject({ code: 'KEY_OVER_LIMIT' });
    expect(await use(other)).toEqual({ jkt: other.jkt });
    await expect(use(other)).rejects.toMatchObject({ code: 'GATE_BUSY' });
    const later = await proofBy(es, { claims: { iat: seconds + 62 } });
    expect(await verifier.verify(asked(later), token, now + 62_000)).toEqual({ jkt: es.jkt });
  });
});

describe('the thumbprint of a key', () => {
  // RFC 7638 §3.1.
  const rfc7638 = {
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB',
    alg: 'RS256',
    kid: '2011-04-29',
  };
  // RFC 8037, appendix A.3.
  const rfc8037 = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
  // The key of the example in RFC 9449 §4.1; its thumbprint is in §6.1.
  const rfc9449 = {
    kty: 'EC',
    x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
    y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
    crv: 'P-256',
  };

  it.each([
    ['RFC 7638', rfc7638, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
    ['RFC 8037', rfc8037, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
    ['RFC 9449', rfc9449, '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'],
  ])('is that of %s', (_, jwk, expected) => {
    expect(thumbprintOf(jwk as JsonObject)).toBe(expected);
  });

  it('is none for another spelling of the same key', () => {
    expect(thumbprintOf({ ...rfc7638, e: 'AAEAAQ' })).toBeUndefined();
    expect(thumbprintOf({ ...rfc8037, x: `${rfc8037.x}=` })).toBeUndefined();
    expect(thumbprintOf({ ...rfc9449, x: `AA${rfc9449.x}` })).toBeUndefined();
    expect(thumbprintOf({ ...rfc9449, kty: '__proto__' })).toBeUndefined();
  });
});
