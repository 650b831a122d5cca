import { utf8 } from '../call/bytes.ts';
import { CountersignError, toCountersignError } from '../errors.ts';
import { createAwaited } from './awaited.ts';
import type { StreamEvent, StreamFault } from './mcp-event-stream.ts';
import { readEventStream } from './mcp-event-stream.ts';
import type { McpHttpOptions, McpSendFailure, StreamEvents } from './mcp-http.ts';
import { executionOf } from './mcp-http-failure.ts';
import type { McpHttpPeer } from './mcp-http-request.ts';
import { ask, discard, isRedirect, mediaType } from './mcp-http-request.ts';
import { createWaitingIds } from './mcp-message-ids.ts';
import type { McpPipe } from './mcp-pipe.ts';
import { redeemRelayFrame } from './mcp-relay-frame.ts';
import { readEndpoint } from './mcp-sse-endpoint.ts';
import { postMessage } from './mcp-sse-post.ts';
import { none, redeemForNow } from './no-answer.ts';

export interface McpSsePipeOptions extends McpHttpOptions {
  /** Called from the moment on at which the pipe is open. */
  readonly onMessage: StreamEvents['onMessage'];
  /** The server did not take a message that was relayed or listed. Of calls, `execute` says it. */
  readonly onFailed?: (failure: McpSendFailure) => void;
}

/**
 * Opens the stream of an HTTP+SSE server: messages are posted one by one, and all answers come on the stream. Nothing is ever
 * taken up again, so its end is the conversation's.
 *
 * @throws CountersignError `UPSTREAM_GONE` when the server cannot be reached or does not open a stream in time;
 * `UPSTREAM_INVALID` when it wants messages posted to another origin, or redirects.
 * @see https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
 */
export async function openMcpSsePipe(options: McpSsePipeOptions): Promise<McpPipe> {
  const { limits, url } = options;
  const closing = new AbortController();
  const stream: McpHttpPeer = { options, awaited: createAwaited(), session: {} };
  const body = await openStream(stream, closing.signal);
  const position = { lastEventId: undefined, retryMs: undefined };
  const events = readEventStream(body, limits, position, closing.signal);
  try {
    const endpoint = await readEndpoint(events, url, limits.headersMs);
    const posts: McpHttpPeer = { ...stream, options: { ...options, url: endpoint } };
    return createPipe(posts, options, events, closing);
  } catch (error) {
    closing.abort();
    throw error;
  }
}

async function openStream(peer: McpHttpPeer, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const withinMs = peer.options.limits.headersMs;
  const response = await ask(peer, { method: 'GET', headers: {}, signal, withinMs }).catch(
    (error: unknown) => {
      throw toCountersignError(error, 'UPSTREAM_GONE', 'The server cannot be reached.');
    },
  );
  if (response.ok && mediaType(response) === 'text/event-stream' && response.body) return response.body;
  discard(response);
  if (isRedirect(response))
    throw new CountersignError('UPSTREAM_INVALID', 'The server answered with a redirect.');
  throw new CountersignError('UPSTREAM_GONE', `The server opened no stream: status ${response.status}.`);
}

function createPipe(
  posts: McpHttpPeer,
  { onMessage, onFailed }: McpSsePipeOptions,
  events: AsyncGenerator<StreamEvent | StreamFault>,
  closing: AbortController,
): McpPipe {
  const { awaited } = posts;
  const { signal } = closing;
  const ended = handOver(events, onMessage, signal).then((reason) => {
    closing.abort();
    awaited.settleAll(goneMeanwhile);
    return { reason };
  });
  const send = async (body: Uint8Array): Promise<void> => {
    const failure = await postMessage(posts, body, signal);
    if (!failure || signal.aborted) return;
    const { status, error } = failure;
    onFailed?.({ keys: createWaitingIds(body).keys, error, ...(status !== undefined && { status }) });
  };

  return {
    async execute(permit, leaseOrCaller) {
      const refusal = redeemForNow(permit, leaseOrCaller);
      if (refusal) return refusal;
      if (signal.aborted) return goneBefore;
      const { id, payload } = permit.call;
      const execution = awaited.add(permit, leaseOrCaller);
      void postMessage(posts, payload, signal).then(
        (failure) => failure && awaited.settle(id, executionOf(failure)),
      );
      return execution;
    },
    relay(frame) {
      if (!redeemRelayFrame(frame))
        throw new CountersignError('INTERNAL', 'A frame was forwarded twice or is not genuine.');
      void send(frame.bytes);
    },
    list(id, method, params) {
      void send(
        utf8(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"${method}","params":${params}}\n`),
      );
    },
    isAwaiting: (callId) => awaited.has(callId),
    answer: (callId, execution) => awaited.settle(callId, execution),
    ended,
    async close() {
      closing.abort();
      await ended;
    },
  };
}

/** Hands over what the server says until it ends, and then tells why it did. */
async function handOver(
  events: AsyncGenerator<StreamEvent | StreamFault>,
  onMessage: StreamEvents['onMessage'],
  signal: AbortSignal,
): Promise<string> {
  // Who opens the pipe holds it before the first message comes.
  await new Promise((resolve) => setTimeout(resolve));
  try {
    for await (const event of events) {
      if (signal.aborted) break;
      if (event.fault) {
        await onMessage({ fault: event.fault });
        return event.fault.message;
      }
      if (event.type === 'message') await onMessage({ bytes: event.bytes, terminator: '' });
    }
  } catch {
    return 'A message of the server could not be handed on.';
  }
  return signal.aborted ? 'It was closed.' : 'The server ended its stream.';
}

const goneBefore = none('aborted', 'UPSTREAM_GONE', 'The server has ended; nothing ran.');
const goneMeanwhile = none(
  'unknown',
  'UPSTREAM_GONE',
  'The server ended before it answered; the call may have run.',
);
