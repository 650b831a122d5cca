import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { CountersignError } from '../../src/errors.ts';
import { mintRelayFrame } from '../../src/targets/mcp-relay-frame.ts';
import {
  answerTo,
  bodyOf,
  closeServers,
  connectTo,
  listenOn,
  never,
  permitFor,
  streamOn,
  toolCall,
} from '../support/mcp-http.ts';

afterEach(closeServers);

const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' };
const json = { 'content-type': 'application/json' };

const answering =
  (status: number, text: string, headers: Record<string, string> = json): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(text);

const event = (data: string, fields = ''): string => `${fields}data: ${data}\n\n`;

describe('what is sent', () => {
  it('is the payload byte for byte, with what speaks of MCP and nothing else of the client', async () => {
    let seen: { headers?: IncomingHttpHeaders; body?: string } = {};
    const url = await listenOn((request, response) => {
      void bodyOf(request).then((body) => {
        seen = { headers: request.headers, body };
        response.writeHead(200, json).end(answerTo(1));
      });
    });
    const { exchange } = connectTo(url).exchange({
      'mcp-protocol-version': '2025-11-25',
      'mcp-session-id': 'of-the-client',
      accept: 'application/json, text/event-stream;q=0.5',
      authorization: 'Bearer theirs',
      cookie: 'theirs',
    });
    const payload = '{"jsonrpc":"2.0", "id":1,"method":"tools/call","params":{"n":12345678901234567890}}\r\n';
    await exchange.execute(permitFor(payload), never);
    expect(seen.body).toBe(payload);
    expect(seen.headers).toMatchObject({
      authorization: 'Bearer ours',
      accept: 'application/json, text/event-stream;q=0.5',
      'content-type': 'application/json',
      'mcp-protocol-version': '2025-11-25',
    });
    expect(seen.headers).not.toHaveProperty('cookie');
    expect(seen.headers).not.toHaveProperty('mcp-session-id');
  });

  it('goes through the fetch that was given, as nobody’s method: some runtimes insist', async () => {
    let isFree: boolean | undefined;
    const own: typeof fetch = function (this: unknown) {
      isFree = this === undefined;
      return Promise.resolve(Response.json(JSON.parse(answerTo(1))));
    };
    const { execute } = connectTo('http://server.example/', { fetch: own }).exchange();
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'result' });
    expect(isFree).toBe(true);
  });

  it('is nothing under a permit that was used, forged or is late, or after an abort', async () => {
    let asked = 0;
    const url = await listenOn((_, response) => {
      asked++;
      response.writeHead(500).end();
    });
    const { exchange } = connectTo(url).exchange();
    const used = permitFor('{}');
    await exchange.execute(used, never);
    const after = connectTo(url).exchange();
    after.exchange.abort();
    expect(await exchange.execute(used, never)).toMatchObject({ outcome: 'aborted', code: 'PERMIT_EXPIRED' });
    expect(await exchange.execute({ ...permitFor('{}') }, never)).toMatchObject({ outcome: 'aborted' });
    expect(await exchange.execute(permitFor('{}', -1), never)).toMatchObject({ code: 'PERMIT_EXPIRED' });
    expect(await exchange.execute(permitFor('{}'), AbortSignal.abort())).toMatchObject({
      outcome: 'aborted',
    });
    expect(await after.execute(toolCall(1))).toMatchObject({ outcome: 'aborted', code: 'CALLER_CANCELLED' });
    expect(asked).toBe(1);
  });

  it('is a frame once, and none that was not minted', async () => {
    const { exchange } = connectTo(await listenOn(answering(202, ''))).exchange();
    const frame = mintRelayFrame(utf8('{"jsonrpc":"2.0","method":"notifications/initialized"}\n'));
    exchange.relay(frame);
    expect(() => exchange.relay(frame)).toThrow(CountersignError);
    expect(() => exchange.relay({ ...frame })).toThrow(CountersignError);
  });

  it('is a listing whose headers agree with its body, in either era', async () => {
    const seen: IncomingHttpHeaders[] = [];
    const url = await listenOn((request, response) => {
      seen.push(request.headers);
      response.writeHead(200, json).end(answerTo('own'));
    });
    const peer = connectTo(url);
    const legacy = peer.exchange({ 'mcp-protocol-version': '2025-06-18' });
    const notification = { jsonrpc: '2.0', method: 'notifications/initialized' };
    legacy.exchange.relay(mintRelayFrame(utf8(JSON.stringify(notification))));
    await expect.poll(() => legacy.heads).toHaveLength(1);
    seen.pop();
    legacy.exchange.list('own', 'tools/list', '{}');
    await expect.poll(() => legacy.messages).toMatchObject([{ id: 'own' }]);
    const modern = peer.exchange({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'look',
      'mcp-param-at': 'x',
    });
    modern.exchange.list(
      'own',
      'tools/list',
      '{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}',
    );
    await expect.poll(() => modern.messages).toMatchObject([{ id: 'own' }]);
    expect(seen[0]).toMatchObject({ 'mcp-protocol-version': '2025-06-18' });
    expect(seen[1]).toMatchObject({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' });
    expect(seen[1]).not.toHaveProperty('mcp-name');
    expect(seen[1]).not.toHaveProperty('mcp-param-at');
    expect(modern.heads).toEqual([]);
  });
});

describe('an answer', () => {
  it.each([
    ['JSON', answering(200, answerTo(1, { ok: true })), { status: 200, isStream: false }],
    [
      'an event of a stream',
      answering(200, `: hi\n\nid: e1\ndata:\n\n${event(answerTo(1, { ok: true }))}`, {
        'content-type': 'text/event-stream; charset=utf-8',
      }),
      { status: 200, isStream: true },
    ],
    [
      'JSON-RPC with the status of an error',
      answering(404, answerTo(1, { ok: true })),
      { status: 404, isStream: false },
    ],
  ] as const)('of a call is %s', async (_, listener, head) => {
    const { execute, heads } = connectTo(await listenOn(listener)).exchange();
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'result', value: { ok: true } });
    expect(heads).toEqual([head]);
  });

  it('keeps its order and its bytes, several lines of data included', async () => {
    const stream = `${event('{"jsonrpc":"2.0","method":"a"}')}data: {"jsonrpc":"2.0",\ndata: "method":"b"}\n\n${event(answerTo('p'))}`;
    const { relay, messages, heads, closed, failed } = connectTo(
      await listenOn(answering(200, stream, { 'content-type': 'text/event-stream' })),
    ).exchange();
    relay(ping);
    await expect.poll(() => closed.length).toBe(1);
    expect(messages).toMatchObject([{ method: 'a' }, { method: 'b' }, { id: 'p' }]);
    expect([heads, closed, failed]).toEqual([
      [{ status: 200, isStream: true }],
      [{ isResumable: false }],
      [],
    ]);
  });

  it.each([202, 204, 200])('to a notification is the status %i alone', async (status) => {
    const { relay, heads, messages, failed } = connectTo(
      await listenOn(answering(status, '', {})),
    ).exchange();
    relay({ jsonrpc: '2.0', method: 'notifications/initialized' });
    await expect.poll(() => heads).toEqual([{ status, isStream: false }]);
    expect([messages, failed]).toEqual([[], []]);
  });

  it('that comes on another stream counts as well, and the one that stays silent is closed', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await listenOn((request, response) => {
      if (request.method === 'GET') streamOn(response).write(event(answerTo(1)));
      else streamOn(response).on('close', () => gone.resolve());
    });
    const peer = connectTo(url);
    const first = peer.exchange();
    const executing = first.execute(toolCall(1));
    const stop = new AbortController();
    expect(
      await peer.connection.listen(
        { onMessage: first.onMessage, onClosed: () => undefined },
        { 'mcp-protocol-version': '2025-11-25' },
        stop.signal,
      ),
    ).toBe(200);
    expect(await executing).toMatchObject({ kind: 'result' });
    await gone.promise;
    stop.abort();
  });
});

describe('no answer', () => {
  const broken: RequestListener = (request) => request.socket.destroy();
  const half: RequestListener = (_, response) => {
    response.writeHead(200, { ...json, 'content-length': '100' });
    response.write('{', () => response.destroy());
  };
  const stream = { 'content-type': 'text/event-stream' };

  it.each([
    ['a status 4xx', answering(403, 'no', {}), 'failed', 'UPSTREAM_INVALID'],
    [
      'a session that is gone',
      answering(404, '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":""}}'),
      'failed',
      'UPSTREAM_GONE',
    ],
    ['a status 5xx', answering(503, 'later', {}), 'unknown', 'UPSTREAM_GONE'],
    [
      'a status 5xx with JSON that is no JSON-RPC',
      answering(500, '{"error":"x"}'),
      'unknown',
      'UPSTREAM_GONE',
    ],
    ['a redirect', answering(307, '', { location: 'http://127.0.0.1:1/' }), 'unknown', 'UPSTREAM_INVALID'],
    ['nothing that follows', answering(202, ''), 'unknown', 'UPSTREAM_INVALID'],
    ['an empty answer', answering(200, ''), 'unknown', 'UPSTREAM_INVALID'],
    ['an answer to something else', answering(200, answerTo(2)), 'unknown', 'UPSTREAM_INVALID'],
    ['no JSON', answering(200, 'garbage'), 'unknown', 'UPSTREAM_INVALID'],
    [
      'a web page',
      answering(200, answerTo(1), { 'content-type': 'text/html' }),
      'unknown',
      'UPSTREAM_INVALID',
    ],
    ['no type', answering(200, answerTo(1), {}), 'unknown', 'UPSTREAM_INVALID'],
    ['a stream that ends', answering(200, ': hi\n\n', stream), 'unknown', 'UPSTREAM_GONE'],
    [
      'a stream with the answer to something else',
      answering(200, event(answerTo(2)), stream),
      'unknown',
      'UPSTREAM_GONE',
    ],
    [
      'an event that is not finished',
      answering(200, `data: ${answerTo(1)}\n`, stream),
      'unknown',
      'UPSTREAM_GONE',
    ],
    ['a broken connection', broken, 'unknown', 'UPSTREAM_GONE'],
    ['half an answer', half, 'unknown', 'UPSTREAM_GONE'],
  ] as const)('%s settles the call', async (_, listener, outcome, code) => {
    const { execute, failed } = connectTo(await listenOn(listener)).exchange();
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'none', outcome, code });
    expect(failed).toEqual([]);
  });

  it.each([
    [
      'a status',
      answering(403, 'no', { 'www-authenticate': 'Bearer' }),
      { status: 403, code: 'UPSTREAM_INVALID' },
    ],
    ['nothing that follows', answering(202, ''), { status: 202, code: 'UPSTREAM_INVALID' }],
    ['an answer to something else', answering(200, answerTo('q')), { status: 200, code: 'UPSTREAM_INVALID' }],
    [
      'an answer whose id stands twice',
      answering(200, '{"jsonrpc":"2.0","id":"q","id":"p","result":{}}'),
      { status: 200, code: 'UPSTREAM_INVALID' },
    ],
    ['a stream that ends', answering(200, '', stream), { status: 200, code: 'UPSTREAM_GONE' }],
    ['a broken connection', broken, { status: undefined, code: 'UPSTREAM_GONE' }],
  ] as const)('%s is told of what was relayed, once', async (_, listener, failure) => {
    const { relay, failed } = connectTo(await listenOn(listener)).exchange();
    relay(ping);
    await expect.poll(() => failed).toEqual([failure]);
  });

  it('passes on a JSON-RPC error without an id, and still says that the request has none', async () => {
    const error = '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}';
    const { relay, failed, heads, messages } = connectTo(await listenOn(answering(404, error))).exchange();
    relay(ping);
    await expect.poll(() => failed).toEqual([{ status: 404, code: 'UPSTREAM_GONE' }]);
    expect(heads).toEqual([{ status: 404, isStream: false }]);
    expect(messages).toMatchObject([{ id: null, error: { code: -32001 } }]);
  });

  it('is told with the ids of the frame that have none, and not with those that have', async () => {
    const keys: unknown[] = [];
    const { relay, exchange } = connectTo(await listenOn(answering(200, answerTo('p')))).exchange(
      {},
      { onFailed: (failure) => keys.push(failure.keys) },
    );
    relay([ping, { ...ping, id: 7 }, { jsonrpc: '2.0', method: 'note' }]);
    await expect.poll(() => keys).toEqual([['n:7']]);
    exchange.list('own', 'tools/list', '{}');
    await expect.poll(() => keys).toEqual([['n:7'], ['s:own']]);
  });

  it('ran nothing when nobody listens', async () => {
    const url = await listenOn(answering(200, ''));
    closeServers();
    const { execute } = connectTo(url).exchange();
    expect(await execute(toolCall(1))).toMatchObject({ outcome: 'aborted', code: 'UPSTREAM_GONE' });
  });
});

describe('a consumer that throws', () => {
  const onMessage = (): never => {
    throw new Error('mine');
  };
  const stream = { 'content-type': 'text/event-stream' };

  it.each([
    ['in one piece', json, answerTo(1)],
    ['in a stream', stream, event(answerTo(1))],
  ])('leaves nobody waiting for an answer %s', async (_, headers, text) => {
    const url = await listenOn(answering(200, text, headers));
    const { execute, relay, failed } = connectTo(url).exchange({}, { onMessage });
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'none', outcome: 'unknown' });
    relay(ping);
    await expect.poll(() => failed).toEqual([{ status: undefined, code: 'INTERNAL' }]);
  });

  it('is told that the stream of its session is closed', async () => {
    const url = await listenOn((_, response) => streamOn(response).write(event(answerTo(1))));
    const closed: unknown[] = [];
    await connectTo(url).connection.listen({ onMessage, onClosed: (it) => closed.push(it) }, {}, never);
    await expect.poll(() => closed).toEqual([{ isResumable: false }]);
  });
});

describe('an end before the answer', () => {
  it('closes the stream when the exchange is aborted, and tells nothing more', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await listenOn((_, response) => {
      response.on('close', () => gone.resolve());
      streamOn(response).write(event('{"jsonrpc":"2.0","method":"a"}'));
    });
    const { exchange, execute, messages, closed } = connectTo(url).exchange();
    const executing = execute(toolCall(1));
    await expect.poll(() => messages.length).toBe(1);
    exchange.abort();
    await gone.promise;
    expect(await executing).toMatchObject({ outcome: 'unknown', code: 'CALLER_CANCELLED' });
    expect(closed).toEqual([]);
  });

  it.each([
    ['its lease ends', new CountersignError('LEASE_ENDED', ''), 'LEASE_ENDED'],
    ['it is cancelled', undefined, 'CALLER_CANCELLED'],
  ])('leaves nothing open for a call when %s', async (_, reason, code) => {
    const gone = Promise.withResolvers<void>();
    const stop = new AbortController();
    const url = await listenOn((_, response) => {
      response.on('close', () => gone.resolve());
      stop.abort(reason);
    });
    expect(await connectTo(url).exchange().execute(toolCall(1), stop.signal)).toMatchObject({
      outcome: 'unknown',
      code,
    });
    await gone.promise;
  });

  it('closes a stream that a server keeps open after the answer', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await listenOn((_, response) => {
      response.on('close', () => gone.resolve());
      streamOn(response).write(event(answerTo('p')) + event('{"jsonrpc":"2.0","method":"after"}'));
    });
    const { relay, messages, closed, failed } = connectTo(url).exchange();
    relay(ping);
    await gone.promise;
    await expect.poll(() => closed).toEqual([{ isResumable: false }]);
    expect(messages).toMatchObject([{ id: 'p' }, { method: 'after' }]);
    expect(failed).toEqual([]);
  });
});
