import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startForwarder } from './forwarder.ts';

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A server with this handler, behind a forwarder that adds an API key. */
async function forwarded(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server: Server = createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const forwarder = await startForwarder();
  ends.push(
    () => forwarder[Symbol.asyncDispose](),
    () => server.close().closeAllConnections(),
  );
  const { port } = server.address() as AddressInfo;
  return forwarder.to(`http://127.0.0.1:${String(port)}/mcp`, 'Bearer key');
}

describe('the forwarder', () => {
  it('adds the API key and leaves host, headers and body as they came', async () => {
    const seen = Promise.withResolvers<{ headers: IncomingMessage['headers']; body: Buffer; url?: string }>();
    const url = await forwarded((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.resolve({ headers: request.headers, body: Buffer.concat(chunks), url: request.url ?? '' });
        response.end();
      });
    });
    const body = Buffer.from('{"n": 12345678901234567890}\r\n\u00e9', 'utf8');
    const headers = { host: 'evil.example', origin: 'http://evil.example', 'mcp-method': ' ping ' };
    await once(httpRequest(`${url}?a=%20b`, { method: 'POST', headers }).end(body), 'response');
    const { headers: got, body: bytes, url: path } = await seen.promise;
    expect(got).toMatchObject({ ...headers, 'mcp-method': 'ping', authorization: 'Bearer key' });
    expect(bytes).toEqual(body);
    expect(path).toBe('/mcp?a=%20b');
  });

  it('hands over status, headers and each piece of a stream at once', async () => {
    const more = Promise.withResolvers<void>();
    const url = await forwarded((_, response) => {
      response.writeHead(202, { 'content-type': 'text/event-stream', 'mcp-session-id': 'x' });
      response.write('data: 1\n\n');
      void more.promise.then(() => response.end('data: 2\n\n'));
    });
    const response = await fetch(url);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect([response.status, response.headers.get('mcp-session-id')]).toEqual([202, 'x']);
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('data: 1\n\n');
    more.resolve();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('data: 2\n\n');
  });

  it('tells the server when the client leaves', async () => {
    const left = Promise.withResolvers<void>();
    const url = await forwarded((_, response) => {
      response.on('close', () => left.resolve());
      response.writeHead(200).write('data: 1\n\n');
    });
    const client = httpRequest(url).end();
    const [answer] = (await once(client, 'response')) as [IncomingMessage];
    await once(answer, 'data');
    client.destroy();
    await left.promise;
  });

  it('breaks the answer off when the server does', async () => {
    const url = await forwarded((_, response) => {
      response.writeHead(200).write('data: 1\n\n', () => response.destroy());
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
  });
});
