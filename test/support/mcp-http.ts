import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Call } from '../../src/call/call.ts';
import { fromUtf8, utf8 } from '../../src/call/bytes.ts';
import { mintPermit, type Permit } from '../../src/call/permit.ts';
import { createMcpHttpConnection } from '../../src/targets/mcp-http-connection.ts';
import {
  defaultMcpHttpLimits,
  type ExchangeEvents,
  type McpHttpExchange,
  type McpHttpOptions,
  type PassedHeaders,
  type ServerMessage,
} from '../../src/targets/mcp-http.ts';
import { mintRelayFrame } from '../../src/targets/mcp-relay-frame.ts';
import type { McpTarget } from '../../src/targets/mcp-target.ts';
import type { Execution } from '../../src/targets/target.ts';

/** HTTP servers of tests, on loopback, and a stand-in for the gateway that reads what an upstream says. */

const servers: Server[] = [];

export function closeServers(): void {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
}

/** The server's origin. */
export async function listenOn(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Begins an event stream. */
export function streamOn(response: ServerResponse, headers: Record<string, string> = {}): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
  return response;
}

export const answerTo = (id: unknown, value: unknown = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, result: value });

export const never = new AbortController().signal;

let calls = 0;
export function permitFor(payload: string, withinMs = 5_000): Permit {
  const id = `018f0000-0000-7000-8000-${String(++calls).padStart(12, '0')}`;
  const call = { id, payload: utf8(payload) } as Call;
  const wall = Date.now() + withinMs;
  return mintPermit({
    call,
    dispatchBefore: { monotonic: performance.now() + withinMs, wall },
    leaseEnds: wall + 60_000,
  });
}

/** A message as a test asserts it. */
export type Seen = { readonly id?: unknown; readonly fault?: string; readonly method?: string };

/** What a gateway does with a server's messages: answers of calls go back, everything is kept to be looked at. */
export function createDriver(target: () => McpTarget) {
  const waiting = new Map<unknown, string>();
  const messages: Seen[] = [];
  return {
    messages,
    onMessage(message: ServerMessage): void {
      if (message.fault) return void messages.push({ fault: message.fault.code });
      let parsed: Seen;
      try {
        parsed = JSON.parse(fromUtf8(message.bytes) ?? '') as Seen;
      } catch {
        return;
      }
      messages.push(parsed);
      const callId = waiting.get(parsed.id);
      if (callId === undefined || !('result' in parsed)) return;
      const value = JSON.parse(JSON.stringify(parsed.result));
      target().answer(callId, {
        kind: 'result',
        result: message.bytes,
        value,
        frame: message.bytes,
        pending: false,
      });
    },
    relay: (message: object) => target().relay(mintRelayFrame(utf8(`${JSON.stringify(message)}\n`))),
    execute(message: { readonly id: unknown }, signal = never): Promise<Execution> {
      const permit = permitFor(`${JSON.stringify(message)}\n`);
      waiting.set(message.id, permit.call.id);
      return target().execute(permit, signal);
    },
  };
}

/** A request of a tool that the upstream's answer decides on. */
export const toolCall = (id: unknown, name = 'look', args: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

type Options = Partial<Omit<McpHttpOptions, 'limits'>> & {
  readonly limits?: Partial<McpHttpOptions['limits']>;
};

export function connectTo(url: string, { limits, ...options }: Options = {}) {
  const connection = createMcpHttpConnection({
    url,
    headers: { authorization: 'Bearer ours' },
    fetch,
    ...options,
    limits: { ...defaultMcpHttpLimits, ...limits },
  });
  return {
    connection,
    exchange(headers: PassedHeaders = {}, events: Partial<ExchangeEvents> = {}) {
      const heads: unknown[] = [];
      const closed: unknown[] = [];
      const failed: { status?: number | undefined; code: string }[] = [];
      const driver = createDriver(() => exchange);
      const exchange: McpHttpExchange = connection.exchange({
        headers,
        onHead: (head) => heads.push(head),
        onClosed: (close) => closed.push(close),
        onFailed: ({ status, error }) => failed.push({ status, code: error.code }),
        onMessage: driver.onMessage,
        ...events,
      });
      return { ...driver, exchange, heads, closed, failed };
    },
  };
}
