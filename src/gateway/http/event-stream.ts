import { concatBytes, utf8 } from '../../call/bytes.ts';
import type { Stream } from './streams.ts';

/** One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  /** JSON as we print it: without a line break, which would begin another field. Without any, only id and retry are heeded. */
  readonly data?: string | Uint8Array;
  /** Milliseconds after which a reader whose connection broke comes back. */
  readonly retry?: number;
}

export interface EventStreamOptions {
  /** Bytes that wait for a slow reader; one that is further behind is dropped. 1 MiB unless told. */
  readonly maxWaiting?: number;
  /**
   * Milliseconds between the comments that keep a connection from being taken for dead; 15 s unless told. Who takes nothing for
   * two of them is dropped.
   */
  readonly heartbeat?: number;
}

/** The writing end of a `text/event-stream` answer. It releases its place among the streams by itself. */
export interface EventStream {
  readonly response: Response;
  /** Aborted once nobody reads any more: the reader has left, was too slow, or the stream was ended. */
  readonly gone: AbortSignal;
  /** False when nobody reads any more. An event may be larger than what may wait: the one after it then finds no place. */
  send(event: ServerSentEvent): boolean;
  /** Resolves once the reader has taken all that waited, or has gone: whoever can wait writes no faster than is read. */
  drained(): Promise<void>;
  /** Ends the answer after what waits. Again does nothing. */
  end(): void;
}

const defaults = { maxWaiting: 1 << 20, heartbeat: 15_000 };
const comment = utf8(':\n\n');

export function openEventStream(stream: Stream, options: EventStreamOptions = {}): EventStream {
  const { maxWaiting, heartbeat } = { ...defaults, ...options };
  const gone = new AbortController();
  // The head of an answer leaves with its first bytes: a reader should know at once that it is connected.
  const waiting: Uint8Array[] = [comment];
  let waitingBytes = comment.length;
  let ending = false;
  let isAsked = false;
  let idleBeats = 0;
  let reader: ReadableStreamDefaultController<Uint8Array> | undefined;
  let drained = Promise.withResolvers<void>();

  const leave = (): void => {
    if (gone.signal.aborted) return;
    clearInterval(timer);
    stream.ended.removeEventListener('abort', drop);
    waiting.length = 0;
    gone.abort();
    drained.resolve();
    stream.release();
  };
  const drop = (): void => {
    if (gone.signal.aborted) return;
    if (stream.hangUp) stream.hangUp();
    else reader?.error(new Error('The reader was too slow, or its time was over.'));
    leave();
  };
  const give = (): void => {
    const next = isAsked ? waiting.shift() : undefined;
    if (next !== undefined) {
      isAsked = false;
      idleBeats = 0;
      waitingBytes -= next.length;
      reader?.enqueue(next);
    }
    if (waiting.length > 0) return;
    drained.resolve();
    if (!ending) return;
    reader?.close();
    leave();
  };
  const write = (bytes: Uint8Array): boolean => {
    if (gone.signal.aborted || ending) return false;
    if (waitingBytes >= maxWaiting) {
      drop();
      return false;
    }
    if (waiting.length === 0) drained = Promise.withResolvers<void>();
    waiting.push(bytes);
    waitingBytes += bytes.length;
    give();
    return true;
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => void (reader = controller),
      pull() {
        isAsked = true;
        give();
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
  const timer = setInterval(() => {
    if (waiting.length === 0) write(comment);
    else if ((idleBeats += 1) > 2) drop();
  }, heartbeat);
  stream.ended.addEventListener('abort', drop, { once: true });

  return {
    response: new Response(body, { headers }),
    gone: gone.signal,
    send: (event) => write(encodeEvent(event)),
    drained: () => drained.promise,
    end() {
      if (gone.signal.aborted) return;
      ending = true;
      give();
    },
  };
}

const headers = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // A proxy that collects an answer before it passes it on would hold events back.
  'x-accel-buffering': 'no',
};

function encodeEvent({ id, event, data, retry }: ServerSentEvent): Uint8Array {
  const fields = [
    ...(id === undefined ? [] : [`id: ${id}\n`]),
    ...(event === undefined ? [] : [`event: ${event}\n`]),
    ...(retry === undefined ? [] : [`retry: ${retry}\n`]),
  ].join('');
  if (data === undefined) return utf8(`${fields}\n`);
  return concatBytes(utf8(`${fields}data: `), typeof data === 'string' ? utf8(data) : data, utf8('\n\n'));
}
