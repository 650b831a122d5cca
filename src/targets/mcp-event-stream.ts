import { createParser } from 'eventsource-parser';
import { utf8 } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import type { McpHttpLimits } from './mcp-http.ts';

/** One event that holds something; `message` unless the server named another type. */
export interface StreamEvent {
  readonly type: string;
  /** The event's data, in a buffer that nobody else holds. */
  readonly bytes: Uint8Array;
  readonly fault?: undefined;
}

/** Why the rest of a stream is not read. */
export interface StreamFault {
  readonly fault: CountersignError;
}

/** Where a stream can be taken up again: kept up to date while it is read, and across its parts. */
export interface StreamPosition {
  /** Of the event that was handed over last. Undefined while the server names none that a header could carry. */
  lastEventId: string | undefined;
  /** How long the server wants us to stay away. */
  retryMs: number | undefined;
}

export type EventStreamLimits = Pick<McpHttpLimits, 'maxFrameBytes' | 'maxIdleBytes'>;

/** `data: ` and other names of fields, which the parser counts as well. */
const fieldNames = 64;
const maxRetryMs = 60_000;
const fitForHeader = /^[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?$/;

/**
 * The events of a `text/event-stream` body. It ends quietly when the stream ends, breaks off or is given up, and after a
 * fault. Nothing is read ahead of the consumer but the chunk in hand, and leaving the loop cancels the body.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export async function* readEventStream(
  body: ReadableStream<Uint8Array>,
  limits: EventStreamLimits,
  position: StreamPosition,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent | StreamFault> {
  const parser = createEventParser(limits, position);
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel().catch(() => undefined);
  if (signal.aborted) cancel();
  signal.addEventListener('abort', cancel);
  // A server that only keeps the line busy is cut off after this: comments, names of fields and types that mean nothing.
  let sinceMessage = 0;
  try {
    for (;;) {
      const chunk = await readOrEnd(reader);
      if (chunk === undefined) return;
      sinceMessage += chunk.length;
      for (const item of parser.feed(chunk)) {
        if ('id' in item) {
          position.lastEventId = fitForHeader.test(item.id) ? item.id : undefined;
          continue;
        }
        if (!item.fault && item.type === 'message') sinceMessage = 0;
        yield item;
        if (item.fault) return;
      }
      if (sinceMessage > limits.maxFrameBytes + limits.maxIdleBytes) {
        yield {
          fault: new CountersignError('TOO_LARGE', 'A stream of the server goes on without a message.'),
        };
        return;
      }
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

/** The next bytes; undefined at the end, and when the connection broke or was given up. */
async function readOrEnd(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch {
    return undefined;
  }
}

type Item = StreamEvent | StreamFault | { readonly id: string };

function createEventParser({ maxFrameBytes }: EventStreamLimits, position: StreamPosition) {
  // Lenient decoding would let the bytes that are decided on differ from those that were sent.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const tooLarge = {
    fault: new CountersignError('TOO_LARGE', `A message is longer than ${maxFrameBytes} bytes.`),
  };
  let items: Item[] = [];
  const parser = createParser({
    maxBufferSize: maxFrameBytes + fieldNames,
    onId: (id) => items.push({ id }),
    onRetry: (ms) => (position.retryMs = Math.min(ms, maxRetryMs)),
    onEvent({ event: type = 'message', data }) {
      // Without data it only carries an id (a server that lets us come back says so at the start).
      if (data === '') return;
      const bytes = utf8(data);
      items.push(bytes.length > maxFrameBytes ? tooLarge : { type, bytes });
    },
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded') items.push(tooLarge);
    },
  });

  return {
    feed(chunk: Uint8Array): readonly Item[] {
      items = [];
      try {
        parser.feed(decoder.decode(chunk, { stream: true }));
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        items.push({ fault: new CountersignError('FRAME_INVALID', 'A stream of the server is not UTF-8.') });
      }
      return items;
    },
  };
}
