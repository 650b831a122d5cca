/**
 * A loopback port that passes HTTP on as it comes and adds one header. The suite can't send an API key; both sides of the
 * comparison go through this, so that they differ by the gateway alone.
 */
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

export interface Forwarder extends AsyncDisposable {
  /** `127.0.0.1:PORT`: what the other side sees as `Host`, unless the client says another one. */
  readonly host: string;
  /** From now on passes requests on to this URL's origin. Returns where the URL is reached. */
  to(target: string, authorization?: string): string;
}

interface Onwards {
  readonly origin: string;
  readonly authorization?: string | undefined;
}

/** Headers of one connection, which the next connection makes for itself (RFC 9110 §7.6.1). */
const ofOneConnection = new Set(['connection', 'keep-alive', 'transfer-encoding']);

export async function startForwarder(): Promise<Forwarder> {
  let onwards: Onwards = { origin: '' };
  const server = createServer((request, response) => pass(request, response, onwards));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    host,
    to(target, authorization) {
      const { origin } = new URL(target);
      onwards = { origin, authorization };
      return target.replace(origin, `http://${host}`);
    },
    [Symbol.asyncDispose]() {
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function pass(request: IncomingMessage, response: ServerResponse, { origin, authorization }: Onwards): void {
  const { method = 'GET', url = '/', rawHeaders } = request;
  const headers = endToEnd(rawHeaders);
  if (authorization !== undefined) headers.push('authorization', authorization);
  if (request.headers['transfer-encoding'] !== undefined) headers.push('transfer-encoding', 'chunked');
  const onward = httpRequest(origin + url, { method, headers, agent: false });
  onward.on('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
    response.flushHeaders();
    // Whichever end breaks off breaks the other: that is how a stream is cancelled.
    pipeline(answer, response, () => undefined);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  pipeline(request, onward, () => undefined);
}

function endToEnd(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => !ofOneConnection.has((rawHeaders[index & ~1] ?? '').toLowerCase()));
}
