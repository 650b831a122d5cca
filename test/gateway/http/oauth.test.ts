import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
} from '@modelcontextprotocol/client';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metaKeys } from '../../../src/names.ts';
import { statementOf } from '../../gate/harness.ts';
import { startIdentityProvider, type IdentityProvider } from '../../support/identity-provider.ts';
import { serveConfig, type ServedConfig } from '../../support/served-config.ts';

let provider: IdentityProvider;
let upstream: RecordingServer;
let gateway: ServedConfig;

/** An MCP server that remembers what every request to it had in its head. */
interface RecordingServer {
  readonly server: Server;
  readonly url: string;
  readonly heads: IncomingHttpHeaders[];
}

async function startUpstream(): Promise<RecordingServer> {
  const heads: IncomingHttpHeaders[] = [];
  const answers: Readonly<Record<string, (asked: { protocolVersion?: string }) => object>> = {
    initialize: ({ protocolVersion }) => ({
      protocolVersion,
      capabilities: { tools: {} },
      serverInfo: { name: 'plant', version: '1' },
    }),
    'tools/list': () => ({ tools: [{ name: 'look', inputSchema: { type: 'object' } }] }),
    'tools/call': () => ({ content: [{ type: 'text', text: 'seen' }] }),
  };
  const server = createServer((request, response) => {
    heads.push(request.headers);
    void text(request).then((body) => {
      const { id, method, params } = JSON.parse(body || '{}') as {
        id?: number;
        method?: string;
        params?: object;
      };
      const answer = answers[method ?? ''];
      if (id === undefined || request.method !== 'POST')
        return response.writeHead(id === undefined ? 202 : 405).end();
      const said = answer ? { result: answer(params ?? {}) } : { error: { code: -32601, message: 'no' } };
      return response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, ...said }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, heads, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` };
}

beforeAll(async () => {
  provider = await startIdentityProvider({
    people: {
      cy: {
        roles: ['ot.operator'],
        authorization_details: [{ type: 'countersign_tools', tools: ['plant/other'] }],
      },
    },
  });
  upstream = await startUpstream();
  gateway = await serveConfig({
    configuration: (url) => `version: 1
publicUrl: ${url}
policies: [policy.yaml]
identity:
  humans: [{ issuer: "${provider.issuer}", keys: { url: "${provider.issuer}/jwks" }, algorithms: [ES256] }]
  scopes: [openid, offline_access, call]
servers:
  plant: { url: "${upstream.url}" }
actions:
  act: { parameters: { type: object }, request: { url: "${upstream.url}" } }
`,
    policy: `version: 1
name: people
rules: [{ id: people, effect: allow, tools: ['plant/*', 'actions/*'], when: '"ot.operator" in human.roles' }]
`,
  });
}, 60_000);

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  upstream.server.closeAllConnections();
  upstream.server.close();
  await provider[Symbol.asyncDispose]();
});

/** The part of a host that keeps what belongs to a login, and sends its user to the browser. */
class Login implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1/callback';
  readonly clientMetadata = { client_name: 'test', redirect_uris: [this.redirectUrl] };
  readonly sentTo: URL[] = [];
  #tokens: ReturnType<OAuthClientProvider['tokens']>;
  #verifier = '';
  #discovery: OAuthDiscoveryState | undefined;

  clientInformation = () => ({ client_id: 'maintenance-agent', issuer: provider.issuer });
  tokens = () => this.#tokens;
  saveTokens: OAuthClientProvider['saveTokens'] = (tokens) => void (this.#tokens = tokens);
  redirectToAuthorization = (url: URL) => void this.sentTo.push(url);
  saveCodeVerifier = (verifier: string) => void (this.#verifier = verifier);
  codeVerifier = () => this.#verifier;
  discoveryState = () => this.#discovery;
  saveDiscoveryState = (state: OAuthDiscoveryState) => void (this.#discovery = state);
}

/** For a token request: no proof for anything that is asked here. */
async function tokenEndpointProof(): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  return new SignJWT({ htm: 'POST', htu: `${provider.issuer}/token`, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
}

const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(gateway.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'countersign-key': gateway.apiKey,
      ...headers,
    },
  });
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'look', arguments: {} } };
/** At /mcp, where whoever has no session speaks the revision that has none. */
const aggregateCall = {
  ...call,
  params: {
    name: 'plant__look',
    arguments: {},
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
};
const aggregateHead = {
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'plant__look',
};
const metadataOf = (path = ''): string => `${gateway.url}/.well-known/oauth-protected-resource${path}`;

describe('protected resource metadata', () => {
  it.each(['', '/mcp', '/mcp/plant'])(
    'names the resource that it is asked of, and the issuer: “%s”',
    async (path) => {
      const response = await fetch(metadataOf(path), { headers: { origin: 'https://any.example' } });
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('cache-control')).toContain('max-age');
      expect(await response.json()).toMatchObject({
        resource: `${gateway.url}${path}`,
        authorization_servers: [provider.issuer],
        bearer_methods_supported: ['header'],
        scopes_supported: ['openid', 'offline_access', 'call'],
        authorization_details_types_supported: ['countersign_tools'],
        dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']) as string[],
      });
    },
  );

  it('does not tell whoever has no key which servers there are', async () => {
    expect((await fetch(metadataOf('/mcp/nobody'))).status).toBe(200);
    expect((await fetch(metadataOf('/mcp/../../etc'))).status).toBe(401);
    expect((await fetch(metadataOf('/other'))).status).toBe(404);
  });
});

describe('a refusal', () => {
  const challenge = async (response: Promise<Response>): Promise<readonly [number, string | null]> => {
    const { status, headers } = await response;
    return [status, headers.get('www-authenticate')];
  };
  const terms = (path: string) =>
    `scope="openid offline_access call", resource_metadata="${metadataOf(path)}"`;

  it('says where to log in, and no error to whoever brought nothing', async () => {
    expect(await challenge(fetch(`${gateway.url}/mcp/plant`, { method: 'POST' }))).toEqual([
      401,
      `Bearer realm="countersign", ${terms('/mcp/plant')}`,
    ]);
    expect(await challenge(post('/actions/act', {}))).toEqual([
      401,
      `Bearer realm="countersign", ${terms('')}`,
    ]);
  });

  it('says what is wrong with a token', async () => {
    expect(await challenge(post('/mcp/plant', call, { authorization: 'Bearer forged' }))).toEqual([
      401,
      `Bearer realm="countersign", error="invalid_token", ${terms('/mcp/plant')}`,
    ]);
  });

  it('asks for a proof of possession, and says which signatures it may have', async () => {
    const token = await provider.login('ada', gateway.url, await tokenEndpointProof());
    const url = '/mcp/plant';
    const bearer = `Bearer realm="countersign", ${terms(url)}`;
    for (const [headers, error] of [
      [{ authorization: `Bearer ${token}` }, 'invalid_token'],
      [{ authorization: `DPoP ${token}`, dpop: await tokenEndpointProof() }, 'invalid_dpop_proof'],
    ] as const) {
      const [status, told] = await challenge(post(url, call, headers));
      expect([status, told?.replace(/algs="[^"]*ES256[^"]*"/, 'algs')]).toEqual([
        401,
        `${bearer}, DPoP error="${error}", algs`,
      ]);
    }
  });

  it('says that more may be asked for, where a person has delegated less', async () => {
    const authorization = `Bearer ${await provider.login('cy', gateway.url)}`;
    expect(await challenge(post('/actions/act', {}, { authorization }))).toEqual([
      403,
      `Bearer realm="countersign", error="insufficient_scope", ${terms('')}`,
    ]);
    // A model reads what it may not do; logging in again would not change that.
    const response = await post('/mcp/plant', call, { authorization });
    expect([response.status, await response.text()]).toEqual([
      200,
      expect.stringContaining('DELEGATION_TOOL_REFUSED'),
    ]);
  });

  it.each([
    ['/mcp/plant', call, {}],
    ['/mcp', aggregateCall, aggregateHead],
  ])('of a call is a signed denial in a JSON-RPC error with 401: %s', async (path, message, head) => {
    for (const [authorization, code] of [
      ['', 'HUMAN_MISSING'],
      ['Bearer forged', 'HUMAN_TOKEN_MALFORMED'],
    ] as const) {
      const response = await post(path, message, { ...head, ...(authorization !== '' && { authorization }) });
      expect([response.status, response.headers.get('countersign-reason')]).toEqual([401, code]);
      const { id, error } = (await response.json()) as {
        readonly id: number;
        readonly error: { readonly data: Record<string, { readonly verdict: object }> };
      };
      const { predicateType, predicate } = statementOf(
        JSON.stringify(error.data[metaKeys.envelope]?.verdict),
      );
      expect([id, predicateType]).toEqual([1, 'https://countersign.dev/deny/v1']);
      expect(predicate).toMatchObject({ reason: { code } });
    }
  });
});

describe('the MCP client of the TypeScript SDK', () => {
  const look = { name: 'look', arguments: {} };
  const connect = async (authProvider: OAuthClientProvider) => {
    const transport = new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/plant`), {
      authProvider,
      requestInit: { headers: { 'countersign-key': gateway.apiKey } },
    });
    const client = new Client({ name: 'host', version: '1' });
    await client.connect(transport);
    return { client, transport };
  };

  it('finds its way from a refused call to the issuer, and back with a token for this server', async () => {
    const login = new Login();
    const before = await connect(login);
    await expect(before.client.callTool(look)).rejects.toThrow(UnauthorizedError);
    const [asked] = login.sentTo;
    expect(asked?.origin).toBe(provider.issuer);
    expect(asked?.searchParams.get('resource')).toBe(`${gateway.url}/mcp/plant`);
    expect(asked?.searchParams.get('scope')?.split(' ')).toContain('call');

    await provider.control('lifetime', { seconds: 2 });
    const back = await provider.authorize(asked?.href ?? '', 'ada');
    await before.transport.finishAuth(back.searchParams);
    await before.client.close();

    // Another session: the one before is of nobody in particular.
    const { client } = await connect(login);
    const seen = { content: [{ type: 'text', text: 'seen' }] };
    expect(await client.callTool(look)).toMatchObject(seen);

    await new Promise((resolve) => setTimeout(resolve, 2_100));
    await provider.control('lifetime', { seconds: 600 });
    expect(await client.callTool(look)).toMatchObject(seen);
    expect(await provider.asked('refresh_token')).toHaveLength(1);
    expect(login.sentTo).toHaveLength(1);
    await client.close();
  }, 30_000);
});

describe('a server behind the gateway', () => {
  it('gets nothing of what its callers prove themselves with', async () => {
    const token = await provider.login('ada', gateway.url);
    const headers = {
      'countersign-human-token': token,
      authorization: `Bearer ${token}`,
      'countersign-agent-token': 'an agent token',
      'countersign-device-token': 'a device token',
      'countersign-agent-dpop': 'a proof',
      'cf-access-jwt-assertion': 'an assertion',
      dpop: 'a proof',
      'client-cert': ':AA==:',
      'client-cert-chain': ':AA==:',
      cookie: 'session=1',
      'proxy-authorization': 'Basic AA==',
      'x-forwarded-for': '10.0.0.1',
      'x-api-key': 'another',
    };
    upstream.heads.length = 0;
    for (const [path, body, head] of [
      ['/mcp/plant', call, {}],
      ['/mcp', aggregateCall, aggregateHead],
      ['/mcp/plant', { ...call, method: 'tools/list', params: {} }, {}],
      ['/actions/act', {}, {}],
    ] as const)
      expect([path, (await post(path, body, { ...headers, ...head })).status]).toEqual([path, 200]);
    expect(upstream.heads.length).toBeGreaterThan(3);
    const own = ['countersign-key', ...Object.keys(headers)];
    for (const head of upstream.heads) {
      expect(own.filter((name) => name in head)).toEqual([]);
      expect(JSON.stringify(head)).not.toContain(token);
      expect(JSON.stringify(head)).not.toContain(gateway.apiKey);
    }
  });
});
