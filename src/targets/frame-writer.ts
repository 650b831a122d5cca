import type { Writable } from 'node:stream';

/** Writes frames to a stream. Everything written in one turn of the event loop leaves in one system call. */
export interface FrameWriter {
  /** Never throws; what is written after the other end went away is dropped. */
  write(...parts: readonly Uint8Array[]): void;
  /** True while the other end does not take what was written: what is written now waits in our own memory. */
  readonly isFull: boolean;
  /** Bytes that wait in our own memory. */
  readonly backlog: number;
  /** Resolves once the buffer is empty again or the other end is gone; at once when it is not full. */
  drained(): Promise<void>;
  /** Resolves once everything written was handed to the operating system, or the other end is gone. */
  flushed(): Promise<void>;
  /** Ends the stream after what was written. */
  end(): void;
  readonly isGone: boolean;
}

/** `onGone` is called once, when the other end closed or the stream broke (EPIPE). */
export function createFrameWriter(stream: Writable, onGone: () => void): FrameWriter {
  let corked = false;
  let gone = false;
  let waiting: (() => void)[] = [];

  const wake = (): void => {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  };
  const leave = (): void => {
    if (gone) return;
    gone = true;
    wake();
    onGone();
  };
  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };
  stream.on('drain', wake);
  stream.on('error', leave);
  stream.on('close', leave);

  return {
    write(...parts) {
      if (gone || stream.writableEnded) return;
      if (!corked) {
        corked = true;
        stream.cork();
        process.nextTick(uncork);
      }
      for (const part of parts) stream.write(part);
    },
    get isFull() {
      return !gone && stream.writableNeedDrain;
    },
    get backlog() {
      return gone ? 0 : stream.writableLength;
    },
    drained() {
      if (gone || !stream.writableNeedDrain) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    flushed() {
      if (gone || stream.writableEnded) return Promise.resolve();
      // The callback comes with an error when the stream breaks before: that is an end of waiting as well.
      return new Promise((resolve) => stream.write('', () => resolve()));
    },
    end() {
      if (!gone && !stream.writableEnded) stream.end();
    },
    get isGone() {
      return gone;
    },
  };
}
