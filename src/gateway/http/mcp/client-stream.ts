import { openEventStream, type EventStream, type ServerSentEvent } from '../event-stream.ts';
import type { Stream } from '../streams.ts';

/** What a client is sent as events, however often its connection breaks on the way. */
export interface ClientStream {
  readonly key: string;
  send(message: Uint8Array): void;
  /** There is no more to come. What was sent may still be read. */
  end(): void;
  /** Ends the connection, not the stream: the client is to ask again in so many milliseconds. */
  interrupt(retryMs: number | undefined): void;
  /** The events after the one of this number, and those to come. Whoever read before reads no more. */
  read(after: number, place: Stream, onLeft: () => void): Response;
  /** Whether a connection is open. */
  readonly isRead: boolean;
  readonly hasEnded: boolean;
  /** Bytes that are kept for a client that comes back. */
  readonly keptBytes: number;
}

export interface ClientStreamOptions {
  readonly key: string;
  /** Whether events have ids and are kept, so that a client that lost its connection can ask for what it missed. */
  readonly isResumable: boolean;
  /** Bytes that may wait for a client that reads slowly, and of what is kept for one that is away. */
  readonly maxBytes: number;
}

interface Kept {
  readonly number: number;
  readonly event: ServerSentEvent;
  readonly size: number;
}

/**
 * A stream of events. A client that reads too slowly loses its connection, not its events; of one that is away, the oldest
 * events are dropped once there are too many bytes of them.
 */
export function createClientStream({ key, isResumable, maxBytes }: ClientStreamOptions): ClientStream {
  const kept: Kept[] = [];
  let keptBytes = 0;
  let count = 0;
  let hasEnded = false;
  let reader: EventStream | undefined;

  const idOf = (number: number): { readonly id?: string } => (isResumable ? { id: `${key}.${number}` } : {});
  const keep = (event: ServerSentEvent, size: number): void => {
    kept.push({ number: count, event, size });
    keptBytes += size;
    while (keptBytes > maxBytes) keptBytes -= kept.shift()?.size ?? keptBytes;
  };
  const stopReading = (): void => {
    const before = reader;
    reader = undefined;
    before?.end();
  };

  return {
    key,
    send(message) {
      if (hasEnded) return;
      count += 1;
      const event = { ...idOf(count), event: 'message', data: onOneLine(message) };
      if (isResumable) keep(event, message.length);
      reader?.send(event);
    },
    end() {
      hasEnded = true;
      stopReading();
    },
    interrupt(retryMs) {
      if (retryMs !== undefined) reader?.send({ ...idOf(count), retry: retryMs, data: '' });
      stopReading();
    },
    read(after, place, onLeft) {
      stopReading();
      const mine = openEventStream(place, { maxWaiting: maxBytes });
      reader = mine;
      mine.gone.addEventListener('abort', () => {
        if (reader !== mine) return;
        reader = undefined;
        onLeft();
      });
      place.ending.addEventListener('abort', () => mine.end());
      if (isResumable && after === 0) mine.send({ ...idOf(0), data: '' });
      for (const { number, event } of kept) if (number > after) mine.send(event);
      if (hasEnded) stopReading();
      return mine.response;
    },
    get isRead() {
      return reader !== undefined;
    },
    get hasEnded() {
      return hasEnded;
    },
    get keptBytes() {
      return keptBytes;
    },
  };
}

const space = 0x20;

/** A line end within a message can only be a blank of its JSON; in an event it would begin another field. */
function onOneLine(message: Uint8Array): Uint8Array {
  const isLineEnd = (byte: number): boolean => byte === 0x0a || byte === 0x0d;
  return message.some(isLineEnd) ? message.map((byte) => (isLineEnd(byte) ? space : byte)) : message;
}
