import { randomUUID } from 'node:crypto';
import { serve, type ServerType } from '@hono/node-server';
import { McpServer as LegacyServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { closeServers, connectTo, listenOn, toolCall } from '../support/mcp-http.ts';

let modern: ServerType | undefined;
afterEach(() => {
  closeServers();
  modern?.close();
});

const looks = { description: 'Looks.', inputSchema: { at: z.string() } };
const seen = { content: [{ type: 'text' as const, text: 'It is there.' }] };

/** Keeps every event, so that a stream can be taken up again. */
function eventStore() {
  const events: { id: string; streamId: string; message: JSONRPCMessage }[] = [];
  return {
    async storeEvent(streamId: string, message: JSONRPCMessage) {
      const id = `${events.length}`;
      events.push({ id, streamId, message });
      return id;
    },
    async getStreamIdForEventId(id: string) {
      return events[Number(id)]?.streamId;
    },
    async replayEventsAfter(
      id: string,
      { send }: { send: (id: string, message: JSONRPCMessage) => Promise<void> },
    ) {
      const streamId = events[Number(id)]?.streamId ?? '';
      for (const event of events.slice(Number(id) + 1))
        if (event.streamId === streamId && 'jsonrpc' in event.message) await send(event.id, event.message);
      return streamId;
    },
  };
}

async function startLegacy(enableJsonResponse = false): Promise<string> {
  const server = new LegacyServer({ name: 'legacy', version: '1.0.0' }, { capabilities: { logging: {} } });
  server.registerTool('look', looks, async (_, { closeSSEStream, sendNotification }) => {
    await sendNotification({ method: 'notifications/message', params: { level: 'info', data: 'looking' } });
    closeSSEStream?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
    return seen;
  });
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse,
    eventStore: eventStore(),
    retryInterval: 60,
  });
  await server.connect(transport);
  return listenOn((request, response) => void transport.handleRequest(request, response));
}

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};
const headers = { 'mcp-protocol-version': '2025-11-25' };

async function openSession(url: string) {
  const peer = connectTo(url, { headers: {} });
  const opening = peer.exchange();
  opening.relay(initialize);
  await expect.poll(() => opening.messages).toMatchObject([{ id: 0, result: { serverInfo: {} } }]);
  const following = peer.exchange(headers);
  following.relay({ jsonrpc: '2.0', method: 'notifications/initialized' });
  await expect.poll(() => following.heads).toEqual([{ status: 202, isStream: false }]);
  return peer;
}

describe('a legacy server of the SDK', () => {
  it('opens a session, lists, and answers a call whose stream it closed meanwhile', async () => {
    const peer = await openSession(await startLegacy());
    const { exchange, execute, messages, closed } = peer.exchange(headers);
    exchange.list('own', 'tools/list', '{}');
    await expect.poll(() => messages).toMatchObject([{ id: 'own', result: { tools: [{ name: 'look' }] } }]);
    expect(await execute(toolCall(1, 'look', { at: 'x' }))).toMatchObject({ kind: 'result', value: seen });
    expect(messages).toMatchObject([{ id: 'own' }, { method: 'notifications/message' }, { id: 1 }]);
    expect(closed[0]).toEqual({ isResumable: true, retryMs: 60 });
    expect(await peer.connection.end()).toBe(200);
  });

  it('answers in one piece where it is set to', async () => {
    const peer = await openSession(await startLegacy(true));
    const { execute, heads } = peer.exchange(headers);
    expect(await execute(toolCall(1, 'look', { at: 'x' }))).toMatchObject({ value: seen });
    expect(heads).toEqual([{ status: 200, isStream: false }]);
  });

  it('is listened to, once', async () => {
    const peer = await openSession(await startLegacy());
    const stop = new AbortController();
    const events = { onMessage: () => undefined, onClosed: () => undefined };
    expect(await peer.connection.listen(events, headers, stop.signal)).toBe(200);
    expect(await peer.connection.listen(events, headers, stop.signal)).toBe(409);
    stop.abort();
  });

  it('knows no session that was ended', async () => {
    const peer = await openSession(await startLegacy());
    await peer.connection.end();
    const { execute, heads } = peer.exchange(headers);
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'none', outcome: 'failed' });
    expect(heads).toEqual([]);
  });
});

describe('a modern server of the SDK', () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
  };
  const modernHeaders = (method: string, name?: string) => ({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': name }),
  });
  const call = (id: number) => {
    const request = toolCall(id, 'look', { at: 'x' });
    return { ...request, params: { ...request.params, _meta: meta } };
  };

  async function start(onAbort: () => void = () => undefined): Promise<string> {
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: 'modern', version: '1.0.0' });
      server.registerTool('look', { ...looks, inputSchema: z.object(looks.inputSchema) }, () => seen);
      server.registerTool('hang', { description: 'Hangs.' }, ({ mcpReq }) => {
        mcpReq.signal.addEventListener('abort', onAbort);
        return new Promise(() => undefined);
      });
      return server;
    });
    const { port } = await new Promise<{ port: number }>((resolve) => {
      modern = serve({ fetch: (request) => handler.fetch(request), port: 0, hostname: '127.0.0.1' }, resolve);
    });
    return `http://127.0.0.1:${port}/mcp`;
  }

  it('answers calls and listings that are each on their own', async () => {
    const peer = connectTo(await start());
    const { execute, exchange, messages } = peer.exchange(modernHeaders('tools/call', 'look'));
    expect(await execute(call(1))).toMatchObject({ kind: 'result', value: seen });
    exchange.list('own', 'tools/list', JSON.stringify({ _meta: meta }));
    await expect.poll(() => messages.length).toBe(2);
    expect(messages[1]).toMatchObject({ id: 'own', result: { tools: [{ name: 'look' }, { name: 'hang' }] } });
    expect(await peer.connection.end()).toBeUndefined();
  });

  it('answers an unknown method with a status and a JSON-RPC error, and both arrive', async () => {
    const { relay, heads, messages, failed } = connectTo(await start()).exchange(modernHeaders('no/such'));
    relay({ jsonrpc: '2.0', id: 7, method: 'no/such', params: { _meta: meta } });
    await expect.poll(() => messages).toMatchObject([{ id: 7, error: { code: -32601 } }]);
    expect([heads, failed]).toEqual([[{ status: 404, isStream: false }], []]);
  });

  it('stops a call whose exchange is aborted', async () => {
    const stopped = Promise.withResolvers<void>();
    const peer = connectTo(await start(stopped.resolve));
    const { execute, exchange } = peer.exchange(modernHeaders('tools/call', 'hang'));
    const { params } = call(1);
    const executing = execute({
      ...toolCall(1),
      params: { ...params, name: 'hang', arguments: {} },
    } as never);
    setTimeout(() => exchange.abort(), 150);
    expect(await executing).toMatchObject({ outcome: 'unknown', code: 'CALLER_CANCELLED' });
    await stopped.promise;
  });
});
