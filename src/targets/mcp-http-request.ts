import { CountersignError } from '../errors.ts';
import type { Awaited } from './awaited.ts';
import { readBody } from './mcp-http-body.ts';
import type { McpHttpOptions, PassedHeaders, UpstreamAuthority } from './mcp-http.ts';

/** What the requests of one conversation with a server share. */
export interface McpHttpPeer {
  readonly options: McpHttpOptions;
  readonly awaited: Awaited;
  readonly session: {
    /** What the server called the session, once it did. */
    id?: string;
    /** The revision that a legacy client said was negotiated, and that the server took. Requests of our own have to say it too. */
    version?: string;
    /** The server has said that there is no such session. */
    isLost?: boolean;
    /** In whose name it was asked last: it is ended in the same. */
    authority?: UpstreamAuthority;
  };
}

export interface HttpAsk {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly headers: PassedHeaders;
  readonly body?: Uint8Array;
  readonly lastEventId?: string;
  readonly authority?: UpstreamAuthority | undefined;
  readonly signal: AbortSignal;
  /** Until the status line is there. Without it only `signal` ends the waiting. */
  readonly withinMs?: number;
}

/**
 * One request. A redirect is an answer, never followed: the operator named one place, and credentials go nowhere else.
 *
 * @throws What `fetch` throws; `UPSTREAM_GONE` when the server does not begin to answer in time. What `authorization` rejects with:
 * then nothing was sent.
 */
export async function ask({ options, session }: McpHttpPeer, request: HttpAsk): Promise<Response> {
  const { method, body, signal, withinMs, authority } = request;
  const authorization = await authorizationFor(options, authority);
  if (authority) session.authority = authority;
  // Called as nobody's method: Workers and browsers refuse it otherwise.
  const { fetch } = options;
  // Not `AbortSignal.timeout`, whose timers stay behind requests that have long been answered.
  const late = new AbortController();
  const stop = (): void =>
    late.abort(new CountersignError('UPSTREAM_GONE', 'The server did not begin to answer in time.'));
  const timer = withinMs === undefined ? undefined : setTimeout(stop, withinMs);
  try {
    const response = await fetch(options.url, {
      method,
      headers: headersOf(options, session, request, authorization),
      redirect: 'manual',
      signal: AbortSignal.any([signal, late.signal]),
      ...(body && { body: new Uint8Array(body) }),
    });
    if (response.status === 401 && authorization !== undefined) authority?.refused(authorization);
    if (!isModern(request.headers)) noteSession(session, request.headers, response);
    return response;
  } finally {
    clearTimeout(timer);
  }
}

/** One header cannot say for two, and a forgotten person must not become the gateway itself. */
function authorizationFor(
  { isOnBehalf = false }: McpHttpOptions,
  authority: UpstreamAuthority | undefined,
): Promise<string> | undefined {
  if (!isOnBehalf) return undefined;
  if (authority) return authority.authorization();
  throw new CountersignError(
    'HUMAN_MISSING',
    'This server acts for people, and the request is made for nobody.',
  );
}

function noteSession(
  session: McpHttpPeer['session'],
  headers: PassedHeaders,
  { ok, status }: Response,
): void {
  const version = headers['mcp-protocol-version'];
  if (ok && version !== undefined) session.version = version;
  if (status === 404 && session.id !== undefined) session.isLost = true;
}

function headersOf(
  options: McpHttpOptions,
  session: McpHttpPeer['session'],
  { method, headers, body, lastEventId }: HttpAsk,
  authorization: string | undefined,
): Record<string, string> {
  return {
    accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
    ...passedOn(headers, method),
    ...lowerCased(options.headers),
    ...(authorization !== undefined && { authorization }),
    ...(body && { 'content-type': 'application/json' }),
    ...(session.id !== undefined && !isModern(headers) && { 'mcp-session-id': session.id }),
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  };
}

/** Nothing of the caller's but what speaks of MCP: least of all its credentials, or a session that is not ours. */
function passedOn(headers: PassedHeaders, method: HttpAsk['method']): Record<string, string> {
  const isPassed = (name: string): boolean =>
    (name === 'accept' && method === 'POST') || (name.startsWith('mcp-') && name !== 'mcp-session-id');
  return Object.fromEntries(Object.entries(lowerCased(headers)).filter(([name]) => isPassed(name)));
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

const firstModern = '2026-07-28';

/** From this revision on there are no sessions and no resumption. Versions are dates; `Mcp-Method` is new with it. */
export function isModern(headers: PassedHeaders): boolean {
  const version = headers['mcp-protocol-version'];
  if (version === undefined) return headers['mcp-method'] !== undefined;
  return /^\d{4}-/.test(version) && version >= firstModern;
}

/** Visible ASCII, as the specification has it, and no longer than a header of ours should be. */
const sessionId = /^[\x21-\x7e]{1,4096}$/;

/**
 * Keeps the session's id that a legacy server gives. The first one counts: a conversation has one session.
 *
 * @returns False when the server gave one that cannot be sent back.
 */
export function adoptSession({ session }: McpHttpPeer, headers: PassedHeaders, response: Response): boolean {
  const given = response.headers.get('mcp-session-id');
  if (given === null || session.id !== undefined || !response.ok || isModern(headers)) return true;
  if (!sessionId.test(given)) return false;
  session.id = given;
  return true;
}

/** Media type of an answer, without its parameters. */
export function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** `manual` makes a redirect opaque in browsers. */
export function isRedirect({ status }: Response): boolean {
  return status === 0 || (status >= 300 && status < 400);
}

/** The little that is read of an answer nobody needs: the connection behind it can be used again then. */
const leftover = { maxFrameBytes: 4_096, idleMs: 1_000 };

/** Lets go of an answer that nobody reads. */
export function discard(response: Response): void {
  readBody(response.body, leftover).catch(() => undefined);
}
