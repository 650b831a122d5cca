import { toCountersignError, CountersignError } from '../errors.ts';
import { createAwaited } from './awaited.ts';
import type { McpHttpConnection, McpHttpOptions, PassedHeaders, StreamEvents } from './mcp-http.ts';
import { createMcpHttpExchange } from './mcp-http-exchange.ts';
import type { McpHttpPeer } from './mcp-http-request.ts';
import { ask, discard, isRedirect, mediaType } from './mcp-http-request.ts';
import { followStream } from './mcp-http-stream.ts';

/**
 * A conversation with an MCP server over Streamable HTTP, in both eras. Nothing is sent before the first exchange. It knows
 * no runtime but `fetch`, so that it is the same in Workers.
 *
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
 */
export function createMcpHttpConnection(options: McpHttpOptions): McpHttpConnection {
  const peer: McpHttpPeer = { options, awaited: createAwaited(), session: {} };
  return {
    exchange: (events) => createMcpHttpExchange(peer, events),
    async listen(events, headers, signal) {
      const response = await askToListen(peer, events, headers, signal);
      if (!response.ok) {
        discard(response);
        return response.status;
      }
      if (mediaType(response) !== 'text/event-stream' || !response.body) {
        discard(response);
        throw new CountersignError('UPSTREAM_INVALID', 'The server was asked for a stream and sent none.');
      }
      const told = untilAborted(events, signal);
      followStream(peer, response.body, { ...told, headers, signal, isWanted: () => true }).catch(() =>
        // A message could not be handed on, and the next ones would not be either.
        told.onClosed({ isResumable: false }),
      );
      return response.status;
    },
    get isLost() {
      return peer.session.isLost === true;
    },
    async end() {
      if (peer.session.id === undefined) return undefined;
      return endSession(peer);
    },
  };
}

async function askToListen(
  peer: McpHttpPeer,
  { authority }: StreamEvents,
  headers: PassedHeaders,
  signal: AbortSignal,
): Promise<Response> {
  const withinMs = peer.options.limits.headersMs;
  let response: Response;
  try {
    response = await ask(peer, { method: 'GET', headers, signal, withinMs, authority });
  } catch (error) {
    throw toCountersignError(error, 'UPSTREAM_GONE', 'The server cannot be reached.');
  }
  if (!isRedirect(response)) return response;
  discard(response);
  throw new CountersignError('UPSTREAM_INVALID', 'The server answered with a redirect.');
}

function untilAborted({ authority, onMessage, onClosed }: StreamEvents, signal: AbortSignal): StreamEvents {
  return {
    authority,
    onMessage: (message) => (signal.aborted ? undefined : onMessage(message)),
    onClosed: (closed) => signal.aborted || onClosed(closed),
  };
}

async function endSession(peer: McpHttpPeer): Promise<number | undefined> {
  const { session, options } = peer;
  const headers: PassedHeaders =
    session.version === undefined ? {} : { 'mcp-protocol-version': session.version };
  try {
    const response = await ask(peer, {
      method: 'DELETE',
      headers,
      authority: session.authority,
      signal: new AbortController().signal,
      withinMs: options.limits.headersMs,
    });
    discard(response);
    return response.status;
  } catch {
    return undefined;
  }
}
