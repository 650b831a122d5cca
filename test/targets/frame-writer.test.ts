import { PassThrough, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createFrameWriter } from '../../src/targets/frame-writer.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a frame writer', () => {
  it('gives the system everything of one turn at once', async () => {
    const writes: number[] = [];
    const stream = new Writable({
      writev(chunks, done) {
        writes.push(chunks.length);
        done();
      },
    });
    const writer = createFrameWriter(stream, () => {});
    for (let i = 0; i < 50; i++) writer.write(bytes('{}'), bytes('\n'));
    await setImmediate();
    expect(writes).toEqual([100]);
  });

  it('is full until the other end reads', async () => {
    const stream = new PassThrough({ highWaterMark: 10 });
    const writer = createFrameWriter(stream, () => {});
    writer.write(bytes('x'.repeat(100)));
    await setImmediate();
    expect([writer.isFull, writer.backlog > 0]).toEqual([true, true]);
    const drained = writer.drained();
    stream.resume();
    await drained;
    expect([writer.isFull, writer.backlog]).toEqual([false, 0]);
  });

  it('drops what is written to an end that is gone, and waits for nobody', async () => {
    let gone = 0;
    const stream = new PassThrough();
    const writer = createFrameWriter(stream, () => gone++);
    stream.destroy(new Error('write EPIPE'));
    await setImmediate();
    writer.write(bytes('x'));
    await Promise.all([writer.drained(), writer.flushed()]);
    expect([gone, writer.isGone]).toEqual([1, true]);
  });
});
