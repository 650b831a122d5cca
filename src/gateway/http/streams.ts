import { CountersignError } from '../../errors.ts';
import type { HttpBindings } from './credentials.ts';

/**
 * The long answers of one generation: server-sent events, of the log's or of a conversation. They are counted apart from
 * requests, which are short: a reader who stays for a day takes no place of a call, and holds up no other configuration.
 */
export interface Streams {
  /**
   * Opens one for its owner, the id of an API key. The request that asked for it no longer counts as one.
   *
   * @throws CountersignError `KEY_OVER_LIMIT` when this owner has as many as one may have, `GATE_BUSY` when all have
   *   together, `GATE_CLOSED` once they are being closed.
   * @param watch Watches whom it is for until the signal that it gets is aborted; when its own is, the stream ends. Nobody unless told.
   */
  open(owner: string, bindings: HttpBindings, watch?: Watch): Stream;
  readonly count: number;
  /**
   * Asks every stream to end, opens no other one, and resolves once all are released. Those that are still there `within`
   * milliseconds later are ended.
   */
  close(within: number): Promise<void>;
}

/** Aborted once whoever something is for may have it no longer; watched until `until` is aborted. */
export type Watch = (until: AbortSignal) => AbortSignal;

/** What whoever writes a stream has to heed. */
export interface Stream {
  /** End soon: send what a call that runs still owes, then the end; at once where nothing is owed. */
  readonly ending: AbortSignal;
  /** The time for that is over: nothing written from now on is waited for. */
  readonly ended: AbortSignal;
  /** After the last byte, or once the reader has gone. Again does nothing. */
  release(): void;
  /** Breaks the connection, so that a reader notices that the end is missing; undefined where a runtime cannot. */
  readonly hangUp: (() => void) | undefined;
}

export interface StreamLimits {
  /** Of one API key, at a time. */
  readonly perOwner: number;
  readonly all: number;
}

export function createStreams(limits: StreamLimits): Streams {
  const open = new Set<OpenStream>();
  const byOwner = new Map<string, number>();
  let closing = false;
  let empty = (): void => undefined;

  const release = (stream: OpenStream, owner: string): void => {
    if (!open.delete(stream)) return;
    stream.released.abort();
    const left = (byOwner.get(owner) ?? 1) - 1;
    if (left === 0) byOwner.delete(owner);
    else byOwner.set(owner, left);
    if (open.size === 0) empty();
  };

  return {
    get count() {
      return open.size;
    },
    open(owner, bindings, watch) {
      const owned = byOwner.get(owner) ?? 0;
      if (closing)
        throw new CountersignError('GATE_CLOSED', 'The gateway takes another configuration: ask again.');
      if (owned >= limits.perOwner)
        throw new CountersignError(
          'KEY_OVER_LIMIT',
          `An API key has at most ${limits.perOwner} open streams.`,
        );
      if (open.size >= limits.all)
        throw new CountersignError('GATE_BUSY', 'Too many streams are open: try again later.');
      const stream: OpenStream = {
        ending: new AbortController(),
        ended: new AbortController(),
        released: new AbortController(),
      };
      open.add(stream);
      byOwner.set(owner, owned + 1);
      bindings.becomesStream?.();
      if (watch) endWith(watch(stream.released.signal), stream);
      return {
        ending: stream.ending.signal,
        ended: stream.ended.signal,
        release: () => release(stream, owner),
        hangUp: bindings.hangUp,
      };
    },
    async close(within) {
      closing = true;
      if (open.size === 0) return;
      const emptied = new Promise<void>((resolve) => (empty = resolve));
      for (const { ending } of [...open]) ending.abort();
      const timer = setTimeout(() => {
        for (const { ended } of [...open]) ended.abort();
        empty();
      }, within);
      await emptied;
      clearTimeout(timer);
    },
  };
}

interface OpenStream {
  readonly ending: AbortController;
  readonly ended: AbortController;
  readonly released: AbortController;
}

/** Milliseconds that a reader gets to take what waits, once they may have nothing more. */
const lastWordsMs = 1_000;

function endWith(good: AbortSignal, { ending, ended, released }: OpenStream): void {
  const end = (): void => {
    const timer = setTimeout(() => ended.abort(), lastWordsMs);
    released.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
    ending.abort();
  };
  if (good.aborted) queueMicrotask(end);
  else good.addEventListener('abort', end, { once: true });
}
