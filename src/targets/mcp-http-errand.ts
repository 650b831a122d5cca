import { CountersignError } from '../errors.ts';
import type { ExchangeEvents, PassedHeaders, StreamEvents } from './mcp-http.ts';
import { readBody } from './mcp-http-body.ts';
import type { Failure } from './mcp-http-failure.ts';
import { gone, invalid, refusedWith, unreachable } from './mcp-http-failure.ts';
import type { McpHttpPeer } from './mcp-http-request.ts';
import { adoptSession, ask, discard, isRedirect, mediaType } from './mcp-http-request.ts';
import { followStream } from './mcp-http-stream.ts';
import { responseIn } from './mcp-message-ids.ts';

/** One POST, and to whom what comes of it is told. */
export interface Errand extends StreamEvents {
  readonly body: Uint8Array;
  readonly headers: PassedHeaders;
  readonly signal: AbortSignal;
  /** Until the server begins to answer. */
  readonly withinMs?: number;
  /** Whether something in the body still has no answer. */
  readonly isWaiting: () => boolean;
  /** A call is answered by its id or not at all; a client is told also what the server says of no request. */
  readonly takesNameless: boolean;
  readonly onHead: ExchangeEvents['onHead'];
}

/** How long a server may go on with a stream when all is answered: it should have closed it. */
export const afterAnswerMs = 1_000;

/** Sends the body and hands over what comes back, until there is nothing more to come. */
export async function runErrand(peer: McpHttpPeer, errand: Errand): Promise<Failure | undefined> {
  const { body, headers, signal, withinMs, authority } = errand;
  let response: Response;
  try {
    response = await ask(peer, {
      method: 'POST',
      headers,
      body,
      signal,
      authority,
      ...(withinMs !== undefined && { withinMs }),
    });
  } catch (error) {
    return unreachable(error);
  }
  const error = await takeAnswer(peer, errand, response);
  return error && { error, status: response.status, wasSent: true };
}

async function takeAnswer(
  peer: McpHttpPeer,
  errand: Errand,
  response: Response,
): Promise<CountersignError | undefined> {
  const { status } = response;
  if (isRedirect(response)) return unread(response, invalid('The server answered with a redirect.'));
  if (!adoptSession(peer, errand.headers, response))
    return unread(response, invalid('The server gave an id of a session that is none.'));
  if (!response.ok) return takeRefusal(peer, errand, response);

  const type = mediaType(response);
  if (type === 'text/event-stream' && response.body) return takeStream(peer, errand, response.body, status);
  if (status === 202 || status === 204 || (type !== 'application/json' && !errand.isWaiting())) {
    discard(response);
    errand.onHead({ status, isStream: false });
    return errand.isWaiting()
      ? invalid(`The server answered with status ${status} and no message.`)
      : undefined;
  }
  if (type !== 'application/json')
    return unread(response, invalid('The answer of the server is of a type that MCP does not have.'));
  return takeMessage(peer, errand, response);
}

async function takeStream(
  peer: McpHttpPeer,
  errand: Errand,
  body: ReadableStream<Uint8Array>,
  status: number,
): Promise<CountersignError | undefined> {
  errand.onHead({ status, isStream: true });
  const enough = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const lingerOnceAnswered = (): void => {
    if (!errand.isWaiting()) timer ??= setTimeout(() => enough.abort(), afterAnswerMs);
  };
  lingerOnceAnswered();
  const fault = await followStream(peer, body, {
    headers: errand.headers,
    authority: errand.authority,
    signal: AbortSignal.any([errand.signal, enough.signal]),
    isWanted: errand.isWaiting,
    onMessage: async (message) => {
      await errand.onMessage(message);
      lingerOnceAnswered();
    },
    onClosed: errand.onClosed,
  });
  clearTimeout(timer);
  if (!errand.isWaiting()) return undefined;
  return fault
    ? invalid(`The server's stream is not usable: ${fault.message}`)
    : gone('The server ended its stream without the answer.');
}

async function takeMessage(
  peer: McpHttpPeer,
  errand: Errand,
  response: Response,
): Promise<CountersignError | undefined> {
  const bytes = await bodyOf(peer, response);
  if (bytes instanceof CountersignError) return bytes;
  errand.onHead({ status: response.status, isStream: false });
  // Some acknowledge a notification with an empty answer.
  if (bytes.length > 0 || errand.isWaiting()) await errand.onMessage({ bytes, terminator: '' });
  return errand.isWaiting() ? invalid('The answer of the server is none to this request.') : undefined;
}

/** A status that says no. Where a JSON-RPC error comes with it, it is an answer like another one. */
async function takeRefusal(
  peer: McpHttpPeer,
  errand: Errand,
  response: Response,
): Promise<CountersignError | undefined> {
  const { status } = response;
  const bytes = await bodyOf(peer, response);
  const kind = bytes instanceof CountersignError ? undefined : responseIn(bytes);
  if (
    bytes instanceof CountersignError ||
    !(kind === 'named' || (kind === 'nameless' && errand.takesNameless))
  )
    return refusedWith(status);
  errand.onHead({ status, isStream: false });
  await errand.onMessage({ bytes, terminator: '' });
  return errand.isWaiting() ? refusedWith(status) : undefined;
}

async function bodyOf(peer: McpHttpPeer, response: Response): Promise<Uint8Array | CountersignError> {
  try {
    return await readBody(response.body, peer.options.limits);
  } catch (error) {
    if (error instanceof CountersignError) return error;
    return gone('The connection to the server ended before its answer did.');
  }
}

function unread(response: Response, error: CountersignError): CountersignError {
  discard(response);
  return error;
}
