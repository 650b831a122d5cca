import {
  Agent as HttpAgent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { validIdentityIn, type ClientIdentity } from '../enrol/identity-folder.ts';

/** One request, as this file can send it. */
export interface NodeRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** Called once its bytes were handed to the operating system. */
  readonly onSent?: () => void;
}

export type Send = (url: string, request: NodeRequest) => Promise<Response>;

/** There is no answer. `mayHaveArrived` is false where the request was certainly not sent. */
export class NoAnswerError extends Error {
  readonly mayHaveArrived: boolean;
  /** Of the operating system or of TLS: `ECONNREFUSED`. */
  readonly code: string;

  constructor(code: string, mayHaveArrived: boolean, cause: unknown) {
    super(`There is no answer (${code}).`, { cause });
    this.code = code;
    this.mayHaveArrived = mayHaveArrived;
  }
}

/** Milliseconds until a connection stands, TLS included. */
const connectMs = 10_000;

/** How a gate is reached. */
export interface SendOptions {
  /** A unix socket, absolute: nothing is encrypted then, and there are no certificates. */
  readonly socketPath?: string | undefined;
  /** Authorities that are believed of a gate, PEM, in place of those that Node knows. */
  readonly ca?: string | undefined;
  /** What is shown to a gate over TLS, asked at each request: a new one is shown from the next connection on. */
  readonly identity?: (() => ClientIdentity) | undefined;
}

/**
 * Requests over HTTP, or over HTTP on a unix socket, which the built-in `fetch` cannot do. Unlike that one it has no time limit for
 * an answer (a person may be asked first), follows no redirect (the API key would go with it) and heeds no proxy variables.
 * Plain connections are not used twice: a request that met its connection's end could not tell whether it arrived.
 */
export function createSend({ socketPath, ca, identity }: SendOptions = {}): Send {
  const plain = new HttpAgent({ keepAlive: false });
  const secure = secureAgent(ca, identity);
  return (url, { method, headers, body, signal, onSent }) =>
    new Promise((resolve, reject) => {
      const isSecure = url.startsWith('https:');
      const options = {
        method,
        headers: { ...headers, ...lengthOf(body) },
        signal,
        ...(socketPath && { socketPath }),
      };
      const request = isSecure
        ? httpsRequest(url, { ...options, agent: secure() })
        : httpRequest(url, { ...options, agent: plain });
      const connected = watchConnection(request, isSecure ? 'secureConnect' : 'connect');
      request.once('error', (error: NodeJS.ErrnoException) =>
        reject(new NoAnswerError(error.code ?? error.name, connected(), error)),
      );
      request.once('response', (incoming) => resolve(toResponse(incoming)));
      if (onSent) request.once('finish', onSent);
      request.end(body);
    });
}

/**
 * The connections of one identity. With another one they are others: a connection shows what it was made with, for as long as it
 * stands. What is under way on the former ones is not disturbed.
 */
function secureAgent(ca: string | undefined, identity: SendOptions['identity']): () => HttpsAgent {
  const common = { keepAlive: true, ...(ca !== undefined && { ca }) };
  const nameless = new HttpsAgent(common);
  if (identity === undefined) return () => nameless;
  let held: { readonly of: ClientIdentity; readonly agent: HttpsAgent } | undefined;
  return () => {
    const of = identity();
    if (held?.of !== of) {
      if (held) closeIdle(held.agent);
      held = { of, agent: new HttpsAgent({ ...common, key: of.privateKey, cert: of.certificate }) };
    }
    return held.agent;
  };
}

function closeIdle({ freeSockets }: HttpsAgent): void {
  for (const sockets of Object.values(freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

export interface NodeFetchOptions {
  /** A unix socket, absolute. */
  readonly socketPath?: string;
  /** The folder of `countersign enroll`: its certificate is shown to the gate, and each new one once it is there. */
  readonly identity?: string;
  /** Authorities that are believed of the gate, PEM, in place of those that Node knows. */
  readonly ca?: string;
}

/**
 * The same in the shape of the built-in `fetch`, for bodies that are text or bytes. It rejects with CONFIG_INVALID when the identity
 * cannot be read, and with CERTIFICATE_EXPIRED once it has ended.
 */
export function createNodeFetch({ identity, ...options }: NodeFetchOptions = {}): typeof fetch {
  const send = createSend({
    ...options,
    ...(identity !== undefined && { identity: validIdentityIn(identity) }),
  });
  return async (input, init) => {
    const request = new Request(input, init);
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    return send(request.url, {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      signal: request.signal,
      ...(body && { body }),
    });
  };
}

function lengthOf(body: Uint8Array | undefined): Record<string, string> {
  return body === undefined ? {} : { 'content-length': String(body.length) };
}

/** Gives up when no connection stands in time. Says whether one did. */
function watchConnection(request: ClientRequest, event: 'connect' | 'secureConnect'): () => boolean {
  let stands = false;
  const timer = setTimeout(
    () => request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })),
    connectMs,
  );
  const stop = (): void => clearTimeout(timer);
  request.once('socket', (socket) => {
    const onStanding = (): void => {
      stands = true;
      stop();
    };
    if (request.reusedSocket) onStanding();
    else socket.once(event, onStanding);
  });
  request.once('close', stop);
  return () => stands;
}

const withoutBody = new Set([204, 205, 304]);

function toResponse(incoming: IncomingMessage): Response {
  const status = incoming.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  if (withoutBody.has(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  // A connection that breaks off in the middle is reported to whoever reads, and to nobody else.
  incoming.on('error', () => undefined);
  return new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status, headers });
}
