import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiKeyDigest, newApiKey } from '../../../../src/identity/api-key.ts';
import { startFixture, type FixtureServer } from '../../../conformance/fixture-server.ts';
import { overHttp, overStdio, startGateway, type TestGateway } from './gateway.ts';

const modernServer = new URL('../../../support/modern-server.ts', import.meta.url).pathname;

let fixture: FixtureServer;
let gateway: TestGateway;
beforeAll(async () => {
  fixture = await startFixture();
  gateway = await startGateway({
    fixture: overHttp(fixture.url),
    modern: overStdio(modernServer),
    gone: overHttp('http://127.0.0.1:9/mcp'),
    missing: overStdio('/nonexistent/server.js'),
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

interface Asked {
  readonly name?: string;
  readonly method?: string;
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send(
  body: unknown,
  { name = 'fixture', method = 'POST', key = gateway.apiKey, headers = {} }: Asked = {},
) {
  const response = await fetch(gateway.at(name), {
    method,
    headers: {
      accept: 'application/json, text/event-stream',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== '' && { authorization: `Bearer ${key}` }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
};

async function session(name = 'fixture', key = gateway.apiKey): Promise<Record<string, string>> {
  const { status, headers } = await send(initialize, { name, key });
  expect(status).toBe(200);
  const own = { 'mcp-session-id': headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' };
  await send({ jsonrpc: '2.0', method: 'notifications/initialized' }, { name, key, headers: own });
  return own;
}

function call(id: number, tool: string, args: object = {}): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name: tool, arguments: args } };
}

const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const modernHeaders = (method: string, name?: string) => ({
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': method,
  ...(name !== undefined && { 'mcp-name': name }),
});
const modernCall = (id: number | string, tool: string, args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name: tool, arguments: args, _meta: modernMeta },
});

/** The JSON of an answer, whichever of the two forms it came in. */
function messageIn(text: string): {
  readonly id?: unknown;
  readonly result?: object;
  readonly error?: { readonly code: number; readonly data?: { readonly code?: string } };
} {
  const data = text.startsWith('{') ? text : (/^data: (\{.*)$/m.exec(text)?.[1] ?? '{}');
  return JSON.parse(data) as ReturnType<typeof messageIn>;
}

/** A second key of the same home. */
function otherKey(): string {
  const key = newApiKey();
  const [[, record] = []] = gateway.keys;
  if (!record) throw new Error('The gateway has a key.');
  const digest = apiKeyDigest(key, new Uint8Array(32));
  gateway.keys.set(digest, { ...record, id: 'key-other', digest, agents: ['other'] });
  return key;
}

describe('who may speak', () => {
  it.each(['POST', 'GET', 'DELETE', 'PUT'])(
    'nobody without a key learns which servers there are: %s',
    async (method) => {
      const body = method === 'POST' ? initialize : undefined;
      for (const name of ['fixture', 'no-such-server']) {
        const { status, headers } = await send(body, { name, method, key: '' });
        expect([status, headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Bearer')]);
      }
    },
  );

  it('a server that is not configured is not found', async () => {
    expect((await send(initialize, { name: 'no-such-server' })).status).toBe(404);
  });

  it('a session is not found under another key, whatever is done with it', async () => {
    const own = await session();
    const key = otherKey();
    for (const [method, body] of [
      ['POST', call(1, 'test_simple_text')],
      ['GET', undefined],
      ['DELETE', undefined],
    ] as const)
      expect((await send(body, { method, key, headers: own })).status).toBe(404);
    expect((await send(call(2, 'test_simple_text'), { headers: own })).status).toBe(200);
  });

  it('a session that was deleted is gone', async () => {
    const own = await session();
    expect((await send(undefined, { method: 'DELETE', headers: own })).status).toBeLessThan(300);
    expect((await send(call(1, 'test_simple_text'), { headers: own })).status).toBe(404);
  });

  it('a key that was revoked in the middle of a session ends it', async () => {
    const key = otherKey();
    const own = await session('fixture', key);
    for (const [digest, record] of gateway.keys)
      if (record.agents[0] === 'other') gateway.keys.set(digest, { ...record, status: 'revoked' });
    expect((await send(call(1, 'test_simple_text'), { key, headers: own })).status).toBe(401);
  });
});

describe('what is said', () => {
  it('a body that is no JSON is refused with a JSON-RPC error', async () => {
    const { status, text } = await send('{"jsonrpc":', { headers: {} });
    expect([status, messageIn(text).error?.code]).toEqual([400, -32700]);
  });

  it('a call whose params two parsers could read differently is refused, and reaches no server', async () => {
    const own = await session();
    const body =
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"test_simple_text","name":"test_error_handling"}}';
    const { status, text } = await send(body, { headers: own });
    expect([status, messageIn(text).error?.data?.code]).toEqual([400, 'ARGUMENTS_AMBIGUOUS']);
  });

  it('a call hides in no notification', async () => {
    const own = await session();
    const { status } = await send(
      { jsonrpc: '2.0', method: 'tools/call', params: { name: 'test_simple_text' } },
      { headers: own },
    );
    expect(status).toBe(400);
  });

  it('a batch is taken apart, each call of it decided, and answered as one array', async () => {
    const own = await session();
    const { status, text } = await send(
      [call(1, 'test_simple_text'), { jsonrpc: '2.0', id: 2, method: 'ping' }, call(3, 'no_such_tool')],
      { headers: own },
    );
    expect(status).toBe(200);
    const answers = (
      text.startsWith('[') ? JSON.parse(text) : JSON.parse(/^data: (\[.*)$/m.exec(text)?.[1] ?? '[]')
    ) as {
      readonly id: number;
      readonly result?: { readonly isError?: boolean };
    }[];
    expect(answers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
    expect(answers.find(({ id }) => id === 3)?.result?.isError).toBe(true);
  });

  it('a line end between the tokens of a body begins no second line for a server that reads lines', async () => {
    const body = JSON.stringify(modernCall(1, 'look', { at: 'home' }), null, 2).replaceAll('\n', '\r\n');
    const { status, text } = await send(body, {
      name: 'modern',
      headers: modernHeaders('tools/call', 'look'),
    });
    expect([status, JSON.stringify(messageIn(text).result)]).toEqual([
      200,
      expect.stringContaining('It is home.'),
    ]);
  });

  it('a raw line end within a string is no JSON, for a server that reads lines as for any other', async () => {
    const body = JSON.stringify(modernCall(1, 'look', { at: 'X' })).replace('X', 'a\n{"jsonrpc":"2.0"}');
    const { status } = await send(body, { name: 'modern', headers: modernHeaders('tools/call', 'look') });
    expect(status).toBe(400);
  });

  it('an id that is in flight in a session is refused until it is answered', async () => {
    const own = await session();
    const [first, second] = await Promise.all([
      send(call(9, 'test_tool_with_progress'), { headers: own }),
      send(call(9, 'test_simple_text'), { headers: own }),
    ]);
    const codes = [first, second].map(({ text }) => messageIn(text).error?.data?.code);
    expect(codes.filter((code) => code === 'REQUEST_ID_IN_FLIGHT')).toHaveLength(1);
  });

  it('methods that are none are not allowed', async () => {
    const { status, headers } = await send(undefined, { method: 'PUT' });
    expect([status, headers.get('allow')]).toEqual([405, 'POST, GET, DELETE']);
  });
});

describe('headers that repeat the body (2026-07-28)', () => {
  it.each([
    ['another tool', { 'mcp-name': 'test_error_handling' }],
    ['another method', { 'mcp-method': 'tools/list' }],
    ['another version', { 'mcp-protocol-version': '2025-11-25' }],
    ['a parameter that the tool has not', { 'mcp-param-region': 'eu' }],
    ['base64 that is none', { 'mcp-name': '=?base64?A===?=' }],
  ])('are refused where they say %s', async (_, headers) => {
    const { status, text } = await send(modernCall(1, 'test_simple_text'), {
      headers: { ...modernHeaders('tools/call', 'test_simple_text'), ...headers },
    });
    expect([status, messageIn(text).error?.code]).toEqual([400, -32020]);
  });

  it.each(['mcp-protocol-version', 'mcp-method', 'mcp-name'])(
    'are demanded by us where the server cannot see them: %s',
    async (missing) => {
      const headers: Record<string, string> = { ...modernHeaders('tools/call', 'look') };
      delete headers[missing];
      const { status, text } = await send(modernCall(1, 'look', { at: 'x' }), { name: 'modern', headers });
      expect([status, messageIn(text).error?.code]).toEqual([400, -32020]);
    },
  );
});

describe('a server that is not there', () => {
  it.each(['gone', 'missing'])('is told as a refusal that names it: %s', async (name) => {
    const { status, text } = await send(modernCall(1, 'look', { at: 'x' }), {
      name,
      headers: modernHeaders('tools/call', 'look'),
    });
    const denial = { code: 'TOOL_UNKNOWN', message: expect.stringContaining(name) as unknown };
    expect([status, messageIn(text).result]).toMatchObject([
      200,
      { isError: true, _meta: { 'dev.countersign/denial': denial } },
    ]);
  });

  it('answers a list with 502 and our code', async () => {
    const { status, text } = await send(
      { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: modernMeta } },
      { name: 'gone', headers: modernHeaders('tools/list') },
    );
    expect([status, messageIn(text).error?.data?.code]).toEqual([502, 'UPSTREAM_GONE']);
  });
});

describe('streams', () => {
  it('a client that lost its stream gets what it missed, and nothing twice', async () => {
    const own = await session();
    const { text } = await send(call(1, 'test_tool_with_logging'), { headers: own });
    const ids = [...text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id ?? '');
    expect(ids.length).toBeGreaterThan(2);
    const again = await send(undefined, {
      method: 'GET',
      headers: { ...own, accept: 'text/event-stream', 'last-event-id': ids[1] ?? '' },
    });
    const missed = [...again.text.matchAll(/^id: (.+)$/gm)].map(([, id]) => id);
    expect(missed).toEqual(ids.slice(2));
    expect(again.text).toContain('dev.countersign/envelope');
  });

  it('a session has one stream that belongs to no request', async () => {
    const own = await session();
    const leave = new AbortController();
    const open = (): Promise<Response> =>
      fetch(gateway.at('fixture'), {
        headers: { ...own, accept: 'text/event-stream', authorization: `Bearer ${gateway.apiKey}` },
        signal: leave.signal,
      });
    const first = await open();
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect((await open()).status).toBe(409);
    leave.abort();
  });

  it('a GET without a session is not served', async () => {
    expect((await send(undefined, { method: 'GET', headers: { accept: 'text/event-stream' } })).status).toBe(
      405,
    );
  });
});
