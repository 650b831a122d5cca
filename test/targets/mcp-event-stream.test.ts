import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromUtf8, utf8 } from '../../src/call/bytes.ts';
import type { StreamPosition } from '../../src/targets/mcp-event-stream.ts';
import { readEventStream } from '../../src/targets/mcp-event-stream.ts';

const limits = { maxFrameBytes: 100, maxIdleBytes: 50 };
const never = new AbortController().signal;

function bodyOf(
  chunks: readonly (string | Uint8Array)[],
  onCancel = () => undefined,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks[at++];
      if (chunk === undefined) controller.close();
      else controller.enqueue(typeof chunk === 'string' ? utf8(chunk) : chunk);
    },
    cancel: onCancel,
  });
}

async function read(...chunks: readonly (string | Uint8Array)[]) {
  const position: StreamPosition = { lastEventId: undefined, retryMs: undefined };
  const seen: string[] = [];
  for await (const event of readEventStream(bodyOf(chunks), limits, position, never)) {
    seen.push(event.fault ? event.fault.code : `${event.type}:${fromUtf8(event.bytes)}`);
  }
  return { seen, ...position };
}

describe('an event stream', () => {
  it('is read as the standard says: comments, several lines of data, any line end, a BOM, a last event without an end', async () => {
    const { seen } = await read(
      '\uFEFF: a comment\ndata: one\n\ndata:two\r\ndata: lines\r\n\r\nevent: other\rdata: three\r\rid\n\nodd: x\ndata: lost',
    );
    expect(seen).toEqual(['message:one', 'message:two\nlines', 'other:three']);
  });

  it('remembers the last id and how long to stay away', async () => {
    const { lastEventId, retryMs } = await read('id: a\ndata: one\n\n', 'retry: 250\nid: b\ndata:\n\n');
    expect({ lastEventId, retryMs }).toEqual({ lastEventId: 'b', retryMs: 250 });
  });

  it.each([
    ['is empty', 'id:'],
    ['no header can carry', 'id: caf\u00e9'],
    ['has a control character', 'id: a\tb\u0001'],
    ['is long', `id: ${'x'.repeat(90)}${'y'.repeat(1_000)}`],
  ])('cannot be taken up by an id that %s', async (_, field) => {
    const { lastEventId } = await read('id: fine\ndata: one\n\n', `${field}\ndata: two\n\n`);
    expect(lastEventId).toBeUndefined();
  });

  it('does not let a server keep us away for long', async () => {
    expect((await read('retry: 99999999999999999999\n\n')).retryMs).toBe(60_000);
  });

  it('moves on only when the consumer has taken the event', async () => {
    const position: StreamPosition = { lastEventId: undefined, retryMs: undefined };
    const body = bodyOf(['id: 1\ndata: a\n\nid: 2\ndata: b\n\n']);
    const events = readEventStream(body, limits, position, never);
    await events.next();
    expect(position.lastEventId).toBe('1');
    await events.next();
    expect(position.lastEventId).toBe('2');
  });

  it.each([
    ['a long line', [`data: ${'x'.repeat(101)}\n\n`]],
    ['a line without end', Array.from({ length: 1_000 }, () => 'data: xxxxxxxx')],
    ['lines of data without end', Array.from({ length: 1_000 }, () => 'data: x\n')],
    ['an id without end', ['id: ', ...Array.from({ length: 1_000 }, () => 'xxxxxxxx')]],
    ['more bytes than characters', [`data: ${'\u20ac'.repeat(34)}\n\n`]],
    ['comments without end', Array.from({ length: 1_000 }, () => ': hi\n\n')],
    ['events of no account without end', Array.from({ length: 1_000 }, () => 'event: x\ndata: hi\n\n')],
    ['empty events without end', Array.from({ length: 1_000 }, () => 'id: x\ndata:\n\n')],
  ])('is cut off at %s', async (_, chunks) => {
    const { seen } = await read('data: before\n\n', ...chunks, '\n\ndata: after\n\n');
    expect(seen[0]).toBe('message:before');
    expect(seen.at(-1)).toBe('TOO_LARGE');
    expect(seen).not.toContain('message:after');
  });

  it('may have many comments in all, between messages', async () => {
    const chunks = Array.from({ length: 100 }, () => ': keep alive\n\ndata: x\n\n');
    expect((await read(...chunks)).seen).toHaveLength(100);
  });

  it('is cut off where it is not UTF-8, and cancelled', async () => {
    let isCancelled = false;
    const body = bodyOf(['data: a\n\n', Uint8Array.of(0x64, 0xff, 0x0a), 'data: b\n\n'], () => {
      isCancelled = true;
      return undefined;
    });
    const position = { lastEventId: undefined, retryMs: undefined };
    const seen: unknown[] = [];
    for await (const event of readEventStream(body, limits, position, never)) seen.push(event.fault?.code);
    expect(seen).toEqual([undefined, 'FRAME_INVALID']);
    expect(isCancelled).toBe(true);
  });

  it('ends quietly when it breaks off or is given up', async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('reset')),
    });
    const position = { lastEventId: undefined, retryMs: undefined };
    expect(await readEventStream(broken, limits, position, never).next()).toEqual({
      done: true,
      value: undefined,
    });
    const giveUp = new AbortController();
    const silent = readEventStream(new ReadableStream(), limits, position, giveUp.signal).next();
    giveUp.abort();
    expect(await silent).toEqual({ done: true, value: undefined });
  });

  it('gives the same events wherever it is cut into chunks', async () => {
    const lines = [
      'data: {"a":"\u20ac\u{1f600}"}',
      'data:',
      'id: 7',
      'event: x',
      ': c',
      'retry: 5',
      '',
      '',
      'bogus',
    ];
    const ends = fc.constantFrom('\n', '\r\n', '\r');
    const text = fc
      .array(fc.tuple(fc.constantFrom(...lines), ends), { maxLength: 12 })
      .map((parts) => parts.map((part) => part.join('')).join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(200), { maxLength: 6 }), async (stream, cuts) => {
        const bytes = utf8(`data: start\n\n${stream}\n\n`);
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(concatBytes(...chunks)).toEqual(bytes);
        expect(await read(...chunks)).toEqual(await read(bytes));
      }),
      { numRuns: 200 },
    );
  });
});
