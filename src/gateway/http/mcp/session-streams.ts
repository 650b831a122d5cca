import { createClientStream, type ClientStream } from './client-stream.ts';

/** The streams of one legacy session, so that a client that lost a connection can take up where it was. */
export interface SessionStreams {
  /** A stream for one POST. */
  open(): ClientStream;
  /** The stream that belongs to no request. */
  readonly standalone: ClientStream;
  /** What a `Last-Event-ID` means here; undefined when it is none of ours, or its stream was given up. */
  find(lastEventId: string): { readonly stream: ClientStream; readonly after: number } | undefined;
  end(): void;
}

/** Bytes that may wait for a client in one stream, and in all ended ones of a session that it may still come back for. */
const maxBytes = 4 << 20;
const maxEnded = 32;

export function createSessionStreams(): SessionStreams {
  const streams = new Map<string, ClientStream>();
  let count = 0;
  const make = (key: string): ClientStream => {
    const stream = createClientStream({ key, isResumable: true, maxBytes });
    streams.set(key, stream);
    return stream;
  };
  const standalone = make('s');

  const forgetOldest = (): void => {
    const ended = [...streams.values()].filter(({ hasEnded }) => hasEnded);
    let bytes = ended.reduce((sum, { keptBytes }) => sum + keptBytes, 0);
    for (const [at, { key, keptBytes }] of ended.entries()) {
      if (ended.length - at <= maxEnded && bytes <= maxBytes) return;
      streams.delete(key);
      bytes -= keptBytes;
    }
  };

  return {
    open() {
      forgetOldest();
      return make(`p${++count}`);
    },
    standalone,
    find(lastEventId) {
      const [, key = '', number = ''] = /^([sp][0-9]{0,15})\.([0-9]{1,15})$/.exec(lastEventId) ?? [];
      const stream = streams.get(key);
      return stream && { stream, after: Number(number) };
    },
    end() {
      for (const stream of streams.values()) stream.end();
      streams.clear();
    },
  };
}
