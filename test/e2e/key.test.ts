import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countersign, testHome, type TestHome } from '../support/home.ts';
import { startServing } from '../support/serving.ts';
import { startWire } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;

let home: TestHome;
beforeAll(async () => {
  home = await testHome();
});
afterAll(() => home[Symbol.asyncDispose]());

interface KeyDocument {
  readonly id: string;
  readonly apiKey: string;
  readonly status: string;
  readonly until: string | null;
}

async function key(...args: string[]): Promise<KeyDocument> {
  const { code, stdout, stderr } = await home.here('key', ...args, '--json');
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as KeyDocument;
}

async function listed(): Promise<readonly KeyDocument[]> {
  return JSON.parse((await home.here('key', 'list', '--json')).stdout) as KeyDocument[];
}

interface Entry {
  readonly kind: string;
  readonly statement: { readonly predicate: { readonly change?: Record<string, unknown> } };
}

/** What the log states of keys, without their times. */
async function stated(): Promise<readonly Record<string, unknown>[]> {
  const { stdout } = await home.here('log', 'tail', '-n', '1000', '--json');
  const entries = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
  return entries.flatMap(({ statement: { predicate } }) =>
    String(predicate.change?.['kind']).startsWith('api-key-') && predicate.change ? [predicate.change] : [],
  );
}

describe('countersign key', () => {
  it('prints a key alone on standard output, and what it is for beside it', async () => {
    const { code, stdout, stderr } = await home.cli(
      ...['key', 'create', '--agent', 'planner', '--tool', 'files/read_*', '--network', '10.0.0.0/8'],
      ...['--expires', '90d'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^cs_live_[0-9A-Za-z]{49}\n$/);
    for (const part of ['planner', 'files/read_*', '10.0.0.0/8', 'shown this once'])
      expect(stderr).toContain(part);
    expect(stderr).not.toContain(stdout.trim());
  });

  it('lists every key by its id, with what it is for, and never a digest or a key', async () => {
    const agents = ['planner', 'spiffe://example.org/agent/other'];
    const made = await key('create', ...agents.flatMap((agent) => ['--agent', agent]), '--tenant', 'acme');
    const all = await listed();
    expect(all.find(({ id }) => id === made.id)).toEqual({
      id: made.id,
      tenant: 'acme',
      agents,
      tools: null,
      networks: null,
      status: 'active',
      created: expect.any(String),
      until: null,
    });
    const [{ stdout: text }, { stdout: json }] = await Promise.all([
      home.here('key', 'list'),
      home.here('key', 'list', '--json'),
    ]);
    const { keys } = JSON.parse(readFileSync(join(home.home, 'api-keys.json'), 'utf8')) as {
      keys: readonly { id: string; digest: string }[];
    };
    for (const { id, digest } of keys) {
      expect(text).toContain(id);
      expect(text + json).not.toContain(digest);
    }
    expect(text + json).not.toContain('cs_live_');
  });

  it('knows an agent of the home’s own trust domain by its name, however it is given', async () => {
    const { trustDomain } = JSON.parse(readFileSync(join(home.home, 'home.json'), 'utf8')) as {
      trustDomain: string;
    };
    const whole = `spiffe://${trustDomain}/agent/planner`;
    expect(await key('create', '--agent', whole, '--agent', 'planner')).toMatchObject({
      agents: ['planner'],
    });
  });

  it('rotates: a key of the same scope, and an end of the old one', async () => {
    const old = await key('create', '--agent', 'planner', '--tool', 'files/*');
    const rotated = await key('rotate', old.id, '--overlap', '1h');
    expect(rotated).toMatchObject({
      agents: ['planner'],
      tools: ['files/*'],
      status: 'active',
      replaces: { id: old.id, until: expect.any(String) },
    });
    expect((await listed()).find(({ id }) => id === old.id)).toMatchObject({
      status: 'ending',
      successor: rotated.id,
    });
  });

  it('revokes as often as it is said', async () => {
    const made = await key('create');
    for (const _ of [1, 2]) expect(await key('revoke', made.id)).toMatchObject({ status: 'revoked' });
  });

  it('states each change in the log, for its id and what it is for, and nothing that is secret', async () => {
    const old = await key('create', '--agent', 'planner', '--tool', 'files/*');
    const rotated = await key('rotate', old.id);
    await key('revoke', old.id);
    const about = (await stated()).filter(({ id }) => id === old.id);
    const scope = { id: old.id, tenant: 'default', agents: ['planner'], tools: ['files/*'] };
    const ended = { ...scope, notAfter: expect.any(String) as string };
    expect(about).toEqual([
      { kind: 'api-key-created', ...scope },
      { kind: 'api-key-rotated', ...ended, successor: { ...scope, id: rotated.id } },
      { kind: 'api-key-revoked', ...ended },
    ]);
    const { stdout } = await home.here('log', 'tail', '-n', '1');
    expect(stdout).toContain(`api-key-revoked ${old.id}`);
  });

  it('loses nothing when several are made at once, and keeps its file private', async () => {
    const made = await Promise.all(
      [1, 2, 3].map(
        async () => JSON.parse((await home.cli('key', 'create', '--json')).stdout) as KeyDocument,
      ),
    );
    const ids = (await listed()).map(({ id }) => id);
    for (const { id } of made) expect(ids).toContain(id);
    expect(statSync(join(home.home, 'api-keys.json')).mode & 0o777).toBe(0o600);
  });

  it.each([
    [['create', '--agent', '*'], /--agent “\*” is no agent/],
    [['create', '--agent', 'spiffe://UPPER/agent/x'], /--agent/],
    [['create', '--tool', 'read_file'], /--tool “read_file” must be server\/tool/],
    [['create', '--tool', 'files/**'], /--tool/],
    [['create', '--network', '10.0.0.1/8'], /--network “10.0.0.1\/8” is no CIDR/],
    [['create', '--expires', 'soon'], /--expires takes a time/],
    [['create', '--expires', '0m'], /still to come/],
    [['create', '--expires', '2020-01-01T00:00:00Z'], /still to come/],
    [['create', '--expires', '2099-02-30T00:00:00Z'], /--expires takes a time/],
    [['create', '--tenant', ''], /--tenant/],
    [['create', 'planner'], /./],
    [['rotate'], /the id of one key/],
    [['rotate', 'a', 'b'], /the id of one key/],
    [['rotate', 'key-1', '--overlap', '-1h'], /./],
    [['revoke', 'cs_live_oops'], /not the key/],
    [['remove'], /create, list, rotate, revoke/],
    [[], /create, list, rotate, revoke/],
  ])('refuses %j, and says why', async (args, why) => {
    const before = readFileSync(join(home.home, 'api-keys.json'), 'utf8');
    const { code, stdout, stderr } = await home.here('key', ...args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(why);
    expect(stderr).toContain('USAGE');
    expect(readFileSync(join(home.home, 'api-keys.json'), 'utf8')).toBe(before);
  });

  it('says that it knows no such key', async () => {
    for (const verb of ['rotate', 'revoke']) {
      const { code, stderr } = await home.here('key', verb, 'key-nobody');
      expect(code).toBe(1);
      expect(stderr).toContain('NOT_FOUND');
    }
  });

  it('and `keys` tell of each other', async () => {
    expect((await home.cli('help', 'key')).stdout).toMatch(/countersign keys\b/);
    expect((await home.cli('help', 'keys')).stdout).toMatch(/countersign key\b[^s]/);
  });
});

interface Service extends AsyncDisposable {
  readonly url: string;
  /** Calls that reached `/held`, which never answers. */
  held(): number;
}

/** Carries actions out. */
async function startService(): Promise<Service> {
  let held = 0;
  const server = createServer(({ url }, response) => {
    if (url === '/held') held += 1;
    else response.end('{"set":true}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    held: () => held,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const allowEverything = `version: 1
name: all
rules:
  - { id: act, effect: allow, tools: ["actions/*", "effects/perform"] }
`;

interface Gateway extends AsyncDisposable {
  call(action: 'act' | 'wait', apiKey: string): Promise<{ readonly status: number; readonly json: unknown }>;
}

async function serve(service: Service): Promise<Gateway> {
  const policy = join(home.work, 'all.yaml');
  writeFileSync(policy, allowEverything);
  const gateway = await startServing(home, {
    name: 'serve.yaml',
    text: `version: 1
listen: { port: 0 }
policies: ["${policy}"]
actions:
  act:
    description: Acts.
    parameters: { type: object, properties: {}, additionalProperties: false }
    request: { url: "${service.url}" }
  wait:
    description: Takes its time.
    parameters: { type: object, properties: {}, additionalProperties: false }
    request: { url: "${service.url}held", timeout: 2m }
`,
  });
  return {
    async call(action, apiKey) {
      const headers = { authorization: `Bearer ${apiKey}` };
      const response = await gateway.ask(`/actions/${action}`, { method: 'POST', body: '{}', headers });
      return { status: response.status, json: await response.json() };
    },
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

describe('a key that is revoked while a gate runs', () => {
  it('counts for no further call of `serve`, within a second; its successor does', async () => {
    await using service = await startService();
    await using gateway = await serve(service);
    const old = await key('create');
    expect((await gateway.call('act', old.apiKey)).status).toBe(200);
    const next = await key('rotate', old.id);
    for (const { apiKey } of [old, next]) expect((await gateway.call('act', apiKey)).status).toBe(200);
    await key('revoke', old.id);
    const revoked = performance.now();
    expect(await gateway.call('act', old.apiKey)).toMatchObject({
      status: 401,
      json: { error: { code: 'API_KEY_REVOKED' } },
    });
    expect(performance.now() - revoked).toBeLessThan(1_000);
    expect((await gateway.call('act', next.apiKey)).status).toBe(200);
  });

  it('ends the call that it is running, which may have run', async () => {
    await using service = await startService();
    await using gateway = await serve(service);
    const made = await key('create');
    const running = gateway.call('wait', made.apiKey);
    await expect.poll(() => service.held()).toBe(1);
    await key('revoke', made.id);
    expect(await running).toMatchObject({
      json: { _meta: { 'dev.countersign/denial': { code: 'API_KEY_REVOKED' } } },
    });
    const { stdout } = await home.here('log', 'tail', '-n', '20');
    expect(stdout).toMatch(/unknown +API_KEY_REVOKED/);
  });

  it('counts for no further call of `wrap`, within a second, and the answer says why', async () => {
    writeFileSync(join(home.home, 'policy.yaml'), allowEverything);
    const made = await key('create');
    const args = [
      'wrap',
      '--name',
      'effects',
      '--',
      process.execPath,
      effectsServer,
      join(home.work, 'effects'),
    ];
    const wire = startWire(process.execPath, [countersign, ...args], {
      ...home.env,
      COUNTERSIGN_API_KEY: made.apiKey,
    });
    const perform = () => wire.request('tools/call', { name: 'perform', arguments: { word: 'x' } });
    expect((await perform()).result?.isError).toBeUndefined();
    await key('revoke', made.id);
    const revoked = performance.now();
    const { result } = await perform();
    expect(performance.now() - revoked).toBeLessThan(1_000);
    expect(result).toMatchObject({
      isError: true,
      _meta: { 'dev.countersign/denial': { code: 'API_KEY_REVOKED' } },
    });
    await wire.end();
    expect(readFileSync(join(home.work, 'effects'), 'utf8')).toBe('x\n');
  });
});
