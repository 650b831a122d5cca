import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { answerTo, closeServers, connectTo, listenOn, streamOn, toolCall } from '../support/mcp-http.ts';

afterEach(closeServers);

const note = 'data: {"jsonrpc":"2.0","method":"note"}\n\n';
const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' };
const legacy = { 'mcp-protocol-version': '2025-11-25' };

/** A server that answers each request with the next of these, and what it was asked. */
async function script(...steps: readonly ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  const asked: { method: string | undefined; lastEventId: unknown; at: number }[] = [];
  const url = await listenOn((request, response) => {
    const step = steps[Math.min(asked.length, steps.length - 1)];
    asked.push({
      method: request.method,
      lastEventId: request.headers['last-event-id'],
      at: performance.now(),
    });
    step?.(response, request);
  });
  return { url, asked };
}

const ending = (text: string) => (response: ServerResponse) => streamOn(response).end(text);
const breaking = (text: string) => (response: ServerResponse) =>
  streamOn(response).write(text, () => response.destroy());
const refusing = (status: number) => (response: ServerResponse) => response.writeHead(status).end();

describe('a stream that ends before the answer', () => {
  it.each([
    ['is closed', ending],
    ['breaks off', breaking],
  ])('and %s is taken up where it was, after the time that the server named', async (_, end) => {
    const { url, asked } = await script(
      end(`id: e1\nretry: 120\ndata:\n\nid: e2\n${note}`),
      ending(`id: e3\n${note}id: e4\ndata: ${answerTo(1)}\n\n`),
    );
    const { execute, closed, heads, messages } = connectTo(url).exchange(legacy);
    expect(await execute(toolCall(1))).toMatchObject({ kind: 'result' });
    await expect.poll(() => closed.length).toBe(2);
    expect(closed).toEqual([
      { isResumable: true, retryMs: 120 },
      { isResumable: false, retryMs: 120 },
    ]);
    expect(asked).toMatchObject([
      { method: 'POST', lastEventId: undefined },
      { method: 'GET', lastEventId: 'e2' },
    ]);
    expect(asked[1]!.at - asked[0]!.at).toBeGreaterThanOrEqual(119);
    expect(heads).toHaveLength(1);
    expect(messages).toHaveLength(3);
  });

  it('is taken up for what was relayed as well, however often the server closes it', async () => {
    const steps = Array.from({ length: 5 }, (_, i) => ending(`id: e${i}\nretry: 1\ndata:\n\n`));
    const { url, asked } = await script(...steps, ending(`data: ${answerTo('p')}\n\n`));
    const { relay, messages, failed, closed } = connectTo(url).exchange(legacy);
    relay(ping);
    await expect.poll(() => closed.length).toBe(6);
    expect([messages, failed]).toMatchObject([[{ id: 'p' }], []]);
    // A server that names no time at all, or none, is not asked without pause.
    expect(asked[5]!.at - asked[0]!.at).toBeGreaterThan(5 * 49);
  });

  it('is asked for again while the server cannot answer', async () => {
    const { url, asked } = await script(
      ending('id: e1\nretry: 1\ndata:\n\n'),
      refusing(503),
      (response) => response.destroy(),
      ending(`data: ${answerTo(1)}\n\n`),
    );
    expect(await connectTo(url).exchange(legacy).execute(toolCall(1))).toMatchObject({ kind: 'result' });
    expect(asked.map(({ lastEventId }) => lastEventId)).toEqual([undefined, 'e1', 'e1', 'e1']);
  });

  it.each([
    ['it is refused', 'id: e1\nretry: 1\ndata:\n\n', legacy, 2],
    ['it named no event', `retry: 1\n${note}`, legacy, 1],
    ['its last id fits in no header', `id: e1\n${note}id: \u00e9\n${note}`, legacy, 1],
    ['it is a modern one', `id: e1\n${note}`, { 'mcp-protocol-version': '2026-07-28' }, 1],
  ])('is over when %s', async (_, text, headers, count) => {
    const { url, asked } = await script(ending(text), refusing(405));
    const peer = connectTo(url);
    expect(await peer.exchange(headers).execute(toolCall(1))).toMatchObject({
      outcome: 'unknown',
      code: 'UPSTREAM_GONE',
    });
    expect(asked).toHaveLength(count);
  });

  it('tells a last time that it is closed, and what was relayed that it failed', async () => {
    const { url } = await script(ending('id: e1\nretry: 1\ndata:\n\n'), refusing(404));
    const { relay, closed, failed } = connectTo(url).exchange(legacy);
    relay(ping);
    await expect.poll(() => failed).toEqual([{ status: 200, code: 'UPSTREAM_GONE' }]);
    expect(closed).toEqual([{ isResumable: true, retryMs: 1 }, { isResumable: false }]);
  });

  it('is left alone when nobody waits: its answer came, or the exchange was aborted', async () => {
    const { url, asked } = await script(ending(`id: e1\nretry: 1\ndata: ${answerTo('p')}\n\n`));
    const answered = connectTo(url).exchange(legacy);
    answered.relay(ping);
    await expect.poll(() => answered.closed).toEqual([{ isResumable: false, retryMs: 1 }]);

    const polling = await script(ending('id: e1\nretry: 100\ndata:\n\n'));
    const aborted = connectTo(polling.url).exchange(legacy);
    aborted.relay(ping);
    await expect.poll(() => aborted.closed.length).toBe(1);
    aborted.exchange.abort();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect([asked.length, polling.asked.length]).toEqual([1, 1]);
    expect(aborted.failed).toEqual([]);
  });
});

describe('the stream of a session', () => {
  const listening = () => {
    const messages: unknown[] = [];
    const closed: unknown[] = [];
    const stop = new AbortController();
    return {
      messages,
      closed,
      stop,
      events: {
        onMessage: (message: unknown) => void messages.push(message),
        onClosed: (close: unknown) => void closed.push(close),
      },
    };
  };

  it('is taken up while it is open, and let go with its signal', async () => {
    const gone = Promise.withResolvers<void>();
    const { url, asked } = await script(ending(`id: e1\nretry: 1\n${note}`), (response) => {
      response.on('close', () => gone.resolve());
      streamOn(response).write(`id: e2\n${note}`);
    });
    const { events, messages, closed, stop } = listening();
    expect(await connectTo(url).connection.listen(events, legacy, stop.signal)).toBe(200);
    await expect.poll(() => messages.length).toBe(2);
    expect(asked).toMatchObject([{ method: 'GET' }, { method: 'GET', lastEventId: 'e1' }]);
    stop.abort();
    await gone.promise;
    expect(closed).toEqual([{ isResumable: true, retryMs: 1 }]);
  });

  it('is over when it ends without a way back', async () => {
    const { url } = await script(ending(note));
    const { events, messages, closed, stop } = listening();
    await connectTo(url).connection.listen(events, legacy, stop.signal);
    await expect.poll(() => closed).toEqual([{ isResumable: false }]);
    expect(messages).toHaveLength(1);
  });

  it('may be refused, and a server that cannot be reached or sends something else is an error', async () => {
    const { events, stop } = listening();
    const refused = await script(refusing(405));
    expect(await connectTo(refused.url).connection.listen(events, legacy, stop.signal)).toBe(405);
    const other = await script((response) => response.writeHead(200, { 'content-type': 'text/html' }).end());
    await expect(connectTo(other.url).connection.listen(events, legacy, stop.signal)).rejects.toMatchObject({
      code: 'UPSTREAM_INVALID',
    });
    closeServers();
    await expect(connectTo(other.url).connection.listen(events, legacy, stop.signal)).rejects.toMatchObject({
      code: 'UPSTREAM_GONE',
    });
  });
});
