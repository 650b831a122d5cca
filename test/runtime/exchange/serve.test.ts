import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { actingHome, program, statedIn, type ActingHome } from '../login/acting-home.ts';
import { recordingUpstream, type RecordingUpstream } from './recording-upstream.ts';

const audience = 'https://gate.example.com';
const grant = 'urn:ietf:params:oauth:grant-type:token-exchange';

let provider: IdentityProvider;
let upstream: RecordingUpstream;
let home: ActingHome;
let gateway: ChildProcess;
let url = '';
const tokens = { ada: '', ben: '' };

beforeAll(async () => {
  provider = await startIdentityProvider();
  upstream = await recordingUpstream();
  home = await actingHome(provider.issuer, audience);
  home.policy(`  - { id: everything, effect: allow, tools: ['*/*'] }`);
  const config = join(home.work, 'countersign.yaml');
  writeFileSync(
    config,
    `version: 1
listen: { port: 0 }
identity:
  audience: ${audience}
  humans: [{ issuer: '${provider.issuer}', keys: { url: '${provider.issuer}/jwks' }, algorithms: [ES256] }]
servers:
  files:
    url: ${upstream.url}
    onBehalf:
      tokenEndpoint: ${provider.issuer}/token
      clientId: gate
      clientSecret: \${env:GATE_SECRET}
      audience: https://files.example.com
`,
  );
  gateway = spawn(process.execPath, [program, 'serve', '--config', config], {
    env: { ...home.env, GATE_SECRET: 'gate-secret' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  url = await new Promise<string>((resolve, reject) => {
    gateway.stderr!.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, at] = /listening on (http:\S+)\n/.exec(said) ?? [];
      if (at !== undefined) resolve(at);
    });
    gateway.once('exit', () => reject(new Error(said)));
  });
  tokens.ada = await provider.login('ada', audience);
  tokens.ben = await provider.login('ben', audience);
}, 90_000);

afterAll(async () => {
  gateway.kill('SIGTERM');
  await once(gateway, 'exit');
  upstream[Symbol.dispose]();
  home[Symbol.dispose]();
  await provider.kill();
});

beforeEach(async () => {
  upstream.asked.splice(0);
  upstream.status = 200;
  await provider.control('behave', {});
});

interface Answered {
  readonly status: number;
  readonly session: string | null;
  readonly message: {
    readonly error?: { readonly data?: Readonly<Record<string, unknown>> };
    readonly result?: {
      readonly content?: readonly { readonly text: string }[];
      readonly tools?: readonly { readonly name: string }[];
      readonly _meta?: Readonly<Record<string, unknown>>;
    };
  };
}

async function post(
  token: string | undefined,
  message: object,
  headers: Record<string, string> = {},
  path = '/mcp/files',
) {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'countersign-key': home.apiKey,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });
  const body = await response.text();
  const json = /^[[{]|^$/.test(body) ? body : (/data: (\{.*"(?:result|error)".*\})/.exec(body)?.[1] ?? '');
  return {
    status: response.status,
    session: response.headers.get('mcp-session-id'),
    message: JSON.parse(json || '{}') as Answered['message'],
  } satisfies Answered;
}

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A request that stands alone, as clients of 2026-07-28 send them. */
const alone = (
  token: string | undefined,
  method: string,
  params: Record<string, unknown> = {},
  path = '/mcp/files',
) =>
  post(
    token,
    { id: 1, method, params: { ...params, _meta: modernMeta } },
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof params['name'] === 'string' && { 'mcp-name': params['name'] }),
    },
    path,
  );
const look = (token: string | undefined) => alone(token, 'tools/call', { name: 'look', arguments: {} });

async function begin(token: string): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  const { session } = await post(token, { id: 0, method: 'initialize', params });
  const headers = { 'mcp-session-id': session ?? '', 'mcp-protocol-version': '2025-11-25' };
  await post(token, { method: 'notifications/initialized' }, headers);
  return headers;
}

const textOf = ({ message }: Answered) => message.result?.content?.[0]?.text;
/** Where a client has to come with another token, a denial is the wire's error. */
const denialOf = ({ message: { result, error } }: Answered) =>
  ((result?._meta ?? error?.data)?.['dev.countersign/denial'] as { code: string } | undefined)?.code;
const envelopesOf = ({ message }: Answered) =>
  message.result?._meta?.['dev.countersign/envelope'] as { verdict: unknown; outcome?: unknown };
const exchanges = async () => (await provider.asked(grant)).length;
const callsUpstream = () => upstream.asked.filter(({ method }) => method === 'tools/call');

describe('a server that is asked on behalf of people', () => {
  it('is asked for each with a token of its own, and gets nothing of what they gave us', async () => {
    for (const person of ['ada', 'ben', 'ada'] as const)
      expect(textOf(await look(tokens[person]))).toBe(`for ${person}`);
    const everything = JSON.stringify(upstream.asked);
    for (const secret of [tokens.ada, tokens.ben, home.apiKey, 'gate-secret'])
      expect(everything).not.toContain(secret);
    expect(upstream.asked.every(({ subject }) => subject === 'ada' || subject === 'ben')).toBe(true);
    expect(callsUpstream().map(({ subject }) => subject)).toEqual(['ada', 'ben', 'ada']);
  }, 30_000);

  it('lists to each what it lists to them, also to the gate itself', async () => {
    const names = async (token: string) =>
      (await alone(token, 'tools/list')).message.result?.tools?.map(({ name }) => name);
    expect(await names(tokens.ada)).toEqual(['look', 'of-ada']);
    expect(await names(tokens.ben)).toEqual(['look', 'of-ben']);
    const of = (token: string, name: string) => alone(token, 'tools/call', { name, arguments: {} });
    expect(textOf(await of(tokens.ada, 'of-ada'))).toBe('for ada');
    expect(denialOf(await of(tokens.ben, 'of-ada'))).toBe('TOOL_UNKNOWN');
  }, 30_000);

  it('has sessions that are one person’s: another one’s token opens none of them', async () => {
    const session = await begin(tokens.ada);
    const call = { id: 2, method: 'tools/call', params: { name: 'look', arguments: {} } };
    expect(textOf(await post(tokens.ada, call, session))).toBe('for ada');
    for (const other of [tokens.ben, undefined])
      expect(await post(other, { ...call, id: 3 }, session)).toMatchObject({ status: 404 });
    const fresh = await provider.login('ada', audience);
    expect(textOf(await post(fresh, { ...call, id: 4 }, session))).toBe('for ada');
    expect(new Set(upstream.asked.map(({ subject }) => subject))).toEqual(new Set(['ada']));
    const ended = await fetch(`${url}/mcp/files`, {
      method: 'DELETE',
      headers: { 'countersign-key': home.apiKey, authorization: `Bearer ${fresh}`, ...session },
    });
    expect(ended.ok).toBe(true);
    await expect.poll(() => upstream.asked.at(-1)).toMatchObject({ method: 'DELETE', subject: 'ada' });
  }, 30_000);

  it('is asked together with all others in the same way', async () => {
    const call = (token: string) =>
      alone(token, 'tools/call', { name: 'files__look', arguments: {} }, '/mcp');
    expect(textOf(await call(tokens.ada))).toBe('for ada');
    expect(textOf(await call(tokens.ben))).toBe('for ben');
    expect(upstream.asked.every(({ subject }) => subject === 'ada' || subject === 'ben')).toBe(true);
    expect(JSON.stringify(upstream.asked)).not.toContain(tokens.ada);
  }, 30_000);

  it('is asked in nobody’s name: a call is denied, signed, and all else refused', async () => {
    const before = await exchanges();
    const denied = await look(undefined);
    expect(denialOf(denied)).toBe('HUMAN_MISSING');
    expect(JSON.stringify(statedIn(envelopesOf(denied).verdict))).toContain('HUMAN_MISSING');
    expect((await alone(undefined, 'tools/list')).message.error?.data?.['code']).toBe('HUMAN_MISSING');
    expect(await exchanges()).toBe(before);
    expect(upstream.asked).toEqual([]);
  }, 30_000);

  it('has its issuer shown no token that was not verified', async () => {
    const before = await exchanges();
    const forged = `${tokens.ada.slice(0, -4)}AAAA`;
    const together = { name: 'files__look', arguments: {} };
    expect(denialOf(await alone(undefined, 'tools/call', together, '/mcp'))).toBe('HUMAN_MISSING');
    expect((await alone(undefined, 'tools/list', {}, '/mcp')).message.result?.tools).toEqual([]);
    expect(denialOf(await look(forged))).toBe('HUMAN_TOKEN_SIGNATURE_INVALID');
    expect(denialOf(await alone(forged, 'tools/call', { name: 'files__look' }, '/mcp'))).toMatch(
      /^HUMAN_TOKEN_/,
    );
    expect((await alone(forged, 'tools/list')).status).toBeGreaterThanOrEqual(400);
    const elsewhere = await provider.login('ada', 'https://other.example.com');
    expect(denialOf(await look(elsewhere))).toBe('HUMAN_TOKEN_AUDIENCE_REFUSED');
    expect(await exchanges()).toBe(before);
    expect(upstream.asked).toEqual([]);
  }, 30_000);

  it('is sent no call for whose person its issuer gives no token: allowed, and aborted', async () => {
    const fresh = await provider.login('ada', audience);
    await look(fresh);
    upstream.asked.splice(0);
    // What is kept is dropped by a 401, and then there is no other.
    upstream.status = 401;
    expect(denialOf(await look(fresh))).toBe('UPSTREAM_INVALID');
    expect(callsUpstream()).toHaveLength(1);
    upstream.status = 200;
    await provider.control('behave', { error: 'invalid_target' });
    const aborted = await look(fresh);
    expect(denialOf(aborted)).toBe('UPSTREAM_TOKEN_REFUSED');
    expect(statedIn(envelopesOf(aborted).outcome)).toMatchObject({ outcome: 'aborted' });
    expect(callsUpstream()).toHaveLength(1);
    expect(JSON.stringify(aborted)).not.toContain(fresh);

    await provider.control('behave', {});
    await expect.poll(async () => textOf(await look(fresh)), { timeout: 10_000 }).toBe('for ada');
  }, 30_000);
});
