import { Hono } from 'hono';
import { CountersignError, toCountersignError } from '../../errors.ts';
import type { Gate } from '../../gate/gate.ts';
import { refusalAnswer, toResponse } from './answers.ts';
import type { CallEventSource } from './call-events.ts';
import { credentialsOf, type HttpBindings } from './credentials.ts';
import { describeRoute, type Operation } from './describe-route.ts';
import { openEventStream, type EventStream, type EventStreamOptions } from './event-stream.ts';
import { callerOf } from './require-key.ts';
import type { Streams } from './streams.ts';

export interface EventRoutesOptions {
  readonly gate: Pick<Gate, 'authenticate' | 'watch'>;
  readonly streams: Streams;
  readonly source: CallEventSource;
  readonly limits?: EventStreamOptions;
}

/**
 * `GET /v1/events`: what the log says from now on of calls under the caller's own API key, as server-sent events. An event's id
 * is the index of its entry, so that a reader who comes back with `Last-Event-ID` misses nothing and sees nothing twice.
 */
export function eventRoutes({ gate, streams, source, limits = {} }: EventRoutesOptions): Hono {
  const app = new Hono();
  app.get('/v1/events', describeRoute(operation), async (context) => {
    try {
      const principal = await callerOf(context, gate);
      const { apiKeyId } = principal;
      const credentials = credentialsOf(context);
      const from = await firstIndex(context.req.header('last-event-id'), source);
      const stream = streams.open(apiKeyId, (context.env as HttpBindings | undefined) ?? {}, (until) =>
        gate.watch(principal, credentials, until),
      );
      const events = openEventStream(stream, limits);
      const until = AbortSignal.any([events.gone, stream.ending]);
      const assertCaller = async (): Promise<unknown> => gate.authenticate(credentials);
      void follow({ source, events, from, apiKeyId, until, assertCaller }).finally(() => events.end());
      return events.response;
    } catch (error) {
      const { code, message } = toCountersignError(error, 'INTERNAL', 'The events could not be read.');
      return toResponse(refusalAnswer(code, message));
    }
  });
  return app;
}

/** Where to begin. An id that this log cannot have given is another log's: to begin anywhere would hide a gap. */
async function firstIndex(lastEventId: string | undefined, source: CallEventSource): Promise<number> {
  const size = await source.size();
  if (lastEventId === undefined) return size;
  const last = /^(?:0|[1-9][0-9]{0,14})$/.test(lastEventId) ? Number(lastEventId) : Infinity;
  if (last < size) return last + 1;
  throw new CountersignError('FRAME_INVALID', 'Last-Event-ID is no index of an entry of this log.');
}

interface Following {
  readonly source: CallEventSource;
  readonly events: EventStream;
  readonly from: number;
  readonly apiKeyId: string;
  readonly until: AbortSignal;
  /** Rejects once the key that opened the stream is no longer valid. */
  readonly assertCaller: () => Promise<unknown>;
}

/** Reads no faster than the reader does. Ends with the reader, the generation, the key, or a log that cannot be read. */
async function follow(following: Following): Promise<void> {
  const { source, events, from, apiKeyId, until, assertCaller } = following;
  let next = from;
  try {
    // Somebody whose connection breaks before the first event comes back to this place.
    mark(events, next);
    for (;;) {
      const size = await source.grown(next, until);
      while (next < size) {
        await assertCaller();
        const to = Math.min(size, next + source.page);
        const found = await source.read(next, to, apiKeyId);
        for (const { index, ...event } of found)
          events.send({ id: String(index), event: event.kind, data: JSON.stringify({ index, ...event }) });
        next = to;
        if (found.at(-1)?.index !== to - 1) mark(events, next);
        await events.drained();
        until.throwIfAborted();
      }
    }
  } catch {
    // A reader who finds the end comes back, and is then told why.
  }
}

/** An id without an event moves what a reader will send as Last-Event-ID, past entries that are none of its business. */
function mark(events: EventStream, next: number): void {
  if (next > 0) events.send({ id: String(next - 1) });
}

const operation: Operation = {
  summary: 'Verdicts and outcomes of your own calls, as they are logged',
  description:
    'Server-sent events (text/event-stream): allow, deny, shadow, outcome. The id is the index of the entry in the log.',
  parameters: [
    {
      name: 'Last-Event-ID',
      in: 'header',
      description: 'Goes on after this entry.',
      schema: { type: 'string', pattern: '^(0|[1-9][0-9]*)$' },
    },
  ],
  responses: {
    200: {
      description: 'Each data line is one JSON object.',
      content: {
        'text/event-stream': {
          schema: { type: 'string' },
        },
      },
    },
  },
};
