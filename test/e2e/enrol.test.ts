import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectGate } from '../../src/client/connect-gate.ts';
import { createNodeFetch } from '../../src/node.ts';
import { countersign, testHome, type Finished, type TestHome } from '../support/home.ts';
import { startServing, type Serving } from '../support/serving.ts';
import { makeTlsCertificate, type TlsCertificate } from '../support/tls-certificate.ts';
import { startWire } from '../support/wire.ts';

const effectsServer = new URL('../support/effects-server.mjs', import.meta.url).pathname;

let home: TestHome;
let tls: TlsCertificate;
let gateway: Serving;

beforeAll(async () => {
  home = await testHome();
  tls = makeTlsCertificate(home.work);
  writeFileSync(
    join(home.work, 'policy.yaml'),
    `version: 1
name: test
rules:
  - { id: add, effect: allow, tools: ["notes/add"] }
  - { id: perform, effect: allow, tools: ["effects/perform"] }
`,
  );
  gateway = await startServing(home, { name: 'countersign.yaml', text: configuration('1h') });
});

afterAll(async () => {
  await gateway.end();
  await home[Symbol.asyncDispose]();
});

function configuration(lifetime: string): string {
  return `version: 1
listen:
  port: 0
  tls: { certificate: "${tls.certificateFile}", key: "${tls.keyFile}", clients: optional }
policies: [policy.yaml]
identity: { enrolment: { lifetime: ${lifetime} } }
servers:
  effects: { command: "${process.execPath}", args: ["${effectsServer}", "${join(home.work, 'effects.txt')}"] }
`;
}

/** A join token for the agent of the home's own key, in a file. */
async function tokenFile(name: string): Promise<string> {
  const { stdout } = await home.here('enroll', 'token', '--agent', 'default', '--json');
  const file = join(home.work, name);
  writeFileSync(file, `${(JSON.parse(stdout) as { token: string }).token}\n`);
  return file;
}

function enroll(at: Serving, folder: string, ...args: string[]): Promise<Finished> {
  return home.here('enroll', '--gate', at.url, '--ca', tls.certificateFile, '--out', folder, ...args);
}

/** Has the gate decide a call over a connection with this identity, and reads how its agent was proven. */
async function callWith(at: Serving, identity: string, ask = createNodeFetch({ identity, ca: tls.ca })) {
  const gate = connectGate({ url: at.url, apiKey: home.apiKey, fetch: ask });
  const definition = {
    name: 'add',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
  };
  const call = { server: 'notes', tool: 'add', arguments: { text: 'x' }, definition };
  const ran = await gate.run(call, () => Promise.resolve({}));
  return agentOf(ran.envelopes?.verdict);
}

interface StatedAgent {
  readonly value?: { readonly binding?: string; readonly id?: string };
  readonly source?: string;
}

function agentOf(bundle: unknown): unknown {
  const text = typeof bundle === 'string' ? bundle : JSON.stringify(bundle);
  const { dsseEnvelope } = JSON.parse(text) as { dsseEnvelope: { payload: string } };
  const statement = JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as {
    predicate: { principal: { agent: StatedAgent } };
  };
  return statement.predicate.principal.agent;
}

describe('a workload that enrols', () => {
  it('gets an identity that openssl takes, and proves with it at each call which agent it is', async () => {
    const folder = join(home.work, 'first');
    const token = await tokenFile('token-1');
    const at = ['--gate', gateway.url, '--ca', tls.certificateFile, '--out', folder];
    const enrolled = await home.cli('enroll', ...at, '--token-file', token, '--json');
    expect(enrolled).toMatchObject({ code: 0, stderr: '' });
    const { agent } = JSON.parse(enrolled.stdout) as { agent: string };
    expect(agent).toMatch(/^spiffe:\/\/[^/]+\/agent\/default$/);
    expect(statSync(join(folder, 'identity.pem')).mode & 0o777).toBe(0o600);
    expect(existsSync(join(folder, 'pending.key.pem'))).toBe(false);
    const verify = [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslclient',
      '-CAfile',
      join(folder, 'authority.pem'),
    ];
    expect(
      spawnSync('openssl', [...verify, join(folder, 'identity.pem')], { encoding: 'utf8' }).stdout,
    ).toMatch(/: OK\n$/);
    expect(await callWith(gateway, folder)).toMatchObject({ id: agent, binding: 'mtls' });

    const again = await enroll(gateway, join(home.work, 'second'), '--token-file', token);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('JOIN_TOKEN_USED');
  });

  it('renews by its certificate, and not without one', async () => {
    const folder = join(home.work, 'renewing');
    await enroll(gateway, folder, '--token-file', await tokenFile('token-2'));
    const before = readFileSync(join(folder, 'identity.pem'), 'utf8');
    expect((await enroll(gateway, folder, '--renew')).code).toBe(0);
    expect(readFileSync(join(folder, 'identity.pem'), 'utf8')).not.toBe(before);
    const nothing = await enroll(gateway, join(home.work, 'nothing'), '--renew');
    expect(nothing).toMatchObject({ code: 1 });
    expect(nothing.stderr).toContain('CONFIG_INVALID');
  });

  it('is believed through wrap, too', async () => {
    const folder = join(home.work, 'wrapped');
    await enroll(gateway, folder, '--token-file', await tokenFile('token-3'));
    const at = ['--gate', gateway.url, '--name', 'effects', '--ca', tls.certificateFile];
    const wire = startWire(process.execPath, [countersign, 'wrap', ...at, '--identity', folder], home.env);
    const initialize = {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'test', version: '0' },
    };
    await wire.request('initialize', initialize);
    wire.send('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    const { result } = await wire.request('tools/call', { name: 'perform', arguments: { word: 'x' } });
    const { verdict } = result?._meta?.['dev.countersign/envelope'] as { verdict: unknown };
    expect(agentOf(verdict)).toMatchObject({ binding: 'mtls' });
    await wire.end();
  });

  it('gives the identity of another gate’s authority away to nobody: an unknown gate is not spoken to', async () => {
    const folder = join(home.work, 'strange');
    const token = await tokenFile('token-4');
    const asked = await home.here('enroll', '--gate', gateway.url, '--out', folder, '--token-file', token);
    expect(asked).toMatchObject({ code: 1 });
    expect(asked.stderr).toContain('GATE_UNREACHABLE');
    // The token was not sent: it is still good.
    expect((await enroll(gateway, folder, '--token-file', token)).code).toBe(0);
  });
});

describe('a workload that keeps its identity', () => {
  it('renews without a gap: every call counts, over several certificates', async () => {
    await using short = await startServing(home, { name: 'short.yaml', text: configuration('5s') });
    const folder = join(home.work, 'kept');
    const args = ['--gate', short.url, '--ca', tls.certificateFile, '--out', folder];
    const token = await tokenFile('token-5');
    const keeper = spawn(
      process.execPath,
      [countersign, 'enroll', ...args, '--keep', '--token-file', token],
      { env: home.env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const closed = new Promise<number | null>((resolve) => keeper.once('close', resolve));
    let said = '';
    keeper.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
    await new Promise((resolve) => keeper.stdout.once('data', resolve));

    const ask = createNodeFetch({ identity: folder, ca: tls.ca });
    const seen = new Set<string>();
    const end = Date.now() + 8_500;
    while (Date.now() < end) {
      expect(await callWith(short, folder, ask)).toMatchObject({ binding: 'mtls' });
      seen.add(readFileSync(join(folder, 'identity.pem'), 'utf8'));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(seen.size).toBeGreaterThanOrEqual(3);
    expect(said.match(/renewed/g)?.length).toBeGreaterThanOrEqual(2);
    keeper.kill('SIGTERM');
    expect(await closed).toBe(0);

    // What is still valid is gone on with, and the used token not asked for.
    const shown = JSON.parse((await enroll(short, folder, '--renew', '--json')).stdout) as {
      notAfter: string;
    };
    await new Promise((resolve) => setTimeout(resolve, Date.parse(shown.notAfter) - Date.now() + 50));
    await expect(ask(`${short.url}/healthz`)).rejects.toMatchObject({ code: 'CERTIFICATE_EXPIRED' });
    const wire = startWire(
      process.execPath,
      [countersign, 'wrap', '--gate', short.url, '--ca', tls.certificateFile, '--identity', folder],
      home.env,
    );
    const { error } = await wire.request('tools/list', {});
    expect(JSON.stringify(error)).toContain('CERTIFICATE_EXPIRED');
    await wire.end();
  }, 60_000);
});

it('the log has every token, every certificate, and how many were refused', async () => {
  await gateway.end();
  const { stdout } = await home.here('log', 'tail', '-n', '1000', '--json');
  const statements = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; statement: { predicate: Record<string, unknown> } });
  const kinds = statements.map(
    ({ statement }) => (statement.predicate['change'] as { kind?: string } | undefined)?.kind,
  );
  expect(kinds.filter((kind) => kind === 'join-token-created')).toHaveLength(5);
  expect(kinds.filter((kind) => kind === 'agent-authority-created')).toHaveLength(1);
  expect(kinds.filter((kind) => kind === 'agent-certificate-issued').length).toBeGreaterThan(7);
  const refused = statements
    .filter(({ kind }) => kind === 'refusals')
    .map(({ statement }) => statement.predicate);
  expect(refused.map(({ counts }) => counts)).toContainEqual({ JOIN_TOKEN_USED: 1 });
});

describe('misuse', () => {
  it.each([
    [['enroll']],
    [['enroll', 'token']],
    [['enroll', 'token', '--agent', 'x', '--expires', '8d']],
    [['enroll', '--gate', 'https://gate.example', '--out', 'x']],
    [['enroll', '--gate', 'http://127.0.0.1:9', '--out', 'x', '--keep']],
    [['enroll', '--gate', 'https://gate.example', '--out', 'x', '--renew', '--keep']],
    [['enroll', '--gate', 'http://gate.example', '--out', 'x', '--token-file', 'x']],
    [['wrap', '--identity', 'x', '--', 'true']],
    [['wrap', '--gate', 'unix:x', '--identity', 'x']],
  ])('%j', async (args) => {
    const run = args[0] === 'wrap' ? home.cli : home.here;
    expect((await run(...args)).code).toBe(2);
  });
});
