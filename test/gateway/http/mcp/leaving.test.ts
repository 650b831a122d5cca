import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overHttp, overStdio, startGateway, type TestGateway } from './gateway.ts';

const oddServer = new URL('../../../support/odd-server.ts', import.meta.url).pathname;
const tools = JSON.stringify(
  ['say', 'hang', 'die'].map((name) => ({ name, inputSchema: { type: 'object' } })),
);

/** A server that answers lists at once and calls never: it shows who is still waiting. */
function hangingServer(): {
  readonly server: Server;
  readonly open: Set<ServerResponse>;
  readonly calls: () => number;
} {
  const open = new Set<ServerResponse>();
  let calls = 0;
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const message = JSON.parse(body || '{}') as { readonly id?: number; readonly method?: string };
      const json = { 'content-type': 'application/json' };
      if (message.id === undefined) return response.writeHead(202).end();
      if (message.method === 'tools/call') {
        calls += 1;
        open.add(response);
        response.on('close', () => open.delete(response));
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        return response.write(': waiting\n\n');
      }
      const result =
        message.method === 'tools/list' ? { tools: JSON.parse(tools) as object } : { capabilities: {} };
      return response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
    });
  });
  return { server, open, calls: () => calls };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const hanging = hangingServer();
let gateway: TestGateway;
beforeAll(async () => {
  await new Promise<void>((resolve) => hanging.server.listen(0, '127.0.0.1', resolve));
  const { port } = hanging.server.address() as AddressInfo;
  gateway = await startGateway({
    hanging: overHttp(`http://127.0.0.1:${port}/mcp`),
    odd: overStdio(oddServer, '--tools', tools),
    dying: overStdio(oddServer, '--tools', tools),
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  hanging.server.closeAllConnections();
  hanging.server.close();
});

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

function post(
  name: string,
  message: object,
  headers: Record<string, string>,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(gateway.at(name), {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${gateway.apiKey}`,
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    ...(signal && { signal }),
  });
}

function modernCall(name: string, id: number, tool: string, signal?: AbortSignal): Promise<Response> {
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': tool };
  const params = { name: tool, arguments: {}, _meta: meta };
  return post(name, { id, method: 'tools/call', params }, headers, signal);
}

async function begin(name: string): Promise<Record<string, string>> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1' },
  };
  const { headers } = await post(name, { id: 0, method: 'initialize', params }, {});
  return { 'mcp-session-id': headers.get('mcp-session-id') ?? '' };
}

/** The outcomes in the log, by what they say. */
async function outcomes(): Promise<readonly string[]> {
  const size = (await gateway.ledger.checkpoint())?.size ?? 0;
  const entries = await gateway.ledger.entries(0, size);
  return entries
    .filter(({ kind }) => kind === 'outcome')
    .map(
      ({ payload }) =>
        (JSON.parse(new TextDecoder().decode(payload)) as { predicate: { outcome: string } }).predicate
          .outcome,
    );
}

describe('a client of 2026-07-28 that closes its connection', () => {
  it('cancels its call: the server is let go, and the outcome says that nobody knows', async () => {
    const before = (await outcomes()).length;
    const leave = new AbortController();
    const asked = modernCall('hanging', 1, 'hang', leave.signal);
    await expect.poll(() => hanging.open.size).toBe(1);
    leave.abort();
    await asked.then((response) => response.text()).catch(() => undefined);
    await expect.poll(() => hanging.open.size).toBe(0);
    await expect.poll(async () => (await outcomes()).slice(before)).toEqual(['unknown']);
  });

  it('cancels a call to a server on a pipe, which is told', async () => {
    const before = (await outcomes()).length;
    const leave = new AbortController();
    const asked = modernCall('odd', 5, 'hang', leave.signal).catch(() => undefined);
    const allowed = async () => (await gateway.ledger.openPermits()).length;
    await expect.poll(allowed).toBe(1);
    leave.abort();
    await asked;
    await expect.poll(async () => (await outcomes()).slice(before)).toEqual(['unknown']);
  });
});

describe('a client with a session that loses its connection', () => {
  it('has cancelled nothing', async () => {
    const session = await begin('hanging');
    const leave = new AbortController();
    const asked = post(
      'hanging',
      { id: 1, method: 'tools/call', params: { name: 'hang' } },
      session,
      leave.signal,
    );
    await expect.poll(() => hanging.open.size).toBe(1);
    leave.abort();
    await asked.then((response) => response.text()).catch(() => undefined);
    expect(hanging.open.size).toBe(1);
    // What ends it is the end of its session, or its lease.
    const ended = await fetch(gateway.at('hanging'), {
      method: 'DELETE',
      headers: { authorization: `Bearer ${gateway.apiKey}`, ...session },
    });
    expect(ended.ok).toBe(true);
    await expect.poll(async () => (await gateway.ledger.openPermits()).length).toBe(0);
  });
});

describe('a server that does not know us', () => {
  it.each([401, 403, 302])('is a fault of ours, not of the client: %i', async (status) => {
    const refusing = createServer((_, response) =>
      response.writeHead(status, { location: '/elsewhere' }).end(),
    );
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    const { port } = refusing.address() as AddressInfo;
    await using other = await startGateway({ refusing: overHttp(`http://127.0.0.1:${port}/mcp`) });
    const response = await fetch(other.at('refusing'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${other.apiKey}` },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    });
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([502, null]);
    refusing.close();
  });
});

describe('a session that its server has forgotten', () => {
  it('is gone for the client as well, which can begin another one', async () => {
    let known = true;
    const forgetful = createServer((request, response) => {
      void read(request).then((body) => {
        const { id, method } = JSON.parse(body || '{}') as { readonly id?: number; readonly method?: string };
        if (!known && method !== 'initialize') return response.writeHead(404).end();
        if (id === undefined) return response.writeHead(202).end();
        const headers = { 'content-type': 'application/json', 'mcp-session-id': 'one' };
        return response.writeHead(200, headers).end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
      });
    });
    await new Promise<void>((resolve) => forgetful.listen(0, '127.0.0.1', resolve));
    const { port } = forgetful.address() as AddressInfo;
    await using other = await startGateway({ forgetful: overHttp(`http://127.0.0.1:${port}/mcp`) });
    const ask = (message: object, headers = {}) =>
      fetch(other.at('forgetful'), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${other.apiKey}`, ...headers },
        body: JSON.stringify({ jsonrpc: '2.0', ...message }),
      });
    const initialize = { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } };
    const session = { 'mcp-session-id': (await ask(initialize)).headers.get('mcp-session-id') ?? '' };
    expect((await ask({ id: 1, method: 'ping' }, session)).status).toBe(200);
    expect((await ask(initialize, session)).status).toBe(400);
    known = false;
    expect((await ask({ id: 2, method: 'ping' }, session)).status).toBe(404);
    await expect.poll(async () => (await ask({ id: 3, method: 'ping' }, session)).status).toBe(404);
    expect((await ask(initialize)).headers.get('mcp-session-id')).not.toBe(session['mcp-session-id']);
    forgetful.closeAllConnections();
    forgetful.close();
  });
});

describe('a server that dies', () => {
  it('leaves its call unknown, tells the client so, and ends the session', async () => {
    const session = await begin('dying');
    const response = await post('dying', { id: 1, method: 'tools/call', params: { name: 'die' } }, session);
    expect(await response.text()).toContain('UPSTREAM_GONE');
    await expect.poll(async () => (await post('dying', { id: 2, method: 'ping' }, session)).status).toBe(404);
  });

  it('is started again for the next request of 2026-07-28', async () => {
    expect(await (await modernCall('dying', 1, 'die')).text()).toContain('UPSTREAM_GONE');
    expect(await (await modernCall('dying', 2, 'say')).text()).toContain('"id":2');
  });
});
