import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { utf8 } from '../../../src/call/bytes.ts';
import { createFramer } from '../../../src/gateway/mcp/framer.ts';
import { createSend } from '../../../src/runtime/connect/node-fetch.ts';
import { createRemoteRelay } from '../../../src/runtime/connect/remote-relay.ts';
import type { WireAnswer } from '../../support/wire.ts';

/** A client at one end of the relay, in this process. */
export interface Connected {
  /** Sends lines as they are. */
  send(text: string): void;
  request(method: string, params?: unknown): Promise<WireAnswer>;
  /** The next line that is no answer to `request`. */
  line(): Promise<string>;
  /** Lines that nobody took yet. */
  readonly rest: readonly string[];
  readonly warnings: readonly string[];
  readonly remote: ReturnType<typeof createRemoteRelay>;
}

export function connected(
  endpoint: string,
  {
    socketPath,
    maxMessageBytes = 1 << 20,
    humanToken,
  }: {
    readonly socketPath?: string;
    readonly maxMessageBytes?: number;
    readonly humanToken?: () => Promise<string | undefined>;
  } = {},
): Connected {
  const framer = createFramer({ maxFrameBytes: 1 << 20, lastLine: 'refuse' });
  const reader = createFramer({ maxFrameBytes: 1 << 24, lastLine: 'refuse' });
  const waiting = new Map<number, (answer: WireAnswer) => void>();
  const lines: string[] = [];
  const lineWaiters: ((line: string) => void)[] = [];
  const warnings: string[] = [];
  let nextId = 1_000;

  const take = (text: string): void => {
    const { id, ...rest } = JSON.parse(text) as WireAnswer;
    const resolve = typeof id === 'number' && !('method' in rest) ? waiting.get(id) : undefined;
    if (resolve) {
      waiting.delete(id as number);
      return resolve({ id: id as number, ...rest });
    }
    const waiter = lineWaiters.shift();
    if (waiter) waiter(text);
    else lines.push(text);
  };
  const remote = createRemoteRelay({
    endpoint,
    apiKey: 'cs_live_test',
    humanToken,
    send: createSend({ socketPath }),
    toClient(...parts) {
      for (const frame of parts.flatMap((part) => reader.push(part))) {
        if (frame.fault) throw frame.fault;
        take(new TextDecoder().decode(frame.bytes));
      }
    },
    whenToPause: () => undefined,
    warn: (sentence) => warnings.push(sentence),
    maxMessageBytes,
    maxInFlight: 64,
  });
  const send = (text: string): void => {
    for (const frame of framer.push(utf8(`${text}\n`))) remote.fromClient(frame);
  };
  return {
    send,
    request(method, params = {}) {
      nextId += 1;
      const id = nextId;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      });
    },
    line() {
      const ready = lines.shift();
      return ready === undefined
        ? new Promise((resolve) => lineWaiters.push(resolve))
        : Promise.resolve(ready);
    },
    rest: lines,
    warnings,
    remote,
  };
}

export interface SeenRequest {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Resolves when the other end is gone before it was answered. */
  readonly left: Promise<void>;
}

/** Anything that answers HTTP where a gate is expected. */
export interface StandIn extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
}

export async function standIn(
  answer: (request: SeenRequest, response: ServerResponse, nth: number) => void,
): Promise<StandIn> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const left = new Promise<void>((resolve) => response.once('close', resolve));
      const one = { method: request.method ?? '', headers: request.headers, body, left };
      seen.push(one);
      answer(one, response, seen.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp/files`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function idOf({ body }: SeenRequest): unknown {
  return body === '' ? undefined : (JSON.parse(body) as { id?: unknown }).id;
}

export function json(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

export function stream(response: ServerResponse, ...events: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const event of events) response.write(`${event}\n\n`);
}

export const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
