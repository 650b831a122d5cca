import type { IncomingMessage, ServerResponse } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defaultMcpHttpLimits } from '../../src/targets/mcp-http.ts';
import type { McpPipe } from '../../src/targets/mcp-pipe.ts';
import { openMcpSsePipe } from '../../src/targets/mcp-sse-pipe.ts';
import {
  answerTo,
  bodyOf,
  closeServers,
  createDriver,
  listenOn,
  never,
  permitFor,
  streamOn,
  toolCall,
} from '../support/mcp-http.ts';

/** The SDK calls it deprecated, as the transport is; it is what the servers in question are made with. */
interface SseModule {
  readonly SSEServerTransport: new (
    endpoint: string,
    response: ServerResponse,
  ) => Transport & {
    handlePostMessage(request: IncomingMessage, response: ServerResponse): Promise<void>;
  };
}
const sse: unknown = await import('@modelcontextprotocol/sdk/server/sse.js');
const { SSEServerTransport } = sse as SseModule;

const pipes: McpPipe[] = [];
afterEach(async () => {
  await Promise.all(pipes.splice(0).map((pipe) => pipe.close()));
  closeServers();
});

async function open(url: string, headersMs = 10_000) {
  const failed: unknown[] = [];
  const driver = createDriver(() => pipe);
  const pipe = await openMcpSsePipe({
    url,
    headers: { authorization: 'Bearer ours' },
    fetch,
    limits: { ...defaultMcpHttpLimits, headersMs },
    onMessage: driver.onMessage,
    onFailed: ({ keys, status, error }) => failed.push({ keys, status, code: error.code }),
  });
  pipes.push(pipe);
  return { ...driver, pipe, failed };
}

type Say = (text: string) => void;

/** A server that opens its stream with this text, and what it does with a message. */
function serverOf(
  first: string,
  onPost: (body: string, say: Say, response: ServerResponse, request: IncomingMessage) => void,
) {
  let stream: ServerResponse;
  return listenOn((request, response) => {
    if (request.method === 'GET') {
      stream = streamOn(response);
      stream.write(first);
    } else {
      void bodyOf(request).then((body) => onPost(body, (text) => stream.write(text), response, request));
    }
  });
}

const endpoint = 'event: endpoint\ndata: /messages?session=1\n\n';
const idOf = (body: string): unknown => (JSON.parse(body) as { id: unknown }).id;

describe('a server over HTTP+SSE', () => {
  it('of the SDK is initialized, lists and answers calls', async () => {
    let transport: InstanceType<typeof SSEServerTransport> | undefined;
    const url = await listenOn((request, response) => {
      if (request.method === 'POST') return void transport?.handlePostMessage(request, response);
      const server = new McpServer({ name: 'old', version: '1.0.0' });
      server.registerTool('look', { inputSchema: { at: z.string() } }, () => ({
        content: [{ type: 'text', text: 'It is there.' }],
      }));
      transport = new SSEServerTransport('/messages', response);
      void server.connect(transport);
    });
    const { pipe, relay, execute, messages } = await open(`${url}/sse`);
    relay({
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    });
    await expect.poll(() => messages).toMatchObject([{ id: 0, result: { protocolVersion: '2024-11-05' } }]);
    relay({ jsonrpc: '2.0', method: 'notifications/initialized' });
    pipe.list('own', 'tools/list', '{}');
    await expect.poll(() => messages.length).toBe(2);
    expect(messages[1]).toMatchObject({ id: 'own', result: { tools: [{ name: 'look' }] } });
    expect(await execute(toolCall(1, 'look', { at: 'x' }))).toMatchObject({
      kind: 'result',
      value: { content: [{ text: 'It is there.' }] },
    });
  });

  it('gets the payload byte for byte with our credentials, and may answer before it acknowledges', async () => {
    let seen: unknown;
    const url = await serverOf(endpoint, (body, say, response, { headers, url: path }) => {
      seen = { body, path, authorization: headers.authorization, type: headers['content-type'] };
      say(`data: ${answerTo(1)}\n\n`);
      setTimeout(() => response.writeHead(202).end('Accepted'), 20);
    });
    const { execute } = await open(`${url}/sse`);
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'result' });
    expect(seen).toEqual({
      body: `${JSON.stringify(toolCall(1))}\n`,
      path: '/messages?session=1',
      authorization: 'Bearer ours',
      type: 'application/json',
    });
  });

  it('may speak before it is asked, and is heard once the pipe is open', async () => {
    const { messages } = await open(
      await serverOf(`${endpoint}data: {"jsonrpc":"2.0","method":"first"}\n\n`, () => undefined),
    );
    expect(messages).toEqual([]);
    await expect.poll(() => messages).toMatchObject([{ method: 'first' }]);
  });

  it('settles each of its calls as unknown when its stream ends, and starts no other', async () => {
    const url = await listenOn((request, response) => {
      if (request.method === 'GET') {
        streamOn(response).write(endpoint);
        setTimeout(() => response.end(), 100);
      } else response.writeHead(202).end();
    });
    const { execute, pipe } = await open(url);
    expect(await execute(toolCall(1))).toMatchObject({ outcome: 'unknown', code: 'UPSTREAM_GONE' });
    expect(await pipe.ended).toEqual({ reason: 'The server ended its stream.' });
    expect(await execute(toolCall(2))).toMatchObject({ outcome: 'aborted', code: 'UPSTREAM_GONE' });
  });

  it.each([
    [403, 'failed', 'UPSTREAM_INVALID'],
    [500, 'unknown', 'UPSTREAM_GONE'],
    [307, 'unknown', 'UPSTREAM_INVALID'],
  ])(
    'that does not take a message with status %i settles the call, or tells whose it was',
    async (status, outcome, code) => {
      const url = await serverOf(endpoint, (_, _say, response) =>
        response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(),
      );
      const { execute, relay, pipe, failed } = await open(url);
      expect(await execute(toolCall(1))).toMatchObject({ kind: 'none', outcome, code });
      relay({ jsonrpc: '2.0', id: 'p', method: 'ping' });
      await expect.poll(() => failed).toEqual([{ keys: ['s:p'], status, code }]);
      pipe.list('own', 'tools/list', '{}');
      await expect.poll(() => failed.length).toBe(2);
    },
  );

  it('uses a permit once, and takes no other frame than one that was minted', async () => {
    const posts: string[] = [];
    const url = await serverOf(endpoint, (body, say, response) => {
      posts.push(body);
      response.writeHead(202).end();
      say(`data: ${answerTo(idOf(body))}\n\n`);
    });
    const { pipe, execute } = await open(url);
    await execute(toolCall(1));
    const used = permitFor('{}');
    void pipe.execute(used, never);
    expect(await pipe.execute(used, never)).toMatchObject({ outcome: 'aborted', code: 'PERMIT_EXPIRED' });
    expect(await pipe.execute(permitFor('{}', -1), never)).toMatchObject({ code: 'PERMIT_EXPIRED' });
    expect(() => pipe.relay({ bytes: new Uint8Array() } as never)).toThrow();
    await expect.poll(() => posts.length).toBe(2);
  });

  it('is cut off when it sends what is no message, and its calls are unknown', async () => {
    const url = await serverOf(endpoint, (_, say, response) => {
      response.writeHead(202).end();
      for (let i = 0; i < 40; i++) say(`: ${'x'.repeat(1 << 19)}\n\n`);
    });
    const { execute, messages, pipe } = await open(url);
    expect(await execute(toolCall(1))).toMatchObject({ outcome: 'unknown' });
    await pipe.ended;
    expect(messages).toEqual([{ fault: 'TOO_LARGE' }]);
  });

  it('lets go of everything when it is closed', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await listenOn((request, response) => {
      if (request.method !== 'GET') return void response.writeHead(202).end();
      response.on('close', () => gone.resolve());
      streamOn(response).write(endpoint);
    });
    const { execute, pipe } = await open(url);
    const executing = execute(toolCall(1));
    await pipe.close();
    await gone.promise;
    expect(await executing).toMatchObject({ outcome: 'unknown', code: 'UPSTREAM_GONE' });
  });
});

describe('no pipe is opened', () => {
  const say = (text: string) => () => serverOf(text, () => undefined);
  const status =
    (code: number, headers: Record<string, string> = {}) =>
    () =>
      listenOn((_, response) => response.writeHead(code, headers).end());

  it.each([
    [
      'another host as its endpoint',
      say('event: endpoint\ndata: http://127.0.0.2:1/messages\n\n'),
      'UPSTREAM_INVALID',
    ],
    ['another scheme', say('event: endpoint\ndata: file:///etc/passwd\n\n'), 'UPSTREAM_INVALID'],
    [
      'a host that only looks like a path',
      say('event: endpoint\ndata: //evil.example/messages\n\n'),
      'UPSTREAM_INVALID',
    ],
    [
      'one behind backslashes',
      say('event: endpoint\ndata: \\\\evil.example/messages\n\n'),
      'UPSTREAM_INVALID',
    ],
    ['no URL', say('event: endpoint\ndata: http://[\n\n'), 'UPSTREAM_INVALID'],
    ['a very long one', say(`event: endpoint\ndata: /${'x'.repeat(5_000)}\n\n`), 'UPSTREAM_INVALID'],
    ['no endpoint', say('data: {"jsonrpc":"2.0","method":"a"}\n\n'), 'UPSTREAM_GONE'],
    ['a redirect', status(307, { location: 'http://127.0.0.1:1/' }), 'UPSTREAM_INVALID'],
    ['405', status(405), 'UPSTREAM_GONE'],
    ['401', status(401), 'UPSTREAM_GONE'],
    ['no stream', status(200, { 'content-type': 'application/json' }), 'UPSTREAM_GONE'],
  ])('to a server that says %s', async (_, start, code) => {
    await expect(open(await start(), 500)).rejects.toMatchObject({ code });
  });

  it('to a server that cannot be reached', async () => {
    const url = await serverOf('', () => undefined);
    closeServers();
    await expect(open(url)).rejects.toMatchObject({ code: 'UPSTREAM_GONE' });
  });
});
