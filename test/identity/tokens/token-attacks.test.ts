import fc from 'fast-check';
import { exportSPKI, importJWK, SignJWT, type CryptoKey } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { base64url, utf8 } from '../../../src/call/bytes.ts';
import type { Human } from '../../../src/identity/principal.ts';
import {
  createTokenVerifier,
  type TokenIssuer,
  type TokenVerifier,
} from '../../../src/identity/tokens/token-verifier.ts';
import {
  audience,
  goodClaims,
  issuerName,
  jwksOf,
  keysOf,
  now,
  refused,
  seconds,
  sign,
  signRaw,
  testIssuer,
  testKey,
  type Claims,
  type TestKey,
} from './tokens.ts';

let key: TestKey;
let other: TestKey;
let verifier: TokenVerifier<Human>;

beforeAll(async () => {
  key = await testKey('k1');
  other = await testKey('k1');
  verifier = verifierOf();
});

function verifierOf(changes: Partial<TokenIssuer<Human>> = {}): TokenVerifier<Human> {
  return createTokenVerifier({
    holder: 'HUMAN',
    version: '1',
    issuers: [testIssuer(keysOf(key), changes)],
  });
}

const verify = (token: string, at = now) => verifier.verify(token, 'default', at);
const expectRefused = async (token: string | Promise<string>, code: string, at = now) => {
  await expect(verify(await token, at)).rejects.toThrow(refused(code));
};
const header = '{"alg":"ES256","kid":"k1","typ":"at+jwt"}';
const actedBy = (times: number): Claims => ({
  sub: `a${times}`,
  ...(times > 1 && { act: actedBy(times - 1) }),
});

describe('a token that its issuer signed for us', () => {
  it('says which person it is for', async () => {
    expect(await verify(await sign(key))).toMatchObject({
      value: {
        issuer: issuerName,
        subject: 'ada',
        tenant: 'default',
        roles: ['ot.operator'],
        groups: ['shift-a'],
      },
      expiresAt: (seconds + 600) * 1_000,
    });
  });

  it('may be for others as well', async () => {
    await expect(
      verify(await sign(key, { ...goodClaims, aud: ['https://other.test', audience] })),
    ).resolves.toBeDefined();
  });
});

describe('another spelling of a good token is refused', () => {
  const spellings: Record<string, (token: string) => string> = {
    'a trailing newline': (token) => `${token}\n`,
    'a leading space': (token) => ` ${token}`,
    'padding of the signature': (token) => `${token}==`,
    'the alphabet of plain base64': (token) => token.replace(/[-_]/, (char) => (char === '-' ? '+' : '/')),
    'a fourth part': (token) => `${token}.`,
    'six parts': (token) => `${token}.a.b.c`,
    'two parts': (token) => token.slice(0, token.lastIndexOf('.')),
    'no signature': (token) => token.slice(0, token.lastIndexOf('.') + 1),
    'JSON serialization': (token) => JSON.stringify({ payload: token.split('.')[1] }),
    nothing: () => '',
    'more than 16 KiB': (token) => token + 'A'.repeat(16_384),
  };
  it.each(Object.entries(spellings))('%s', async (_, respell) => {
    // A signature with a character that the two alphabets write differently.
    let token = await sign(key);
    while (!/[-_]/.test(token)) token = await sign(key, { ...goodClaims, jti: crypto.randomUUID() });
    await expectRefused(respell(token), 'HUMAN_TOKEN_MALFORMED');
  });

  it('unused bits that are set, in each part', async () => {
    // 64 bytes leave four unused bits in the last character: sixteen spellings of one signature.
    const token = await sign(key);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = alphabet.indexOf(token.at(-1) ?? '');
    const others = [...alphabet].filter((_, i) => i >> 4 === last >> 4 && i !== last);
    expect(others).toHaveLength(15);
    for (const one of others) await expectRefused(token.slice(0, -1) + one, 'HUMAN_TOKEN_MALFORMED');
  });
});

describe('a header is refused that', () => {
  const headers: readonly [what: string, header: Claims, code: string][] = [
    ['says that nothing was signed', { alg: 'none' }, 'HUMAN_TOKEN_ALGORITHM_REFUSED'],
    ['says it in capitals', { alg: 'NONE' }, 'HUMAN_TOKEN_ALGORITHM_REFUSED'],
    ['says that the public key was a secret', { alg: 'HS256' }, 'HUMAN_TOKEN_ALGORITHM_REFUSED'],
    ['names an algorithm of the prototype', { alg: 'constructor' }, 'HUMAN_TOKEN_ALGORITHM_REFUSED'],
    ['has no algorithm', { alg: undefined }, 'HUMAN_TOKEN_MALFORMED'],
    ['has an algorithm that is a list', { alg: ['ES256'] }, 'HUMAN_TOKEN_MALFORMED'],
    ['names a key by a number', { kid: 1 }, 'HUMAN_TOKEN_MALFORMED'],
    ['names a key that is not there', { kid: 'k2' }, 'HUMAN_TOKEN_KEY_UNKNOWN'],
    ['names a path', { kid: '../../dev/null' }, 'HUMAN_TOKEN_KEY_UNKNOWN'],
    ['names a query', { kid: "k1' OR '1'='1" }, 'HUMAN_TOKEN_KEY_UNKNOWN'],
    ['names a key by nothing', { kid: '' }, 'HUMAN_TOKEN_KEY_UNKNOWN'],
    ['names a member of the prototype', { kid: '__proto__' }, 'HUMAN_TOKEN_KEY_UNKNOWN'],
    ['brings its key along', { jwk: { kty: 'EC' } }, 'HUMAN_TOKEN_HEADER_REFUSED'],
    ['says where its keys are', { jku: 'https://evil.test/jwks' }, 'HUMAN_TOKEN_HEADER_REFUSED'],
    ['brings its certificate along', { x5c: ['MIIB'] }, 'HUMAN_TOKEN_HEADER_REFUSED'],
    ['says where its certificate is', { x5u: 'https://evil.test/x5c' }, 'HUMAN_TOKEN_HEADER_REFUSED'],
    ['has critical extensions', { crit: ['exp'], exp: 1 }, 'HUMAN_TOKEN_HEADER_REFUSED'],
    ['leaves the payload unencoded', { b64: false }, 'HUMAN_TOKEN_HEADER_REFUSED'],
    ['is that of an encrypted token', { enc: 'A256GCM' }, 'HUMAN_TOKEN_HEADER_REFUSED'],
    ['has no type', { typ: undefined }, 'HUMAN_TOKEN_TYPE_REFUSED'],
    ['is of an assertion grant', { typ: 'oauth-id-jag+jwt' }, 'HUMAN_TOKEN_TYPE_REFUSED'],
    ['is of a logout token', { typ: 'logout+jwt' }, 'HUMAN_TOKEN_TYPE_REFUSED'],
    ['is of a security event', { typ: 'secevent+jwt' }, 'HUMAN_TOKEN_TYPE_REFUSED'],
    ['is of a proof', { typ: 'dpop+jwt' }, 'HUMAN_TOKEN_TYPE_REFUSED'],
  ];
  it.each(headers)('%s', async (_, changes, code) => {
    const text = JSON.stringify({ alg: 'ES256', kid: 'k1', typ: 'at+jwt', ...changes });
    await expectRefused(signRaw(key, text, JSON.stringify(goodClaims)), code);
  });

  it('has a member twice, whichever of them is good', async () => {
    for (const text of [header.replace('{', '{"alg":"none",'), header.replace('}', ',"alg":"none"}')])
      await expectRefused(signRaw(key, text, JSON.stringify(goodClaims)), 'HUMAN_TOKEN_MALFORMED');
  });

  it('is no object', async () => {
    for (const text of ['[]', '"ES256"', 'null', '{', `${header} `.repeat(2), `\ufeff${header}`])
      await expectRefused(signRaw(key, text, JSON.stringify(goodClaims)), 'HUMAN_TOKEN_MALFORMED');
  });

  it('but the type may be spelt out, in any case (RFC 7515 §4.1.9)', async () => {
    await expect(verify(await sign(key, goodClaims, { typ: 'application/AT+JWT' }))).resolves.toBeDefined();
  });
});

describe('claims are refused that', () => {
  const claims: readonly [what: string, claims: Claims, code: string][] = [
    ['do not end', { exp: undefined }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['end at a text', { exp: String(seconds + 600) }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['end within a second', { exp: seconds + 600.5 }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['end in a list', { exp: [seconds + 600] }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['end before 1970', { exp: -1 }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['end beyond every date', { exp: 1e300 }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['do not say since when', { iat: undefined }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['end before they begin', { iat: seconds + 20, exp: seconds + 10 }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['live too long', { exp: seconds + 3_600 }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['count from a text on', { nbf: 'now' }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['have no subject', { sub: undefined }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['have an empty subject', { sub: '' }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['have a subject that is a number', { sub: 1 }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['are for nobody', { aud: undefined }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['are for a number', { aud: [audience, 1] }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['are for an empty list', { aud: [] }, 'HUMAN_TOKEN_AUDIENCE_REFUSED'],
    ['are for somebody else', { aud: 'https://other.test' }, 'HUMAN_TOKEN_AUDIENCE_REFUSED'],
    [
      'are for something that starts like us',
      { aud: `${audience}.evil.test` },
      'HUMAN_TOKEN_AUDIENCE_REFUSED',
    ],
    ['are of nobody', { iss: undefined }, 'HUMAN_TOKEN_ISSUER_UNKNOWN'],
    ['are of a list', { iss: [issuerName] }, 'HUMAN_TOKEN_ISSUER_UNKNOWN'],
    ['are of an issuer with another slash', { iss: `${issuerName}/` }, 'HUMAN_TOKEN_ISSUER_UNKNOWN'],
    ['are of the prototype', { iss: '__proto__' }, 'HUMAN_TOKEN_ISSUER_UNKNOWN'],
    ['have ended', { exp: seconds - 1 }, 'HUMAN_TOKEN_EXPIRED'],
    ['end now', { exp: seconds }, 'HUMAN_TOKEN_EXPIRED'],
    ['begin later', { iat: seconds + 31 }, 'HUMAN_TOKEN_NOT_YET_VALID'],
    ['count later', { nbf: seconds + 31 }, 'HUMAN_TOKEN_NOT_YET_VALID'],
    ['are those of an ID token', { at_hash: 'x' }, 'HUMAN_TOKEN_TYPE_REFUSED'],
    ['are those of an ID token of a code', { c_hash: 'x' }, 'HUMAN_TOKEN_TYPE_REFUSED'],
    ['are those of a program', { client_id: 'ada' }, 'HUMAN_TOKEN_SUBJECT_REFUSED'],
    ['are those of a workload', { sub: 'spiffe://plant.test/agent/planner' }, 'HUMAN_TOKEN_SUBJECT_REFUSED'],
    ['are handed on to a text', { act: 'planner' }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['are handed on to nobody', { act: { act: { sub: 'planner' } } }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['are handed on nine times', { act: actedBy(9) }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['may be handed on to a list', { may_act: [{ sub: 'planner' }] }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['narrow to no list', { authorization_details: {} }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    [
      'narrow in a way that is not known',
      { authorization_details: [{ type: 'countersign_tools', tools: ['*/*'], max: 1 }] },
      'HUMAN_TOKEN_CLAIMS_INVALID',
    ],
    ['have a scope that is a number', { scope: 1 }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['are bound to a key', { cnf: { jkt: 'A'.repeat(43) } }, 'HUMAN_TOKEN_UNBOUND'],
    ['are bound to a certificate', { cnf: { 'x5t#S256': 'A'.repeat(43) } }, 'HUMAN_TOKEN_UNBOUND'],
    ['are bound to what is no key', { cnf: { jkt: 'x' } }, 'HUMAN_TOKEN_UNBOUND'],
    ['are bound to a key that they bring', { cnf: { jwk: { kty: 'EC' } } }, 'HUMAN_TOKEN_UNBOUND'],
    ['are bound to nothing that we know', { cnf: null }, 'HUMAN_TOKEN_UNBOUND'],
    [
      'have roles that are no texts',
      { roles: ['ok', { name: 'ot.operator' }] },
      'HUMAN_TOKEN_CLAIMS_INVALID',
    ],
    ['have a role without end', { roles: ['x'.repeat(513)] }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['logged in at a text', { auth_time: 'today' }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
    ['are of a program: the subject is the client', { client_id: 'ada' }, 'HUMAN_TOKEN_SUBJECT_REFUSED'],
  ];
  it.each(claims)('%s', async (_, changes, code) => {
    await expectRefused(signRaw(key, header, JSON.stringify({ ...goodClaims, ...changes })), code);
  });

  it('have a claim twice, whichever of them is good, and however deep', async () => {
    const text = JSON.stringify(goodClaims);
    const twice = [
      text.replace('{', '{"sub":"root",'),
      text.replace('}', ',"sub":"root"}'),
      text.replace('{', '{"a":{"b":1,"b":2},'),
      text.replace('{', String.raw`{"s\u0075b":"root",`),
    ];
    for (const one of twice) await expectRefused(signRaw(key, header, one), 'HUMAN_TOKEN_MALFORMED');
  });

  it('end at infinity, or have text that is none', async () => {
    const text = JSON.stringify(goodClaims);
    const odd = [
      text.replace(/"exp":\d+/, '"exp":1e400'),
      text.replace('"ada"', String.raw`"\ud800"`),
      '[]',
      '"x"',
      `${text}{}`,
      '['.repeat(100) + ']'.repeat(100),
    ];
    for (const one of odd) await expectRefused(signRaw(key, header, one), 'HUMAN_TOKEN_MALFORMED');
  });

  it('but a clock that is 30 s ahead of ours is forgiven, at the beginning alone', async () => {
    await expect(verify(await sign(key, { ...goodClaims, iat: seconds + 30 }))).resolves.toBeDefined();
  });
});

describe('a signature is refused that', () => {
  it('another key made, under the name of the right one', async () => {
    await expectRefused(sign(other), 'HUMAN_TOKEN_SIGNATURE_INVALID');
  });

  it('is over other claims', async () => {
    const [head = '', , signature = ''] = (await sign(key)).split('.');
    const claims = base64url(utf8(JSON.stringify({ ...goodClaims, roles: ['admin'] })));
    await expectRefused(`${head}.${claims}.${signature}`, 'HUMAN_TOKEN_SIGNATURE_INVALID');
  });

  it('is all zeros, or too short, or in DER', async () => {
    const [head = '', claims = ''] = (await sign(key)).split('.');
    for (const bytes of [new Uint8Array(64), new Uint8Array(1), new Uint8Array(70).fill(0x30)])
      await expectRefused(`${head}.${claims}.${base64url(bytes)}`, 'HUMAN_TOKEN_SIGNATURE_INVALID');
  });

  it('was made with a shared secret that is the public key', async () => {
    const secret = await crypto.subtle.importKey(
      'raw',
      jwksOf(key),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    );
    const input = `${base64url(utf8(header.replace('ES256', 'HS256')))}.${base64url(utf8(JSON.stringify(goodClaims)))}`;
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', secret, utf8(input)));
    await expectRefused(`${input}.${base64url(mac)}`, 'HUMAN_TOKEN_ALGORITHM_REFUSED');
  });

  it('was made with a shared secret that is the public key of an issuer with RSA', async () => {
    const rsa = await testKey('rsa', 'RS256');
    const pem = await exportSPKI((await importJWK(rsa.jwk, 'RS256')) as CryptoKey);
    const forged = await new SignJWT({ ...goodClaims })
      .setProtectedHeader({ alg: 'HS256', kid: 'rsa', typ: 'at+jwt' })
      .sign(utf8(pem));
    const algorithms = ['RS256'] as const;
    await expect(
      verifierOf({ keys: keysOf(rsa), algorithms }).verify(forged, 'default', now),
    ).rejects.toThrow(refused('HUMAN_TOKEN_ALGORITHM_REFUSED'));
  });

  it('another issuer made, which is believed about others', async () => {
    const [mine, theirs] = [await testKey('k1'), await testKey('k1')];
    const two = createTokenVerifier({
      holder: 'HUMAN',
      version: '1',
      issuers: [testIssuer(keysOf(mine)), { ...testIssuer(keysOf(theirs)), issuer: 'https://other.test' }],
    });
    const claims = { ...goodClaims, iss: 'https://other.test' };
    await expect(two.verify(await sign(theirs, claims), 'default', now)).resolves.toBeDefined();
    for (const forged of [await sign(theirs), await sign(mine, claims)])
      await expect(two.verify(forged, 'default', now)).rejects.toThrow(
        refused('HUMAN_TOKEN_SIGNATURE_INVALID'),
      );
  });

  it('is of another algorithm than its key, though the issuer is configured for both', async () => {
    const rsa = await testKey('rsa', 'PS256');
    const both = createTokenVerifier({
      holder: 'HUMAN',
      version: '1',
      issuers: [testIssuer(keysOf(rsa), { algorithms: ['PS256', 'RS256'] })],
    });
    const text = (await sign(rsa)).replace(
      /^[^.]+/,
      base64url(utf8('{"alg":"RS256","kid":"rsa","typ":"at+jwt"}')),
    );
    await expect(both.verify(text, 'default', now)).rejects.toThrow(refused('HUMAN_TOKEN_ALGORITHM_REFUSED'));
  });
});

describe('a type that is never a token of somebody', () => {
  it.each(['oauth-id-jag+jwt', 'secevent+jwt', 'logout+jwt', 'dpop+jwt', 'application/OAuth-ID-JAG+JWT'])(
    '%s is refused, even where an issuer was configured for it',
    async (typ) => {
      const types = [typ.toLowerCase().replace('application/', '')];
      const token = await sign(key, goodClaims, { typ });
      await expect(verifierOf({ types }).verify(token, 'default', now)).rejects.toThrow(
        refused('HUMAN_TOKEN_TYPE_REFUSED'),
      );
    },
  );
});

describe('the reader of tokens', () => {
  it('refuses every text with a code of its own, and repeats nothing of it', async () => {
    const anyToken = fc.oneof(
      fc.string(),
      fc.tuple(fc.string(), fc.string(), fc.string()).map((parts) => parts.join('.')),
      fc
        .tuple(fc.json(), fc.json(), fc.string())
        .map((parts) => parts.map((part) => base64url(utf8(part))).join('.')),
      fc
        .record(
          { alg: fc.constantFrom('ES256', 'none'), kid: fc.string(), typ: fc.string() },
          { requiredKeys: [] },
        )
        .map(
          (head) =>
            `${base64url(utf8(JSON.stringify(head)))}.${base64url(utf8(JSON.stringify(goodClaims)))}.AAAA`,
        ),
    );
    await fc.assert(
      fc.asyncProperty(anyToken, async (token) => {
        const error: unknown = await verify(token).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: expect.stringMatching(/^HUMAN_TOKEN_/) as string });
        if (token.length > 12) expect(String(error)).not.toContain(token);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses a good token with any one character changed', async () => {
    const token = await sign(key);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: token.length - 1 }),
        fc.constantFrom(...'Aa0-_.=+\n '),
        async (at, character) => {
          fc.pre(token[at] !== character);
          await expect(verify(token.slice(0, at) + character + token.slice(at + 1))).rejects.toThrow(
            expect.objectContaining({
              code: expect.stringMatching(/^HUMAN_TOKEN_/) as string,
            }) as unknown,
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});
