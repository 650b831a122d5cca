import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerMessage } from '../../src/targets/mcp-http.ts';
import {
  answerTo,
  bodyOf,
  closeServers,
  connectTo,
  listenOn,
  never,
  streamOn,
  toolCall,
} from '../support/mcp-http.ts';

afterEach(closeServers);

const small = { maxFrameBytes: 10_000, maxIdleBytes: 1_000, idleMs: 100, headersMs: 100 };
const json = { 'content-type': 'application/json' };
const invalid = { kind: 'none', outcome: 'unknown', code: 'UPSTREAM_INVALID' };
const gone = { kind: 'none', outcome: 'unknown', code: 'UPSTREAM_GONE' };

/** Writes for as long as somebody reads; what was written until then. */
function writeOn(response: ServerResponse, chunk: string): Promise<number> {
  return new Promise((resolve) => {
    let written = 0;
    const more = (): void => {
      do written += chunk.length;
      while (response.write(chunk));
    };
    response.on('drain', more).on('close', () => resolve(written));
    more();
  });
}

/** Writes a little, again and again, until somebody closes. */
function drip(response: ServerResponse, chunk: string): void {
  const timer = setInterval(() => response.write(chunk), 20);
  response.on('close', () => clearInterval(timer));
}

describe('a server without an end', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a body', json, '          '],
    ['an event', { 'content-type': 'text/event-stream' }, 'data: xxxxxxxxxxxxxx\n'],
    ['a line', { 'content-type': 'text/event-stream' }, 'data: xxxxxxxxxxxxxx'],
    ['comments', { 'content-type': 'text/event-stream' }, ': xxxxxxxxxxxxxx\n\n'],
    ['the body of an error', { ...json, status: '500' }, '          '],
  ])('is not read beyond the limit: %s', async (_, { status, ...headers }, chunk) => {
    const written = Promise.withResolvers<number>();
    const url = await listenOn((_request, response) => {
      response.writeHead(Number(status ?? 200), headers);
      writeOn(response, chunk.repeat(100)).then(written.resolve, written.reject);
    });
    const { execute, messages } = connectTo(url, { limits: small }).exchange();
    expect(await execute(toolCall(1))).toMatchObject(status ? gone : invalid);
    // Socket buffers of both sides are beyond our reach; a megabyte a second is not.
    expect(await written.promise).toBeLessThan(20_000_000);
    expect(messages).toEqual(headers['content-type'] === 'application/json' ? [] : [{ fault: 'TOO_LARGE' }]);
  });

  it.each([
    ['in one piece', json],
    ['as a stream', { 'content-type': 'text/event-stream' }],
  ])('cannot hide its length in compression, %s', async (_, headers) => {
    const bomb = gzipSync(`data: ${'x'.repeat(30_000_000)}\n\n`);
    expect(bomb.length).toBeLessThan(50_000);
    const url = await listenOn((_request, response) =>
      response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end(bomb),
    );
    expect(await connectTo(url, { limits: small }).exchange().execute(toolCall(1))).toMatchObject(invalid);
  });
});

describe('a slow server', () => {
  it('may think about a call for as long as its lease, and about what is relayed for headersMs', async () => {
    const url = await listenOn((request, response) => {
      void bodyOf(request).then((body) => {
        if (body.includes('tools/call'))
          setTimeout(() => response.writeHead(200, json).end(answerTo(1)), 200);
      });
    });
    const { execute, relay, failed } = connectTo(url, { limits: small }).exchange();
    relay({ jsonrpc: '2.0', id: 'p', method: 'ping' });
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'result' });
    expect(failed).toEqual([{ status: undefined, code: 'UPSTREAM_GONE' }]);
  });

  it('is given up when its headers never end', async () => {
    const server = createServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x-a: b\r\n'), 10);
      socket.on('close', () => clearInterval(timer)).on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { relay, failed } = connectTo(`http://127.0.0.1:${port}/`, { limits: small }).exchange();
    relay({ jsonrpc: '2.0', id: 'p', method: 'ping' });
    await expect.poll(() => failed).toEqual([{ status: undefined, code: 'UPSTREAM_GONE' }]);
    server.close();
  });

  it.each([
    ['stops', () => undefined],
    ['comes byte by byte', (response: ServerResponse) => drip(response, ' ')],
  ])('is given up when its answer %s', async (_, then) => {
    const url = await listenOn((_request, response) => {
      response.writeHead(200, json);
      response.write('{');
      then(response);
    });
    expect(await connectTo(url, { limits: small }).exchange().execute(toolCall(1))).toMatchObject(gone);
  });
});

describe('a server that lies', () => {
  it.each([
    ['an answer twice', answerTo(1, 'first'), answerTo(1, 'second')],
    ['an answer to something else first', answerTo(2, 'other'), answerTo(1, 'first')],
  ])('gives %s, and the call has one', async (_, ...answers) => {
    const url = await listenOn((_request, response) =>
      streamOn(response).end(answers.map((answer) => `data: ${answer}\n\n`).join('')),
    );
    const { execute, closed, messages } = connectTo(url).exchange();
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'result', value: 'first' });
    await expect.poll(() => closed.length).toBe(1);
    expect(messages).toHaveLength(2);
  });

  it('sends bytes that are no UTF-8', async () => {
    const url = await listenOn((_request, response) =>
      streamOn(response).end(Buffer.concat([Buffer.from('data: "'), Buffer.of(0xff), Buffer.from('"\n\n')])),
    );
    const { execute, messages } = connectTo(url).exchange();
    expect(await execute(toolCall(1))).toMatchObject(invalid);
    expect(messages).toEqual([{ fault: 'FRAME_INVALID' }]);
  });

  it.each([
    ['that is none', 'caf\u00e9', 'UPSTREAM_INVALID'],
    ['with a blank', 'a b', 'UPSTREAM_INVALID'],
    ['that is long', 'x'.repeat(5_000), 'UPSTREAM_INVALID'],
    ['of a megabyte', 'x'.repeat(1 << 20), 'UPSTREAM_GONE'],
  ])('gives an id of a session %s, which is never sent back', async (_, id, code) => {
    const seen: unknown[] = [];
    const url = await listenOn((request, response) => {
      seen.push(request.headers['mcp-session-id']);
      response.writeHead(200, { ...json, 'mcp-session-id': id }).end(answerTo('i'));
    });
    const peer = connectTo(url);
    const { relay, failed, messages } = peer.exchange();
    relay({ jsonrpc: '2.0', id: 'i', method: 'initialize', params: {} });
    await expect.poll(() => failed).toMatchObject([{ code }]);
    expect(messages).toEqual([]);
    await peer.exchange().execute(toolCall(1));
    expect(seen).toEqual([undefined, undefined]);
    expect(await peer.connection.end()).toBeUndefined();
  });

  it('changes the id of its session, and the first one stays', async () => {
    const seen: unknown[] = [];
    let count = 0;
    const url = await listenOn((request, response) => {
      seen.push(request.headers['mcp-session-id']);
      response.writeHead(200, { ...json, 'mcp-session-id': `s${++count}` }).end(answerTo('i'));
    });
    const peer = connectTo(url);
    for (let i = 0; i < 3; i++) {
      const { relay, messages } = peer.exchange();
      relay({ jsonrpc: '2.0', id: 'i', method: 'initialize', params: {} });
      await expect.poll(() => messages.length).toBe(1);
    }
    expect(seen).toEqual([undefined, 's1', 's1']);
  });

  it('sends us elsewhere, and nothing goes there', async () => {
    let asked = 0;
    const other = await listenOn((_request, response) => {
      asked++;
      response.end();
    });
    const url = await listenOn((_request, response) => response.writeHead(308, { location: other }).end());
    const peer = connectTo(url);
    expect(await peer.exchange().execute(toolCall(1))).toMatchObject(invalid);
    const events = { onMessage: () => undefined, onClosed: () => undefined };
    await expect(peer.connection.listen(events, {}, never)).rejects.toMatchObject({
      code: 'UPSTREAM_INVALID',
    });
    expect(asked).toBe(0);
  });

  it('refuses our credentials, and of its demand only the status is told', async () => {
    const url = await listenOn((_request, response) =>
      response
        .writeHead(401, { 'www-authenticate': 'Bearer resource_metadata="http://evil.example/"' })
        .end(),
    );
    const { relay, failed, heads } = connectTo(url).exchange();
    relay({ jsonrpc: '2.0', id: 'p', method: 'ping' });
    await expect.poll(() => failed).toEqual([{ status: 401, code: 'UPSTREAM_INVALID' }]);
    expect(heads).toEqual([]);
  });
});

describe('ten thousand events at once', () => {
  const flood = `data: {"jsonrpc":"2.0","method":"${'x'.repeat(1_000)}"}\n\n`.repeat(10_000);

  it('wait for a consumer that takes them one by one, in memory that is not ours', async () => {
    let written = 0;
    const url = await listenOn((_request, response) => {
      streamOn(response);
      const write = (): void => {
        while (written < flood.length) {
          const chunk = flood.slice(written, written + 65_536);
          written += chunk.length;
          if (!response.write(chunk)) return void response.once('drain', write);
        }
        response.end(`data: ${answerTo('p')}\n\n`);
      };
      write();
    });
    const go = Promise.withResolvers<void>();
    const seen: ServerMessage[] = [];
    const { relay } = connectTo(url).exchange(
      {},
      {
        onMessage: async (message) => {
          seen.push(message);
          await go.promise;
        },
      },
    );
    relay({ jsonrpc: '2.0', id: 'p', method: 'ping' });
    await expect.poll(() => seen.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen).toHaveLength(1);
    expect(written).toBeLessThan(flood.length * 0.9);
    go.resolve();
    await expect.poll(() => seen.length).toBe(10_001);
  });
});
