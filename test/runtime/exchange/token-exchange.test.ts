import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onBehalfSchema } from '../../../src/runtime/config/exchange-schema.ts';
import {
  keyAuthentication,
  secretAuthentication,
} from '../../../src/runtime/exchange/client-authentication.ts';
import { createTokenExchange, type TokenExchange } from '../../../src/runtime/exchange/token-exchange.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';

const gateway = 'https://gate.example.com';
const upstream = 'https://files.example.com';
const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

let provider: IdentityProvider;

beforeAll(async () => {
  provider = await startIdentityProvider({
    clients: [
      {
        client_id: 'gate-with-key',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'gate-1' }] },
        id_token_signed_response_alg: 'ES256',
        response_types: [],
        redirect_uris: [],
        grant_types: [grant],
      },
    ],
  });
}, 30_000);
afterAll(() => provider.kill());

type Changes = Partial<Parameters<typeof createTokenExchange>[0]>;

function exchangeAt(tokenEndpoint = `${provider.issuer}/token`, changes: Changes = {}): TokenExchange {
  return createTokenExchange({
    config: { tokenEndpoint, clientId: 'gate', clientSecret: 'gate-secret', audience: upstream },
    authentication: () => Promise.resolve(secretAuthentication('gate-secret')),
    fetch,
    ...changes,
  });
}

const claimsOf = (authorization: string) =>
  JSON.parse(Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
const exchanges = async () => (await provider.asked(grant)).length;

describe('a person’s token', () => {
  it('becomes one of the server’s own, for that person, that says who acts', async () => {
    const own = await provider.login('ada', gateway);
    const authorization = await exchangeAt().authorization(own, Infinity);
    expect(authorization).toMatch(/^Bearer /);
    expect(authorization).not.toContain(own);
    expect(claimsOf(authorization)).toMatchObject({ sub: 'ada', aud: upstream, act: { sub: 'gate' } });
  });

  it('is exchanged once for all requests of that person, and never for another one', async () => {
    const [ada, ben] = [await provider.login('ada', gateway), await provider.login('ben', gateway)];
    const exchange = exchangeAt();
    const before = await exchanges();
    const got = await Promise.all(
      [ada, ben, ada, ben, ada].map((token) => exchange.authorization(token, Infinity)),
    );
    expect(await exchanges()).toBe(before + 2);
    expect(got.map((authorization) => claimsOf(authorization)['sub'])).toEqual([
      'ada',
      'ben',
      'ada',
      'ben',
      'ada',
    ]);
    expect(
      await exchange.authorization(`${ada.slice(0, -2)}AA`, Infinity).catch((error: unknown) => error),
    ).toMatchObject({
      code: 'UPSTREAM_TOKEN_REFUSED',
    });
  });

  it('is exchanged again when either of the two tokens has ended', async () => {
    const ada = await provider.login('ada', gateway);
    let offset = 0;
    const exchange = exchangeAt(undefined, { now: () => Date.now() + offset });
    const before = await exchanges();
    await exchange.authorization(ada, Infinity);
    offset = 500_000;
    await exchange.authorization(ada, Infinity);
    expect(await exchanges()).toBe(before + 1);
    offset = 595_000;
    await exchange.authorization(ada, Infinity);
    expect(await exchanges()).toBe(before + 2);

    const short = exchangeAt();
    await short.authorization(ada, Date.now() - 1);
    await short.authorization(ada, Date.now() - 1);
    expect(await exchanges()).toBe(before + 4);
  });

  it('is exchanged again once the server did not take what came of it', async () => {
    const ada = await provider.login('ada', gateway);
    const exchange = exchangeAt();
    const first = await exchange.authorization(ada, Infinity);
    exchange.forget('Bearer another');
    expect(await exchange.authorization(ada, Infinity)).toBe(first);
    exchange.forget(first);
    await Promise.resolve();
    expect(await exchange.authorization(ada, Infinity)).not.toBe(first);
  });

  it('is kept for so many people and no more', async () => {
    const tokens = [await provider.login('ada', gateway), await provider.login('ben', gateway)];
    const exchange = exchangeAt(undefined, { maxKept: 1 });
    const before = await exchanges();
    for (const token of [...tokens, ...tokens]) await exchange.authorization(token, Infinity);
    expect(await exchanges()).toBe(before + 4);
  });

  it('is exchanged by a client with a key as well', async () => {
    const config = onBehalfSchema.parse({
      tokenEndpoint: `${provider.issuer}/token`,
      issuer: provider.issuer,
      clientId: 'gate-with-key',
      privateKeyFile: 'gate.key.pem',
      keyId: 'gate-1',
      resource: upstream,
    });
    const authentication = () => keyAuthentication(pem, 'gate-1', 'gate.key.pem');
    const exchange = exchangeAt(undefined, { config, authentication });
    const authorization = await exchange.authorization(await provider.login('ada', gateway), Infinity);
    expect(claimsOf(authorization)).toMatchObject({ sub: 'ada', act: { sub: 'gate-with-key' } });
    await expect(keyAuthentication(pem.slice(0, 100), undefined, 'x')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

/** A token endpoint that answers so. */
async function endpoint(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    [Symbol.dispose]: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const answering = (answer: object): RequestListener => {
  return (_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
};

const good = {
  access_token: 'upstream-token',
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  token_type: 'Bearer',
  expires_in: 600,
};

describe('what a token endpoint answers', () => {
  it.each<[string, object]>([
    ['the person’s own token', { ...good, access_token: 'own-token' }],
    ['a token of another type', { ...good, issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['one whose type is not said', { ...good, issued_token_type: undefined }],
    ['one that is bound to a key', { ...good, token_type: 'DPoP' }],
    ['one that is no header', { ...good, access_token: 'a\r\nCookie: b' }],
    ['one that is longer than any', { ...good, access_token: 'a'.repeat(20_000) }],
    ['none', { token_type: 'Bearer' }],
  ])('is no token of the server’s where it is %s', async (_, answer) => {
    using at = await endpoint(answering(answer));
    const error = await exchangeAt(at.url)
      .authorization('own-token', Infinity)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'UPSTREAM_TOKEN_REFUSED' });
    expect(`${(error as Error).message} ${String((error as Error).cause)}`).not.toMatch(
      /own-token|gate-secret/,
    );
  });

  it('is followed nowhere, read to no end, and waited for no longer than it may take', async () => {
    let asked = 0;
    using elsewhere = await endpoint((request, response) => {
      asked += 1;
      answering(good)(request, response);
    });
    using redirecting = await endpoint((_, response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    using endless = await endpoint((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = setInterval(() => response.write(' '.repeat(65_536)), 1);
      response.on('close', () => clearInterval(more));
    });
    for (const { url } of [redirecting, endless])
      await expect(exchangeAt(url).authorization('own-token', Infinity)).rejects.toMatchObject({
        code: 'UPSTREAM_TOKEN_REFUSED',
      });
    expect(asked).toBe(0);
  });

  it('is believed for a moment when it is no, so that a caller cannot have it asked without pause', async () => {
    let asked = 0;
    using at = await endpoint((_, response) => {
      asked += 1;
      response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
    });
    const exchange = exchangeAt(at.url);
    for (let time = 0; time < 20; time++)
      await expect(exchange.authorization('own-token', Infinity)).rejects.toMatchObject({
        message: expect.stringContaining('invalid_grant') as string,
      });
    expect(asked).toBe(1);
  });
});

describe('the section onBehalf', () => {
  const least = { tokenEndpoint: 'https://sso.example.com/token', clientId: 'gate' };
  it.each<[string, object]>([
    [
      'an endpoint without TLS',
      { ...least, tokenEndpoint: 'http://sso.example.com/token', clientSecret: 'x', audience: 'y' },
    ],
    ['neither secret nor key', { ...least, audience: 'y' }],
    ['both', { ...least, clientSecret: 'x', privateKeyFile: 'k', audience: 'y' }],
    ['a token that is for nobody in particular', { ...least, clientSecret: 'x' }],
    ['an actor’s token', { ...least, clientSecret: 'x', audience: 'y', actorToken: 'z' }],
  ])('refuses %s', (_, section) => {
    expect(onBehalfSchema.safeParse(section).success).toBe(false);
  });
});
