import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '../../gateway/http/credentials.ts';
import type { ReasonCode } from '../../names.ts';
import { openDoors, type Listen } from './doors.ts';
import {
  badExpectation,
  badTarget,
  busy,
  closing,
  pipelined,
  refuse,
  refusedBytes,
  refusedHead,
  refuseRaw,
  withoutCertificate,
  type ServerRefusal,
} from './http-refusals.ts';
import { createRunning } from './http-running.ts';
import { createTlsDoor } from './tls-door.ts';
import type { TlsMaterial } from './tls-material.ts';
import { createPeerReader } from './tls-peer.ts';

export interface HttpServerOptions {
  readonly fetch: (request: Request, bindings: HttpBindings) => Response | Promise<Response>;
  readonly listen: Listen;
  /** Nothing but TLS on TCP; what comes by a unix socket stays as it is. */
  readonly tls?: TlsMaterial | undefined;
  /** Requests at a time: the next one is told to come back. Streams are not among them. */
  readonly maxInFlight: number;
  /** Connections at a time, idle ones included: the next one is closed. */
  readonly maxConnections: number;
  /** Told of what is refused here, before the application sees it. */
  readonly onRefused?: (code: ReasonCode) => void;
  readonly timeouts?: Partial<Timeouts>;
}

export interface HttpServer {
  /** Where it is on TCP, if it is, with the port that the system has chosen. */
  readonly tcp?: Listen['tcp'];
  /** Requests that are not answered yet, streams not among them. */
  readonly inFlight: () => number;
  readonly openStreams: () => number;
  /** Shows another certificate from now on. Whether clients are asked for theirs stays as it was at the start. */
  readonly renewTls: (material: TlsMaterial) => void;
  /**
   * Takes no more requests, and resolves once those that run are answered and streams have ended, or `within` milliseconds have
   * passed.
   */
  close(within: number): Promise<void>;
}

/** Slow clients hold a socket, not a call. Milliseconds. */
export interface Timeouts {
  /** Until the headers of a request are whole, from the opening of a connection on. */
  readonly headers: number;
  /** Until the request is whole. */
  readonly request: number;
  /** Between two requests of a connection, as clients are told; it is closed after twice that. */
  readonly idle: number;
  /** Until a finished answer has been taken. */
  readonly answer: number;
}

const usualTimeouts: Timeouts = { headers: 10_000, request: 30_000, idle: 5_000, answer: 30_000 };
/** How often the first two are looked at. */
const checkEvery = 1_000;
const maxHeaderSize = 16_384;
/** Requests that a client sends on one connection without waiting for an answer: each could be a call. */
const maxPipelined = 8;

/** Listens; rejects with CONFIG_INVALID when the address cannot be had. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { listen, maxInFlight, maxConnections, onRefused } = options;
  const timeouts = { ...usualTimeouts, ...options.timeouts };
  const running = createRunning();
  const peerOf = createPeerReader();
  const listener = getRequestListener(
    (request, { incoming, outgoing }) =>
      options.fetch(request, {
        peer: peerOf(incoming.socket),
        becomesStream: () => running.becomesStream(outgoing as ServerResponse),
        hangUp: () => outgoing.destroy(),
      }),
    { overrideGlobalObjects: false, errorHandler: () => unreadable() },
  );
  const needsCertificate = options.tls?.clients === 'required';
  let isClosing = false;

  const whyNot = (request: IncomingMessage): ServerRefusal | undefined => {
    if (isClosing) return closing;
    if (running.on(request.socket).size >= maxPipelined) return pipelined;
    if (running.requests() >= maxInFlight) return busy;
    if (needsCertificate && request.socket instanceof TLSSocket && !peerOf(request.socket).certificate)
      return withoutCertificate;
    return refusedHead(request);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const refusal = whyNot(request);
    if (refusal === undefined) return void answer(request, response);
    onRefused?.(refusal.code);
    refuse(response, refusal);
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    running.add(request.socket, response);
    await listener(request, response);
    if (response.writableFinished || response.destroyed) return;
    const timer = setTimeout(() => response.destroy(), timeouts.answer);
    response.once('close', () => clearTimeout(timer));
  };
  const turnAway = (socket: Duplex, refusal: ServerRefusal): void => {
    const open = [...running.on(socket)];
    onRefused?.(refusal.code);
    // What is written while an answer is under way would be read as part of it.
    if (!socket.writable || open.length > 1 || open.some(({ headersSent }) => headersSent)) socket.destroy();
    else refuseRaw(socket, refusal);
  };

  const server: Server = createServer(
    {
      headersTimeout: timeouts.headers,
      requestTimeout: timeouts.request,
      keepAliveTimeout: timeouts.idle,
      // Clients are told the one and get both: who writes at the last moment must not find the connection closed.
      keepAliveTimeoutBuffer: timeouts.idle,
      connectionsCheckingInterval: checkEvery,
      maxHeaderSize,
      // Parsed as written here too: two hosts are one too many, whatever the options of the command line.
      insecureHTTPParser: false,
      requireHostHeader: false,
    },
    onRequest,
  );
  server.maxConnections = maxConnections;
  // They are counted above; Node would drop those beyond its own limit without a word.
  server.maxHeadersCount = 0;
  server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) =>
    refuse(response, badExpectation),
  );
  server.on('connect', (_, socket) => turnAway(socket, badTarget));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else turnAway(socket, refusedBytes(error));
  });
  const tlsDoor =
    options.tls &&
    createTlsDoor({
      material: options.tls,
      handshakeTimeout: timeouts.headers,
      onSecure: (socket) => server.emit('connection', socket),
      onRefused: ({ code }) => onRefused?.(code),
    });
  const doors = await openDoors(server, listen, tlsDoor);
  return {
    ...(doors.tcp && { tcp: doors.tcp }),
    inFlight: () => running.requests(),
    openStreams: () => running.streams(),
    renewTls: (material) => tlsDoor?.renew(material),
    async close(within) {
      isClosing = true;
      const closed = doors.close();
      server.closeIdleConnections();
      await running.idle(within);
      server.closeAllConnections();
      tlsDoor?.breakAll();
      await closed;
    },
  };
}

/** What is no request to the application either, such as a host that is no name. */
function unreadable(): Response {
  const body = { error: { code: badTarget.code, message: 'This is no request to this gateway.' } };
  return Response.json(body, { status: 400, headers: { 'countersign-reason': badTarget.code } });
}
