import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { createHttpApp, type HttpAppOptions } from '../../../src/gateway/http/app.ts';
import { logRoutes } from '../../../src/gateway/http/log-routes.ts';
import { utf8 } from '../../../src/call/sha256.ts';

function app(options: Partial<HttpAppOptions> = {}) {
  const errors: unknown[] = [];
  const acts = new Hono();
  acts.post('/act', ({ text }) => text('done'));
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
    isOwnHost: (host) => host === 'gate.example',
    origins: new Set(['https://console.example']),
    routes,
    ready: () => Promise.resolve({ ready: true, parts: {} }),
    onError: (error) => errors.push(error),
    ...options,
  });
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    made.request(path, { method, headers: { host: 'gate.example', ...headers } });
  return { ask, errors };
}

describe('the HTTP application', () => {
  it.each(['rebound.example', 'gate.example:81', '', 'gate.example.evil.example'])(
    'answers no other host name: “%s”',
    async (host) => {
      const { ask } = app();
      expect((await ask('/act', { host }, 'POST')).status).toBe(421);
      expect((await ask('/log/checkpoint', { host })).status).toBe(421);
      expect((await ask('/act', { host: 'GATE.example' }, 'POST')).status).toBe(200);
    },
  );

  it('lets pages of other origins read what is public, and nothing else', async () => {
    const { ask } = app();
    const page = { origin: 'https://page.example' };
    expect((await ask('/act', page, 'POST')).status).toBe(403);
    expect((await ask('/act', { origin: 'null' }, 'POST')).status).toBe(403);
    expect((await ask('/log/checkpoint', page, 'POST')).status).toBe(403);
    expect((await ask('/log/checkpoint', page)).headers.get('access-control-allow-origin')).toBe('*');
    expect((await ask('/act', { origin: 'https://console.example' }, 'POST')).status).toBe(200);
  });

  it('says that it is not ready, and why', async () => {
    const { ask } = app({ ready: () => Promise.resolve({ ready: false, parts: { ledger: 'LEDGER_FULL' } }) });
    expect((await ask('/readyz')).status).toBe(503);
    expect((await ask('/healthz')).status).toBe(200);
  });

  it('answers what fails unforeseen with a code, and tells the operator what it was', async () => {
    const { ask, errors } = app();
    const broken = await ask('/break');
    expect(broken.status).toBe(500);
    expect(await broken.text()).not.toContain('secret');
    expect(errors).toHaveLength(1);
    expect(await (await ask('/nothing')).json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });
});
