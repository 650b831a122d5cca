import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/sha256.ts';
import { CountersignError } from '../../../src/errors.ts';
import { createHttpApp, type HttpAppOptions, type SeenAnswer } from '../../../src/gateway/http/app.ts';
import { logRoutes } from '../../../src/gateway/http/log-routes.ts';
import type { Principal } from '../../../src/identity/principal.ts';

const key = { authorization: 'Bearer good' };

/** One that knows the key `good` alone. */
const gate: HttpAppOptions['gate'] = {
  authenticate: ({ apiKey }) => {
    if (apiKey === 'good') return Promise.resolve({ apiKeyId: 'one' } as Principal);
    const code = apiKey === undefined ? 'API_KEY_MISSING' : 'API_KEY_UNKNOWN';
    return Promise.reject(new CountersignError(code, 'No.'));
  },
};

function app(options: Partial<HttpAppOptions> = {}) {
  const errors: unknown[] = [];
  const seen: SeenAnswer[] = [];
  const held = Promise.withResolvers<void>();
  const acts = new Hono();
  acts.post('/act', ({ text }) => text('done'));
  acts.get('/metrics', ({ text }) => text('counted'));
  acts.get('/held/:id', async ({ text }) => {
    await held.promise;
    return text('let go');
  });
  acts.get('/break', () => {
    throw new Error('a secret');
  });
  const routes = [
    acts,
    logRoutes({
      read: (path) => Promise.resolve(path === 'checkpoint' ? utf8('a checkpoint') : undefined),
      trustedRoot: () => utf8('{}'),
    }),
  ];
  const made = createHttpApp({
    gate,
    isOwnHost: (host) => host === 'gate.example',
    origins: new Set(['https://console.example']),
    routes,
    maxInFlightPerKey: 2,
    ready: () => Promise.resolve({ ready: true, parts: {} }),
    version: '0',
    onAnswer: (answer) => seen.push(answer),
    onError: (error) => errors.push(error),
    ...options,
  });
  const ask = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    made.request(path, { method, headers: { host: 'gate.example', ...headers } });
  return { ask, errors, seen, release: held.resolve };
}

describe('the HTTP application', () => {
  it.each(['rebound.example', 'gate.example:81', '', 'gate.example.evil.example'])(
    'answers no other host name: “%s”',
    async (host) => {
      const { ask } = app();
      expect((await ask('/act', { ...key, host }, 'POST')).status).toBe(421);
      expect((await ask('/log/checkpoint', { host })).status).toBe(421);
      expect((await ask('/act', { ...key, host: 'GATE.example' }, 'POST')).status).toBe(200);
    },
  );

  it('tells whoever has no key nothing: paths, methods and what is not there look alike', async () => {
    const { ask } = app();
    const asked = [
      ['/act', 'POST'],
      ['/act', 'GET'],
      ['/nothing', 'GET'],
      ['/nothing', 'DELETE'],
      ['/act', 'OPTIONS'],
      ['/openapi.json', 'GET'],
      ['/metrics', 'GET'],
      ['/log/checkpoint', 'POST'],
      ['/healthz', 'POST'],
      ['/log', 'GET'],
      ['//log/checkpoint', 'GET'],
      ['/LOG/checkpoint', 'GET'],
    ] as const;
    const answers = await Promise.all(
      asked.map(async ([path, method]) => {
        const response = await ask(path, {}, method);
        return [response.status, [...response.headers], await response.text()];
      }),
    );
    expect(answers[0]?.[0]).toBe(401);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  it('challenges as RFC 6750 says: an error is told only to those who brought something', async () => {
    const { ask } = app();
    const challenge = async (headers = {}) =>
      (await ask('/act', headers, 'POST')).headers.get('www-authenticate');
    expect(await challenge()).toBe('Bearer realm="countersign"');
    expect(await challenge({ authorization: 'Bearer wrong' })).toBe(
      'Bearer realm="countersign", error="invalid_token"',
    );
    expect((await ask('/nothing', key)).status).toBe(404);
  });

  it('has so many requests of one key at a time, and no place is lost', async () => {
    const { ask, release } = app();
    const running = [ask('/held/1', key), ask('/held/2', key)];
    await new Promise((resolve) => setTimeout(resolve));
    const refused = await ask('/act', key, 'POST');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(await refused.json()).toMatchObject({ error: { code: 'KEY_OVER_LIMIT' } });
    release();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    for (let i = 0; i < 5; i += 1) expect((await ask('/break', key)).status).toBe(500);
    expect((await ask('/act', key, 'POST')).status).toBe(200);
  });

  it('says that it is not ready, and what is missing to those who have a key', async () => {
    const { ask } = app({ ready: () => Promise.resolve({ ready: false, parts: { ledger: 'LEDGER_FULL' } }) });
    const asked = await ask('/readyz');
    expect([asked.status, await asked.json()]).toEqual([503, { ready: false }]);
    expect(await (await ask('/readyz', key)).json()).toEqual({
      ready: false,
      parts: { ledger: 'LEDGER_FULL' },
    });
    expect((await ask('/readyz', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask('/healthz')).status).toBe(200);
  });

  it('asks its parts no more often for being asked without a key', async () => {
    let asked = 0;
    const { ask } = app({
      ready: () => {
        asked += 1;
        return Promise.resolve({ ready: true, parts: {} });
      },
    });
    for (let i = 0; i < 20; i += 1) await ask('/readyz');
    expect(asked).toBe(1);
  });

  it('answers what fails unforeseen with a code, and tells the operator what it was', async () => {
    const { ask, errors } = app();
    const broken = await ask('/break', key);
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain('secret');
    expect(errors).toHaveLength(1);
    expect(await (await ask('/nothing', key)).json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });

  it('tells an observer of answers by route and code, in no word of a caller', async () => {
    const { ask, seen, release } = app();
    release();
    await ask('/held/a-name-of-theirs', key);
    await ask('/nothing-such-as-this', key);
    await ask('/act');
    await ask('/break', key);
    expect(seen.map(({ route, status, code }) => [route, status, code])).toEqual([
      ['/held/:id', 200, undefined],
      ['none', 404, 'NOT_FOUND'],
      ['none', 401, 'API_KEY_MISSING'],
      ['/break', 500, 'INTERNAL'],
    ]);
  });

  it('begins nothing for HEAD but what is public', async () => {
    const { ask } = app();
    expect((await ask('/held/1', {}, 'HEAD')).status).toBe(401);
    expect((await ask('/held/1', key, 'HEAD')).status).toBe(405);
    expect((await ask('/log/checkpoint', {}, 'HEAD')).status).toBe(200);
  });

  it('answers a path without a key where the operator made it public', async () => {
    const { ask } = app({ publicPaths: new Set(['/metrics']) });
    expect((await ask('/metrics')).status).toBe(200);
    expect((await ask('/metrics/')).status).toBe(401);
  });
});

describe('pages of other origins', () => {
  const stranger = { origin: 'https://page.example' };
  const ours = { origin: 'https://console.example' };
  const preflight = (method: string) => ({ 'access-control-request-method': method });

  it('read what is published, and nothing else', async () => {
    const { ask } = app();
    expect((await ask('/act', { ...key, ...stranger }, 'POST')).status).toBe(403);
    expect((await ask('/act', { ...key, origin: 'null' }, 'POST')).status).toBe(403);
    expect((await ask('/log/checkpoint', stranger, 'POST')).status).toBe(403);
    expect((await ask('/healthz', stranger)).status).toBe(403);
    const open = await ask('/log/checkpoint', stranger);
    expect([open.status, open.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
    expect((await ask('/log/tile/none', stranger)).headers.get('access-control-allow-origin')).toBe('*');
  });

  it('may call where they are configured, and caches keep their answers apart', async () => {
    const { ask } = app();
    const answered = await ask('/act', { ...key, ...ours }, 'POST');
    expect(answered.status).toBe(200);
    expect(answered.headers.get('access-control-allow-origin')).toBe(ours.origin);
    expect(answered.headers.get('vary')).toBe('Origin');
    expect((await ask('/act', key, 'POST')).headers.get('vary')).toBe('Origin');
    const refused = await ask('/act', ours, 'POST');
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, ours.origin]);
    expect(answered.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('have a preflight answered where they are configured, or ask for what is published', async () => {
    const { ask } = app();
    const allowed = await ask('/act', { ...ours, ...preflight('POST') }, 'OPTIONS');
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ours.origin);
    expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
    expect(allowed.headers.get('vary')).toContain('Origin');
    expect((await ask('/act', { ...stranger, ...preflight('POST') }, 'OPTIONS')).status).toBe(403);
    expect((await ask('/log/checkpoint', { ...stranger, ...preflight('POST') }, 'OPTIONS')).status).toBe(403);
    const published = await ask('/log/checkpoint', { ...stranger, ...preflight('GET') }, 'OPTIONS');
    expect([published.status, published.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });
});
