import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectGate } from '../../../src/client/connect-gate.ts';
import { governed } from '../../../src/client/governed.ts';
import type { CallOptions, GateClient } from '../../../src/client/gate-client.ts';
import { CountersignError } from '../../../src/errors.ts';
import { credentialsOf } from '../../../src/gateway/http/credentials.ts';
import type { Credentials } from '../../../src/identity/principal.ts';
import { environmentGrant } from '../../../src/runtime/grants/grant-environment.ts';
import { callCredentials } from '../../../src/runtime/login/call-credentials.ts';
import { createRemoteSession } from '../../../src/runtime/connect/remote-session.ts';
import { refusedHead } from '../../../src/runtime/serve/http-refusals.ts';
import { childEnvironment } from '../../../src/targets/depth.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-grant-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the environment’s grant', () => {
  const refused = (code: string) => expect.objectContaining({ code }) as unknown as Error;

  it('is none where nothing is set', () => {
    expect(environmentGrant({})).toBeUndefined();
  });

  it('is refused where it is empty, or said twice: whoever sets it means to narrow', () => {
    expect(() => environmentGrant({ COUNTERSIGN_GRANT: '' })).toThrow(refused('CONFIG_INVALID'));
    expect(() => environmentGrant({ COUNTERSIGN_GRANT: 'a', COUNTERSIGN_GRANT_FILE: 'b' })).toThrow(
      refused('CONFIG_INVALID'),
    );
  });

  it('is read of its file again when that has changed, and refused when that is gone, too long or anybody’s', async () => {
    const file = join(folder, 'task.grant');
    writeFileSync(file, 'first\n', { mode: 0o600 });
    const source = environmentGrant({ COUNTERSIGN_GRANT_FILE: file });
    expect(await source?.()).toBe('first');
    writeFileSync(file, 'another\n');
    expect(await source?.()).toBe('another');
    writeFileSync(file, 'x'.repeat(40_000));
    await expect(source?.()).rejects.toEqual(refused('GRANT_INVALID'));
    writeFileSync(file, '');
    await expect(source?.()).rejects.toEqual(refused('GRANT_INVALID'));
    writeFileSync(file, 'open');
    chmodSync(file, 0o666);
    await expect(source?.()).rejects.toEqual(refused('GRANT_INVALID'));
    rmSync(file);
    await expect(source?.()).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it('is not told to what is started', () => {
    const env = childEnvironment({ COUNTERSIGN_GRANT: 'a', countersign_grant_file: 'b', PATH: 'c' });
    expect(Object.keys(env).sort()).toEqual(['COUNTERSIGN_DEPTH', 'PATH']);
  });
});

describe('the credentials of a wrapped server’s calls', () => {
  it('have the grant beside the token', async () => {
    const source = callCredentials(
      'key',
      () => Promise.resolve('t'),
      () => Promise.resolve('g'),
    );
    expect(await source()).toEqual({ apiKey: 'key', humanToken: 't', grant: 'g' });
    expect(await callCredentials('key', undefined, () => Promise.resolve('g'))()).toEqual({
      apiKey: 'key',
      grant: 'g',
    });
  });

  it('say why there is no grant where there should be one', async () => {
    const gone = new CountersignError('GRANT_INVALID', 'It is not there.');
    expect(await callCredentials('key', undefined, () => Promise.reject(gone))()).toEqual({
      apiKey: 'key',
      grantUnavailable: { code: 'GRANT_INVALID', message: 'It is not there.' },
    });
    const odd = await callCredentials('key', undefined, () => Promise.reject(new Error('secret')))();
    expect(JSON.stringify(odd)).not.toContain('secret');
    expect(odd).toHaveProperty('grantUnavailable');
  });
});

describe('over HTTP', () => {
  async function seen(...headers: readonly (readonly [string, string])[]): Promise<Credentials> {
    const app = new Hono();
    let found: Credentials | undefined;
    app.get('/', (context) => {
      found = credentialsOf(context);
      return context.text('');
    });
    const all = new Headers();
    for (const [name, value] of headers) all.append(name, value);
    await app.request('/', { headers: all });
    return found as Credentials;
  }

  it('it is the header Countersign-Grant, empty ones included', async () => {
    expect((await seen(['Countersign-Grant', 'g'])).grant).toBe('g');
    expect((await seen(['Countersign-Grant', ''])).grant).toBe('');
    expect((await seen()).grant).toBeUndefined();
  });

  it('two of them are neither', async () => {
    const { grant } = await seen(['countersign-grant', 'g'], ['countersign-grant', 'h']);
    expect(['g', 'h']).not.toContain(grant);
    const rawHeaders = ['Countersign-Grant', 'g', 'countersign-grant', 'h'];
    expect(refusedHead({ url: '/', method: 'POST', rawHeaders } as never)?.code).toBe('FRAME_INVALID');
  });

  it('a relay sends the one of the moment with each request', async () => {
    const sent: (string | undefined)[] = [];
    const grants = ['first', undefined, 'third'];
    const session = createRemoteSession({
      endpoint: 'http://localhost/mcp',
      apiKey: 'k',
      grant: () => Promise.resolve(grants.shift()),
      send: (_, { headers }) => {
        sent.push((headers as Record<string, string>)['countersign-grant']);
        return Promise.resolve(new Response());
      },
    });
    const { signal } = new AbortController();
    await session.post(new Uint8Array(), {}, { signal });
    await session.listen(undefined, signal);
    await session.post(new Uint8Array(), {}, { signal });
    expect(sent).toEqual(['first', undefined, 'third']);
  });
});

describe('an application', () => {
  const call = { server: 'notes', tool: 'add', arguments: {} };

  it('gives a gate elsewhere one for every call, or one with a call', async () => {
    const sent: (string | null)[] = [];
    const fetch = (_: unknown, init?: RequestInit): Promise<Response> => {
      sent.push(new Headers(init?.headers).get('countersign-grant'));
      return Promise.resolve(new Response('{}'));
    };
    const gate = connectGate({ url: 'https://gate.test', apiKey: 'k', grant: 'all', fetch, retries: 0 });
    await gate.decide(call);
    await gate.decide(call, { grant: 'one' });
    const plain = connectGate({ url: 'https://gate.test', apiKey: 'k', fetch, retries: 0 });
    await plain.decide(call);
    expect(sent).toEqual(['all', 'one', null]);
  });

  it('gives an adapter one for every call, or one for whom a call is made', async () => {
    const asked: (CallOptions | undefined)[] = [];
    const gate: GateClient = {
      decide(_, options) {
        asked.push(options);
        return Promise.reject(new Error('not now'));
      },
      report: () => Promise.reject(new Error('never')),
      run: () => Promise.reject(new Error('never')),
    };
    const from = undefined;
    await governed({ gate, server: 'notes', grant: 'all' }).ask({ tool: 'add', arguments: {}, from });
    const identity = () => ({ humanToken: 't', grant: 'one' });
    await governed({ gate, server: 'notes', grant: 'all', identity }).ask({
      tool: 'add',
      arguments: {},
      from,
    });
    expect(asked).toEqual([{ grant: 'all' }, { humanToken: 't', grant: 'one' }]);
  });
});
