import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { CountersignError } from '../../errors.ts';
import type { HttpBindings } from '../../gateway/http/credentials.ts';

export interface HttpServerOptions {
  readonly fetch: (request: Request, bindings: HttpBindings) => Response | Promise<Response>;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Requests at a time: the next one is told to come back. */
  readonly maxInFlight: number;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Takes no more requests, and resolves once those that run are answered, or `within` milliseconds have passed. */
  close(within: number): Promise<void>;
}

/** Slow clients hold a socket, not a call: a request has to be whole within these milliseconds. */
const timeouts = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 };
const maxHeaderSize = 16_384;

/** Listens; rejects with CONFIG_INVALID when the address cannot be had. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, maxInFlight } = options;
  const listener = getRequestListener(
    (request, { incoming }) => options.fetch(request, { peer: { address: incoming.socket.remoteAddress } }),
    { overrideGlobalObjects: false },
  );
  let inFlight = 0;
  let idle: (() => void) | undefined;

  const server: Server = createServer({ ...timeouts, maxHeaderSize }, (request, response) => {
    if (inFlight >= maxInFlight) {
      response.writeHead(503, {
        'content-type': 'application/json',
        'retry-after': '1',
        connection: 'close',
      });
      response.end('{"error":{"code":"GATE_CLOSED","message":"Too many requests at a time: try again."}}');
      return;
    }
    inFlight += 1;
    response.once('close', () => {
      inFlight -= 1;
      if (inFlight === 0) idle?.();
    });
    void listener(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new CountersignError(
          'CONFIG_INVALID',
          `Nothing can listen on ${host}:${port} (${error.code ?? 'unknown'}).`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    async close(within) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      if (inFlight > 0) {
        const timer = new Promise<void>((resolve) => setTimeout(resolve, within).unref());
        await Promise.race([new Promise<void>((resolve) => (idle = resolve)), timer]);
      }
      server.closeAllConnections();
      await closed;
    },
  };
}
