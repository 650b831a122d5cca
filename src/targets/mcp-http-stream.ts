import type { CountersignError } from '../errors.ts';
import type { StreamPosition } from './mcp-event-stream.ts';
import { readEventStream } from './mcp-event-stream.ts';
import type { PassedHeaders, StreamEvents } from './mcp-http.ts';
import type { McpHttpPeer } from './mcp-http-request.ts';
import { ask, discard, isModern, mediaType } from './mcp-http-request.ts';

/** A stream of messages, and for whom it is read. */
export interface FollowedStream extends StreamEvents {
  /** Of the request that it answers. */
  readonly headers: PassedHeaders;
  readonly signal: AbortSignal;
  /** Whether anybody still waits for what it may bring. */
  readonly isWanted: () => boolean;
}

/** A stream is taken up again this often in all: a server may close each after its first event. */
const maxResumptions = 1_000;
/** Attempts that fail one after the other. */
const maxAttempts = 5;
const defaultRetryMs = 1_000;
/** A server that says 0 would be asked without pause. */
const minRetryMs = 50;

/**
 * Hands over the messages of a stream. One that a legacy server closed or that broke off, and that named its events, is
 * taken up again while somebody waits for it.
 *
 * @returns What was wrong with the stream; undefined when it came to its end, whether that was early or not.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery
 */
export async function followStream(
  peer: McpHttpPeer,
  first: ReadableStream<Uint8Array>,
  stream: FollowedStream,
): Promise<CountersignError | undefined> {
  const position: StreamPosition = { lastEventId: undefined, retryMs: undefined };
  let body = first;
  for (let left = maxResumptions; ; left--) {
    const fault = await handOver(peer, body, position, stream);
    const isResumable =
      fault === undefined &&
      left > 0 &&
      position.lastEventId !== undefined &&
      !isModern(stream.headers) &&
      isWanted(stream);
    stream.onClosed({ isResumable, ...(position.retryMs !== undefined && { retryMs: position.retryMs }) });
    if (!isResumable) return fault;

    const next = await takeUp(peer, position, stream);
    if (next === undefined) {
      stream.onClosed({ isResumable: false });
      return undefined;
    }
    body = next;
  }
}

async function handOver(
  { options }: McpHttpPeer,
  body: ReadableStream<Uint8Array>,
  position: StreamPosition,
  stream: FollowedStream,
): Promise<CountersignError | undefined> {
  for await (const event of readEventStream(body, options.limits, position, stream.signal)) {
    if (event.fault) {
      await stream.onMessage({ fault: event.fault });
      return event.fault;
    }
    // The next event is not looked at before the consumer is done with this one.
    if (event.type === 'message') await stream.onMessage({ bytes: event.bytes, terminator: '' });
  }
  return undefined;
}

/** The rest of a stream; undefined when the server refuses it or cannot be reached. */
async function takeUp(
  peer: McpHttpPeer,
  { lastEventId, retryMs }: StreamPosition,
  stream: FollowedStream,
): Promise<ReadableStream<Uint8Array> | undefined> {
  const { headers, signal, authority } = stream;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    await pause(Math.max(minRetryMs, retryMs ?? defaultRetryMs) * 2 ** attempt, signal);
    if (!isWanted(stream)) return undefined;
    try {
      const response = await ask(peer, {
        method: 'GET',
        headers,
        signal,
        authority,
        withinMs: peer.options.limits.headersMs,
        ...(lastEventId !== undefined && { lastEventId }),
      });
      if (response.ok && mediaType(response) === 'text/event-stream' && response.body) return response.body;
      discard(response);
      // What is not there, or forbidden, does not come back by asking again.
      if (response.status < 500) return undefined;
    } catch {
      // It cannot be reached right now.
    }
  }
  return undefined;
}

function isWanted({ signal, isWanted }: FollowedStream): boolean {
  return !signal.aborted && isWanted();
}

/** Resolves after `ms`, or when the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
  });
}
