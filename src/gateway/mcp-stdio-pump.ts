import type { Readable } from 'node:stream';
import type { Frame, FramerOptions } from './mcp/framer.ts';
import { createFramer } from './mcp/framer.ts';

export interface PumpOptions {
  readonly input: Readable;
  readonly framing: FramerOptions;
  readonly onFrame: (frame: Frame) => void;
  /** What to wait for before more is read; undefined to read on. Asked after each chunk. */
  readonly whenToPause: () => Promise<unknown> | undefined;
}

/** Reads frames from a stream. Resolves at its end, or when it breaks. */
export function pumpFrames({ input, framing, onFrame, whenToPause }: PumpOptions): Promise<void> {
  const framer = createFramer(framing);
  const read = (chunk: Uint8Array): void => {
    for (const frame of framer.push(chunk)) onFrame(frame);
    const pause = whenToPause();
    if (!pause) return;
    input.pause();
    void pause.then(() => input.resume());
  };
  return new Promise((resolve) => {
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      for (const frame of framer.end()) onFrame(frame);
      resolve();
    };
    input.on('data', read);
    input.once('end', finish);
    input.once('close', finish);
    // A stream that breaks is a stream at its end: `close` follows.
    input.on('error', () => {});
  });
}
