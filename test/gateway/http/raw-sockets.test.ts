import { connect, type Socket } from 'node:net';
import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { createHttpApp } from '../../../src/gateway/http/app.ts';
import type { HttpBindings } from '../../../src/gateway/http/credentials.ts';
import { openEventStream, type EventStream } from '../../../src/gateway/http/event-stream.ts';
import { readBody } from '../../../src/gateway/http/read-body.ts';
import { createStreams, type Streams } from '../../../src/gateway/http/streams.ts';
import type { Principal } from '../../../src/identity/principal.ts';
import {
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/runtime/serve/http-server.ts';

const servers: HttpServer[] = [];
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server.close(100);
});

interface Gateway {
  readonly server: HttpServer;
  readonly streams: Streams;
  readonly events: EventStream[];
  /** What the application was asked to act on. */
  readonly bodies: string[];
  readonly refusals: string[];
  readonly release: () => void;
  /** Sends these bytes as they are; resolves to all that comes back until the other end closes, or `quiet` ms pass. */
  send(...parts: readonly string[]): Promise<string>;
  open(): Socket;
}

async function gateway(options: Partial<HttpServerOptions> = {}): Promise<Gateway> {
  const bodies: string[] = [];
  const refusals: string[] = [];
  const events: EventStream[] = [];
  const streams = createStreams({ perOwner: 10, all: 10 });
  const held = Promise.withResolvers<void>();
  const routes = new Hono<{ Bindings: HttpBindings }>();
  routes.post('/act', async ({ req, text }) => {
    bodies.push(new TextDecoder().decode(await readBody(req.raw, 1_000)));
    return text('done');
  });
  routes.post('/held', async ({ req, text }) => {
    bodies.push(await req.text());
    await held.promise;
    return text('let go');
  });
  routes.get('/large', ({ text }) => text('x'.repeat(32 << 20)));
  routes.get('/events', ({ env }) => {
    const stream = openEventStream(streams.open('one', env), { maxWaiting: 10_000, heartbeat: 50 });
    events.push(stream);
    return stream.response;
  });
  routes.onError((error) =>
    Response.json(
      { error: { code: error instanceof CountersignError ? error.code : 'INTERNAL' } },
      { status: 413 },
    ),
  );
  const app = createHttpApp({
    gate: { authenticate: () => Promise.resolve({ apiKeyId: 'one' } as Principal) },
    isOwnHost: (host) => host === 'gate.example',
    origins: new Set(),
    routes: [routes as unknown as Hono],
    maxInFlightPerKey: 100,
    ready: () => Promise.resolve({ ready: true, parts: {} }),
    version: '0',
    onError: () => undefined,
  });
  const server = await startHttpServer({
    fetch: async (request, bindings) => app.fetch(request, bindings),
    listen: { tcp: { host: '127.0.0.1', port: 0 } },
    maxInFlight: 4,
    maxConnections: 50,
    onRefused: (code) => refusals.push(code),
    ...options,
  });
  servers.push(server);
  const open = (): Socket => {
    const socket = connect(server.tcp?.port ?? 0, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    return socket;
  };
  return {
    ...{ server, streams, events, bodies, refusals, open },
    release: held.resolve,
    async send(...parts) {
      const socket = open();
      const answer = all(socket);
      for (const part of parts) {
        socket.write(part);
        await pause(20);
      }
      return answer;
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function all(socket: Socket, quiet = 700): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(`${text}[open]`), quiet);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

const head = (method: string, path: string, ...headers: readonly string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: gate.example', ...headers, '', ''].join('\r\n');
const post = (path: string, body: string, ...headers: readonly string[]): string =>
  head('POST', path, 'Content-Type: application/json', `Content-Length: ${body.length}`, ...headers) + body;
const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
const codes = (answer: string): string[] =>
  [...answer.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code ?? '');

describe('a request that two servers in a row could read differently', () => {
  const json = 'Content-Type: application/json';
  it.each([
    [
      'both lengths',
      head('POST', '/act', json, 'Content-Length: 3', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    ],
    ['two lengths', head('POST', '/act', json, 'Content-Length: 2', 'Content-Length: 4') + '{}  '],
    ['one length twice', head('POST', '/act', json, 'Content-Length: 2', 'Content-Length: 2') + '{}'],
    ['a length with a sign', head('POST', '/act', json, 'Content-Length: +2') + '{}'],
    ['a length in a list', head('POST', '/act', json, 'Content-Length: 2, 2') + '{}'],
    ['chunked, hidden by a letter', head('POST', '/act', json, 'Transfer-Encoding: xchunked') + '0\r\n\r\n'],
    [
      'chunked, not at last',
      head('POST', '/act', json, 'Transfer-Encoding: chunked, identity') + '0\r\n\r\n',
    ],
    ['chunked behind a space', head('POST', '/act', json, 'Transfer-Encoding : chunked') + '0\r\n\r\n'],
    ['a folded header', head('POST', '/act', json, 'X: a', ' b', 'Content-Length: 2') + '{}'],
    ['a bare LF', 'POST /act HTTP/1.1\nHost: gate.example\nContent-Length: 2\n\n{}'],
    ['a CR in a header', head('POST', '/act', json, 'X: a\rContent-Length: 2')],
    ['a NUL in a header', head('POST', '/act', json, 'X: a\0b', 'Content-Length: 2') + '{}'],
    ['two hosts', head('POST', '/act', json, 'Host: rebound.example', 'Content-Length: 2') + '{}'],
    [
      'another host in the target',
      head('POST', 'http://rebound.example/act', json, 'Content-Length: 2') + '{}',
    ],
    ['the own host in the target', head('POST', 'http://gate.example/act', json, 'Content-Length: 2') + '{}'],
    [
      'two keys',
      head('POST', '/act', json, 'Authorization: Bearer a', 'Authorization: Bearer b', 'Content-Length: 2') +
        '{}',
    ],
    ['a tunnel', head('CONNECT', 'rebound.example:443')],
    ['another protocol', 'SSH-2.0-client\r\n\r\n'],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [
      'a chunk size that overflows',
      head('POST', '/act', json, 'Transfer-Encoding: chunked') + 'fffffffffffffffff\r\n',
    ],
  ])('is refused with a code, and nothing is done: %s', async (_, bytes) => {
    const { send, bodies } = await gateway();
    const answer = await send(bytes);
    expect(statuses(answer), answer).toEqual([400]);
    expect(codes(answer)).toEqual(['FRAME_INVALID']);
    expect(bodies).toEqual([]);
  });

  it('hides no second request: what follows a refusal is not read', async () => {
    const { send, bodies } = await gateway();
    const hidden = post('/act', '{"hidden":1}');
    for (const first of [
      head('POST', '/act', 'Content-Length: 4', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
      head('POST', 'http://gate.example/act', `Content-Length: ${hidden.length}`),
      head('POST', '/act', 'Host: gate.example', `Content-Length: ${hidden.length}`),
    ]) {
      const answer = await send(first + hidden);
      expect(answer).not.toContain('[open]');
      expect(statuses(answer)).not.toContain(200);
    }
    expect(bodies).toEqual([]);
  });

  it.each([
    ['no host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
    ['a host that is no name', head('GET', '/healthz').replace('gate.example', 'gate.example/..'), 400],
    [
      'a host with a user',
      head('GET', '/healthz').replace('gate.example', 'gate.example@rebound.example'),
      400,
    ],
    ['an unknown expectation', head('POST', '/act', 'Expect: 999', 'Content-Length: 2'), 417],
  ])('is refused where it names no place of ours: %s', async (_, bytes, status) => {
    const { send } = await gateway();
    const answer = await send(bytes);
    expect(statuses(answer)[0]).toBe(status);
    expect(codes(answer)[0]).toBe('FRAME_INVALID');
  });

  it('cannot be made from a header of an answer: nothing of a caller’s comes back in one', async () => {
    const { send } = await gateway();
    const answer = await send(head('GET', '/nothing%0d%0aSet-Cookie:%20a=b', 'X-Request-Id: echo'));
    expect(statuses(answer)).toEqual([404]);
    expect(answer).not.toMatch(/set-cookie|echo/i);
  });
});

describe('a request that is too much', () => {
  it.each([
    [431, 'headers that are too long', head('GET', '/healthz', `X: ${'x'.repeat(20_000)}`)],
    [431, 'too many headers', head('GET', '/healthz', ...Array.from({ length: 120 }, (_, i) => `X${i}: 1`))],
    [414, 'a path that is too long', head('GET', `/${'x'.repeat(9_000)}`)],
    [413, 'a body that is too long', post('/act', 'x'.repeat(2_000))],
    [
      413,
      'a body that turns out to be',
      head('POST', '/act', 'Content-Type: application/json', 'Transfer-Encoding: chunked') +
        `7d0\r\n${'x'.repeat(2_000)}\r\n0\r\n\r\n`,
    ],
    [
      413,
      'chunks that are all extension',
      head('POST', '/act', 'Transfer-Encoding: chunked') + `1;${'x'.repeat(17_000)}\r\nx\r\n0\r\n\r\n`,
    ],
  ])('gets %i with a code: %s', async (status, _, bytes) => {
    const { send, bodies } = await gateway();
    const answer = await send(bytes);
    expect(statuses(answer), answer.slice(0, 300)).toEqual([status]);
    expect(codes(answer)).toEqual(['TOO_LARGE']);
    expect(bodies).toEqual([]);
  });

  it('is told to come back: so many run at a time, and no more', async () => {
    const { open, send, release, refusals, server } = await gateway();
    const running = Array.from({ length: 4 }, () => {
      const socket = open();
      socket.write(post('/held', '{}', 'Connection: close'));
      return all(socket, 5_000);
    });
    await pause(100);
    expect(server.inFlight()).toBe(4);
    const refused = await send(post('/act', '{}'));
    expect(refused).toMatch(/^HTTP\/1\.1 503[^]*retry-after: 1[^]*GATE_BUSY/i);
    expect(refusals).toEqual(['GATE_BUSY']);
    release();
    expect((await Promise.all(running)).flatMap(statuses)).toEqual([200, 200, 200, 200]);
    expect(server.inFlight()).toBe(0);
  });

  it('is refused on a connection that sends many without reading one answer', async () => {
    const { send, bodies, release } = await gateway({ maxInFlight: 1_000 });
    setTimeout(release, 200);
    const answer = await send(post('/held', '{}').repeat(300));
    expect(bodies).toHaveLength(8);
    expect(statuses(answer)).toEqual([...Array.from({ length: 8 }, () => 200), 503]);
    expect(codes(answer)).toEqual(['GATE_BUSY']);
  });
});

describe('a client that takes its time', () => {
  const timeouts = { headers: 300, request: 600, idle: 200, answer: 300 };

  it('loses its connection: one byte a while is no request', { timeout: 10_000 }, async () => {
    const { open, server } = await gateway({ timeouts });
    const slowHead = open();
    slowHead.write('GET /healthz HTTP/1.1\r\nHost: ga');
    const slowBody = open();
    slowBody.write(head('POST', '/act', 'Content-Type: application/json', 'Content-Length: 100') + '{');
    const silent = open();
    const answers = await Promise.all([all(slowHead, 5_000), all(slowBody, 5_000), all(silent, 5_000)]);
    for (const answer of answers) {
      expect(answer).not.toContain('[open]');
      expect(statuses(answer)).toEqual([408]);
      expect(codes(answer)).toEqual(['REQUEST_TIMEOUT']);
    }
    expect(server.inFlight()).toBe(0);
  });

  it('holds no place by never taking its answer', { timeout: 10_000 }, async () => {
    const { open, server } = await gateway({ timeouts });
    const socket = open();
    socket.pause();
    socket.write(head('GET', '/large'));
    await expect.poll(() => server.inFlight()).toBe(1);
    await expect.poll(() => server.inFlight(), { timeout: 5_000 }).toBe(0);
  });

  it('keeps others out no longer than its connections last', async () => {
    const { open, send } = await gateway({ timeouts, maxConnections: 3 });
    const idle = [open(), open(), open()];
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    await pause(50);
    expect(statuses(await send(head('GET', '/healthz')))).toEqual([]);
    for (const socket of idle) socket.destroy();
    await pause(50);
    expect(statuses(await send(head('GET', '/healthz')))).toEqual([200]);
  });
});

describe('a stream of events', () => {
  it('is no request in flight, and lasts as long as it is read', async () => {
    const { open, server, events } = await gateway({ maxInFlight: 1, timeouts: { answer: 100 } });
    const readers = [open(), open(), open()];
    for (const socket of readers) socket.resume().write(head('GET', '/events'));
    await expect.poll(() => events.length).toBe(3);
    await expect.poll(() => server.openStreams()).toBe(3);
    expect(server.inFlight()).toBe(0);
    await pause(600);
    expect(events.filter(({ gone }) => gone.aborted)).toEqual([]);
    readers[0]?.destroy();
    await expect.poll(() => server.openStreams()).toBe(2);
    expect(events[0]?.gone.aborted).toBe(true);
  });

  it('is broken off where its reader has stopped reading', async () => {
    const { open, server, events } = await gateway();
    const socket = open();
    socket.pause();
    socket.write(head('GET', '/events'));
    await expect.poll(() => events.length).toBe(1);
    const big = 'x'.repeat(1 << 20);
    let sent = 0;
    while (sent < 100 && events[0]?.send({ data: big })) {
      sent += 1;
      await pause(1);
    }
    await expect.poll(() => events[0]?.gone.aborted).toBe(true);
    expect(sent).toBeLessThan(40);
    await expect.poll(() => server.openStreams()).toBe(0);
  });
});

describe('a server that ends', () => {
  it('answers what runs, lets streams end, and takes nothing new', async () => {
    const { open, server, streams, events, release } = await gateway();
    const running = open();
    const answered = all(running, 5_000);
    running.write(post('/held', '{}'));
    const reader = open();
    const read = all(reader, 5_000);
    reader.write(head('GET', '/events'));
    await expect.poll(() => events.length + server.inFlight()).toBe(2);
    const closed = Promise.all([server.close(5_000), streams.close(1_000)]);
    events[0]?.send({ data: '"last"' });
    events[0]?.end();
    running.write(post('/act', '{}'));
    await pause(50);
    release();
    await closed;
    expect(statuses(await answered)).toEqual([200, 503]);
    expect(await read).toMatch(/data: "last"\r?\n[^]*0\r\n\r\n$/);
    expect(statuses(await all(open(), 200))).toEqual([]);
  });

  it('waits no longer than it is told', async () => {
    const { open, server } = await gateway();
    const running = open();
    const answered = all(running, 5_000);
    running.write(post('/held', '{}'));
    await expect.poll(() => server.inFlight()).toBe(1);
    await server.close(50);
    expect(await answered).toBe('');
  });
});
