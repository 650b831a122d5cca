import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ReasonCode } from '../../names.ts';

/** Why a request gets no further than the server. */
export interface ServerRefusal {
  readonly status: number;
  readonly code: ReasonCode;
  readonly message: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

export const busy: ServerRefusal = {
  status: 503,
  code: 'GATE_BUSY',
  message: 'Too many requests at a time: try again.',
  retryAfter: 1,
};
export const closing: ServerRefusal = {
  status: 503,
  code: 'GATE_CLOSED',
  message: 'The gateway is ending.',
  retryAfter: 1,
};
export const pipelined: ServerRefusal = {
  status: 503,
  code: 'GATE_BUSY',
  message: 'Too many requests on one connection at a time: wait for an answer first.',
  retryAfter: 1,
};

export const badTarget: ServerRefusal = {
  status: 400,
  code: 'FRAME_INVALID',
  message: 'The target of a request is a path.',
};
export const plainText: ServerRefusal = {
  status: 400,
  code: 'FRAME_INVALID',
  message: 'HTTPS is spoken here: ask with https://.',
};
export const withoutCertificate: ServerRefusal = {
  status: 403,
  code: 'AGENT_PROOF_MISSING',
  message: 'Nobody is heard here without a client certificate.',
};
export const badExpectation: ServerRefusal = {
  status: 417,
  code: 'FRAME_INVALID',
  message: 'Nothing but 100-continue can be expected.',
};

const maxUrl = 8_192;
const maxHeaders = 100;

/** Headers that no two of may stand in a request: two readers could each heed another one. */
const single = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'content-type', 'authorization', 'origin'],
  ...['countersign-key', 'countersign-human-token', 'countersign-agent-token', 'countersign-device-token'],
  ...['countersign-grant', 'client-cert'],
]);

/** What Node's own parser lets pass, and two servers in a row could read differently; undefined for a clean head. */
export function refusedHead({ url = '', rawHeaders, method }: IncomingMessage): ServerRefusal | undefined {
  if (url.length > maxUrl)
    return { status: 414, code: 'TOO_LARGE', message: `A path has at most ${maxUrl} characters.` };
  if (rawHeaders.length / 2 > maxHeaders)
    return { status: 431, code: 'TOO_LARGE', message: `A request has at most ${maxHeaders} headers.` };
  // RFC 9112 §3.2.2: the authority of an absolute form would override Host, which we hold to a list.
  if (!url.startsWith('/') && !(method === 'OPTIONS' && url === '*')) return badTarget;
  const seen = new Set<string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    if (single.has(name) && seen.has(name))
      return { status: 400, code: 'FRAME_INVALID', message: `Two headers ${name}: which one counts?` };
    seen.add(name);
  }
  return undefined;
}

/** What the parser, or its clock, says of a connection that brought no request. */
export function refusedBytes(error: NodeJS.ErrnoException): ServerRefusal {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'TOO_LARGE', message: 'The headers are too large.' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, code: 'TOO_LARGE', message: 'The extensions of a chunk are too large.' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'REQUEST_TIMEOUT', message: 'The request did not arrive in time.' };
    default:
      return { status: 400, code: 'FRAME_INVALID', message: 'This is no request of HTTP/1.1.' };
  }
}

/** Answers, and takes nothing more on this connection: what follows on it may be the rest of what was not read. */
export function refuse(response: ServerResponse, refusal: ServerRefusal): void {
  const body = bodyOf(refusal);
  response.writeHead(refusal.status, { ...headersOf(refusal), 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** The same where there is no response to write to. */
export function refuseRaw(socket: Duplex, refusal: ServerRefusal): void {
  const body = bodyOf(refusal);
  const head = Object.entries({ ...headersOf(refusal), 'content-length': Buffer.byteLength(body) })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.end(`HTTP/1.1 ${refusal.status} ${refusal.code}\r\n${head}\r\n${body}`, () => socket.destroy());
}

function headersOf({ code, retryAfter }: ServerRefusal): Record<string, string> {
  return {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'countersign-reason': code,
    connection: 'close',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  };
}

function bodyOf({ code, message }: ServerRefusal): string {
  return JSON.stringify({ error: { code, message } });
}
