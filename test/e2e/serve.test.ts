import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { countersign, countersignHere, testHome, type TestHome } from '../support/home.ts';

const patience = 30_000;

let home: TestHome;
let service: ActionService;
const gateways: Gateway[] = [];

beforeAll(async () => {
  home = await testHome();
  service = await startService();
});

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.end();
});

afterAll(async () => {
  service.server.closeAllConnections();
  service.server.close();
  await home[Symbol.asyncDispose]();
});

/** What carries the actions out: it answers `{"set":12.50}` unless it is held. */
interface ActionService {
  readonly server: Server;
  readonly url: string;
  readonly bodies: string[];
  /** Holds answers back until the function that it returns is called. */
  hold(): () => void;
}

async function startService(): Promise<ActionService> {
  const bodies: string[] = [];
  let held: Promise<void> | undefined;
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(`${request.headers.authorization ?? ''} ${body}`);
      void Promise.resolve(held).then(() => response.end('{"set":12.50}'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pressure`,
    bodies,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
  };
}

function configuration(limit = 100): string {
  const policy = join(home.work, 'ot.yaml');
  writeFileSync(
    policy,
    `version: 1
name: ot
rules:
  - { id: set-pressure, effect: allow, tools: ["actions/set-pressure"], when: "args.value <= ${limit}.0" }
`,
  );
  return `version: 1
listen: { port: 0 }
policies: ["${policy}"]
actions:
  set-pressure:
    description: Sets the pressure of the line.
    parameters:
      type: object
      properties: { value: { type: number, maximum: 1000 } }
      required: [value]
      additionalProperties: false
    request: { url: "${service.url}", headers: { authorization: "Bearer \${env:PLC_TOKEN}" } }
`;
}

interface Gateway {
  readonly child: ChildProcess;
  readonly url: string;
  stderr(): string;
  set(
    value: unknown,
    key?: string,
    signal?: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }>;
  end(): Promise<number | null>;
}

let configs = 0;

async function serve(text = configuration()): Promise<Gateway & { readonly file: string }> {
  const file = join(home.work, `serve-${(configs += 1)}.yaml`);
  writeFileSync(file, text);
  const child = spawn(process.execPath, [countersign, 'serve', '--config', file], {
    env: { ...home.env, PLC_TOKEN: 'sesame' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  await vi.waitFor(() => expect(said).toMatch(/listening on http:\S+\n/), {
    timeout: patience,
    interval: 20,
  });
  const url = /http:\S+/.exec(said)?.[0] ?? '';
  const gateway = {
    child,
    file,
    url,
    stderr: () => said,
    async set(value: unknown, key = home.apiKey, signal?: AbortSignal) {
      const response = await fetch(`${url}/actions/set-pressure`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ value }),
        ...(signal && { signal }),
      });
      return { status: response.status, text: await response.text() };
    },
    end() {
      child.kill('SIGTERM');
      return closed;
    },
  };
  gateways.push(gateway);
  return gateway;
}

async function verified(text: string, expectation: string): Promise<unknown> {
  const { stdout } = await countersignHere({
    env: home.env,
    args: ['verify', '--trust', home.trustFile, '--expect', expectation, '--json', '-'],
    input: text,
  });
  return JSON.parse(stdout);
}

async function kinds(): Promise<readonly string[]> {
  const { stdout } = await home.here('log', 'tail', '-n', '100000', '--json');
  return stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { kind: string }).kind);
}

describe('the gateway over HTTP', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await serve();
    gateways.length = 0;
  });
  afterAll(() => gateway.end());

  it('carries an allowed action out and answers with envelopes that verify, bound to the very bytes', async () => {
    const { status, text } = await gateway.set(12.5);
    expect(status).toBe(200);
    expect(service.bodies).toContain('Bearer sesame {"value":12.5}');
    expect(await verified(text, 'executed')).toMatchObject({
      ok: true,
      calls: [
        { binding: { result: 'raw' }, envelopes: [{ tool: 'actions/set-pressure', verdict: 'ALLOW' }, {}] },
      ],
    });
    expect(await verified(text.replace('12.50', '12.51'), 'executed')).toMatchObject({ ok: false });
    const other = text.replace(/"callId":"[0-9a-f]/, (start) => `${start.slice(0, -1)}f`);
    expect(await verified(other, 'executed')).toMatchObject({ ok: false });
  });

  it('blocks what policy does not allow, with a DENY that verifies as nothing else', async () => {
    const before = service.bodies.length;
    const { status, text } = await gateway.set(120);
    expect(status).toBe(403);
    expect(service.bodies).toHaveLength(before);
    expect(await verified(text, 'deny')).toMatchObject({ ok: true });
    expect(await verified(text, 'allow')).toMatchObject({ ok: false });
    expect(await verified(text.replace('no rule allows', 'a rule allows'), 'deny')).toMatchObject({
      ok: false,
    });
  });

  it('tells whoever has no key, or another host name, nothing', async () => {
    for (const path of ['/actions/set-pressure', '/actions/nothing']) {
      const response = await fetch(gateway.url + path, { method: 'POST', body: '{}' });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ error: { code: 'API_KEY_MISSING' } });
    }
    expect(await statusWith(`${gateway.url}/readyz`, { host: 'rebound.example:80' })).toBe(421);
    expect(await statusWith(`${gateway.url}/readyz`, { origin: 'https://page.example' })).toBe(403);
    expect(await statusWith(`${gateway.url}/readyz`, {})).toBe(200);
  });

  it('gives a caller the envelopes of its own call again', async () => {
    const { text } = await gateway.set(3);
    const { callId } = JSON.parse(text) as { callId: string };
    const ask = (id: string, headers: Record<string, string> = { authorization: `Bearer ${home.apiKey}` }) =>
      fetch(`${gateway.url}/v1/envelopes/${id}`, { headers });
    const again = await (await ask(callId)).text();
    expect(await verified(again, 'executed')).toMatchObject({ ok: true });
    expect((await ask(callId, {})).status).toBe(401);
    expect((await ask('00000000-0000-7000-8000-000000000000')).status).toBe(404);
    expect((await ask('%27')).status).toBe(404);
  });

  it('shows everybody the public half of the log', async () => {
    await gateway.set(1);
    const checkpoint = await (await fetch(`${gateway.url}/log/checkpoint`)).text();
    const [, size = '0'] = checkpoint.split('\n');
    expect(Number(size)).toBeGreaterThan(3);
    const tile = await (await fetch(`${gateway.url}/log/tile/0/000.p/${size}`)).arrayBuffer();
    expect(tile.byteLength).toBe(32 * Number(size));
    const entries = await fetch(`${gateway.url}/log/tile/entries/000.p/${size}`);
    expect(entries.status).toBe(200);
    for (const path of [
      '/log/tile/0/000',
      '/log/tile/0/001',
      '/log/tile/0/0',
      '/log/tile/statements/000.p/1',
    ])
      expect((await fetch(gateway.url + path)).status).toBe(404);
    const trust = await (await fetch(`${gateway.url}/trust/trusted_root.json`)).json();
    expect(trust).toHaveProperty('tlogs');
  });

  it('cancels the call of a caller that leaves, and says that nobody knows whether it ran', async () => {
    const release = service.hold();
    const before = service.bodies.length;
    const outcomes = async (): Promise<number> => (await kinds()).filter((kind) => kind === 'outcome').length;
    const settled = await outcomes();
    const leave = new AbortController();
    const left = gateway.set(9, home.apiKey, leave.signal).catch(() => 'left');
    await expect.poll(() => service.bodies.length, { timeout: patience }).toBe(before + 1);
    leave.abort();
    expect(await left).toBe('left');
    await expect.poll(outcomes, { timeout: patience }).toBe(settled + 1);
    const { stdout } = await home.here('log', 'tail', '-n', '1');
    expect(stdout).toContain('CALLER_CANCELLED');
    release();
  });
});

describe('the life of a gateway', () => {
  it.skipIf(process.platform === 'win32')(
    'takes another configuration whole or not at all, and says so in the log',
    async () => {
      const gateway = await serve();
      expect((await gateway.set(120)).status).toBe(403);
      writeFileSync(gateway.file, configuration(500));
      gateway.child.kill('SIGHUP');
      await expect.poll(() => gateway.stderr(), { timeout: patience }).toContain('is in force');
      expect((await gateway.set(120)).status).toBe(200);

      writeFileSync(gateway.file, `${configuration(900)}unknown: 1\n`);
      gateway.child.kill('SIGHUP');
      await expect
        .poll(() => gateway.stderr(), { timeout: patience })
        .toContain('the old configuration stays');
      expect(gateway.stderr()).toContain(`${gateway.file}:`);
      configuration(500);
      expect((await gateway.set(600)).status).toBe(403);
      expect((await kinds()).filter((kind) => kind === 'change').length).toBeGreaterThanOrEqual(2);
    },
  );

  it('answers and settles what runs before it ends', async () => {
    const gateway = await serve();
    const release = service.hold();
    const before = service.bodies.length;
    const running = gateway.set(7);
    await expect.poll(() => service.bodies.length, { timeout: patience }).toBe(before + 1);
    const ended = gateway.end();
    release();
    expect((await running).status).toBe(200);
    expect(await ended).toBe(0);
    const seen = await kinds();
    expect(seen.filter((kind) => kind === 'outcome')).toHaveLength(
      seen.filter((kind) => kind === 'allow').length,
    );
    expect(seen.at(-1)).toBe('sessionClose');
  });
});

describe('a configuration that cannot be served', () => {
  it.each([
    [
      'says where it is wrong',
      'version: 1\nlisten: { prot: 1 }\n',
      /serve-\d+\.yaml:2:11: listen: unknown field "prot"/,
    ],
    ['names the variable that is missing', 'version: 1\nhosts: ["${env:NOT_SET_HERE}"]\n', /NOT_SET_HERE/],
    ['names the schema that cannot be enforced', schemaTypo(), /actions\.act: .*maximun/],
  ])('%s, and nothing listens', async (_, text, message) => {
    const file = join(home.work, `serve-${(configs += 1)}.yaml`);
    writeFileSync(file, text);
    for (const command of [
      ['serve', '--config', file],
      ['config', 'check', file],
    ]) {
      const { code, stderr } = await (command[0] === 'serve' ? home.cli(...command) : home.here(...command));
      expect(code).toBe(1);
      expect(stderr).toMatch(/CONFIG_INVALID/);
      expect(stderr).toMatch(message);
    }
  });

  it('is told from one that can by `config check`, which prints what it comes to', async () => {
    const file = join(home.work, 'good.yaml');
    writeFileSync(file, configuration().replace(/, headers: .* \}/, ' }'));
    const { code, stdout } = await home.cli('config', 'check', file, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ policy: { id: 'ot' }, actions: ['set-pressure'] });
    expect(JSON.parse((await home.here('config', 'schema')).stdout)).toHaveProperty('properties.actions');
  });
});

function schemaTypo(): string {
  const parameters = '{ type: object, properties: { value: { maximun: 1 } } }';
  return `version: 1\nactions: { act: { parameters: ${parameters}, request: { url: "http://127.0.0.1:1" } } }\n`;
}

/** `fetch` sets Host and Origin by itself. */
function statusWith(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once('error', reject);
    request.end();
  });
}
