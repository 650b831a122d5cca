import { afterEach, describe, expect, it, vi } from 'vitest';
import { openEventStream } from '../../../src/gateway/http/event-stream.ts';
import { createStreams } from '../../../src/gateway/http/streams.ts';

const limits = { perOwner: 2, all: 3 };

afterEach(() => vi.useRealTimers());

describe('streams', () => {
  it('are counted apart from requests, by owner and in all', () => {
    const streams = createStreams(limits);
    let became = 0;
    const bindings = { becomesStream: () => void (became += 1) };
    const first = streams.open('a', bindings);
    streams.open('a', bindings);
    expect(() => streams.open('a', bindings)).toThrow(expect.objectContaining({ code: 'KEY_OVER_LIMIT' }));
    streams.open('b', bindings);
    expect(() => streams.open('c', bindings)).toThrow(expect.objectContaining({ code: 'GATE_BUSY' }));
    first.release();
    first.release();
    expect(streams.count).toBe(2);
    streams.open('c', bindings);
    expect(() => streams.open('a', bindings)).toThrow(expect.objectContaining({ code: 'GATE_BUSY' }));
    expect(became).toBe(4);
  });

  it('are asked to end, and then ended: nothing waits for one that does not', async () => {
    const streams = createStreams(limits);
    const polite = streams.open('a', {});
    const stubborn = streams.open('b', {});
    polite.ending.addEventListener('abort', () => polite.release());
    const closed = streams.close(20);
    expect(() => streams.open('c', {})).toThrow(expect.objectContaining({ code: 'GATE_CLOSED' }));
    await closed;
    expect([polite.ended.aborted, stubborn.ending.aborted, stubborn.ended.aborted]).toEqual([
      false,
      true,
      true,
    ]);
    await streams.close(20);
  });
});

describe('a stream whose owner is watched', () => {
  it('is asked to end when they are no longer good, and ended when it does not', () => {
    vi.useFakeTimers();
    const streams = createStreams(limits);
    const owner = new AbortController();
    const open = () => streams.open('a', {}, () => owner.signal);
    const [polite, stubborn] = [open(), open()];
    polite.ending.addEventListener('abort', () => polite.release());
    const another = streams.open('b', {});
    owner.abort();
    expect([polite, stubborn, another].map(({ ending }) => ending.aborted)).toEqual([true, true, false]);
    vi.advanceTimersByTime(1_000);
    expect([polite, stubborn, another].map(({ ended }) => ended.aborted)).toEqual([false, true, false]);
  });

  it('is not watched longer than it lasts', () => {
    const streams = createStreams(limits);
    let until: AbortSignal | undefined;
    const stream = streams.open('a', {}, (signal) => (until = signal));
    expect(until?.aborted).toBe(false);
    stream.release();
    expect(until?.aborted).toBe(true);
  });

  it('is asked to end, after whoever opened it can hear it, when they were not good any more by then', async () => {
    const stream = createStreams(limits).open('a', {}, () => AbortSignal.abort());
    expect(stream.ending.aborted).toBe(false);
    await Promise.resolve();
    expect(stream.ending.aborted).toBe(true);
  });
});

describe('an event stream', () => {
  const opened = (options = {}) => {
    const streams = createStreams(limits);
    let hungUp = 0;
    const stream = streams.open('a', { hangUp: () => void (hungUp += 1) });
    return { streams, events: openEventStream(stream, options), hungUp: () => hungUp };
  };

  it('writes what the HTML standard reads, and ends after what waits', async () => {
    const { events, streams } = opened();
    events.send({ id: '7', event: 'allow', retry: 5, data: '{"a":1}' });
    events.send({ id: '8' });
    events.end();
    events.end();
    expect(events.send({ data: 'late' })).toBe(false);
    expect(await events.response.text()).toBe(
      ':\n\nid: 7\nevent: allow\nretry: 5\ndata: {"a":1}\n\nid: 8\n\n',
    );
    expect([streams.count, events.gone.aborted]).toEqual([0, true]);
  });

  it('drops a reader who is too far behind, and keeps nothing for it', () => {
    const { events, streams, hungUp } = opened({ maxWaiting: 1_000 });
    let sent = 0;
    while (events.send({ data: 'x'.repeat(90) })) sent += 1;
    expect(sent).toBeLessThan(12);
    expect([hungUp(), events.gone.aborted, streams.count]).toEqual([1, true, 0]);
  });

  it('drops a reader who takes nothing for long, and beats for one who does', async () => {
    vi.useFakeTimers();
    const slow = opened({ heartbeat: 1_000 });
    const reading = opened({ heartbeat: 1_000 });
    const reader = reading.events.response.body?.getReader();
    let beats = 0;
    const read = async (): Promise<void> => {
      while (reader && !(await reader.read()).done) beats += 1;
    };
    void read();
    slow.events.send({ data: '1' });
    await vi.advanceTimersByTimeAsync(10_000);
    expect([slow.hungUp(), reading.hungUp()]).toEqual([1, 0]);
    expect(beats).toBeGreaterThan(8);
    reading.events.end();
  });

  it('lets its place go with its reader, and tells whoever waits', async () => {
    const { events, streams } = opened();
    events.send({ data: '1' });
    const drained = events.drained();
    await events.response.body?.cancel();
    await drained;
    expect([streams.count, events.gone.aborted, events.send({ data: '2' })]).toEqual([0, true, false]);
  });
});
