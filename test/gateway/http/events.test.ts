import { afterEach, describe, expect, it } from 'vitest';
import { createGate } from '../../../src/gate/create-gate.ts';
import type { Gate } from '../../../src/gate/gate.ts';
import { createDeclaredDirectory } from '../../../src/gate/declared-tools.ts';
import { eventRoutes } from '../../../src/gateway/http/events.ts';
import { createStreams } from '../../../src/gateway/http/streams.ts';
import { createLogEvents } from '../../../src/runtime/serve/log-events.ts';
import { newApiKey, apiKeyDigest } from '../../../src/identity/api-key.ts';
import type { Decision } from '../../../src/policy/policy.ts';
import { allowEverything, countingTarget, denyEverything, harness } from '../../gate/harness.ts';

const ended = new AbortController();
const server = { name: 'things', digest: 'c'.repeat(64) };
const definition = { sha256: 'e'.repeat(64), accepted: true, declaredProperties: [] };

interface Event {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

async function gateway() {
  let decide: () => Decision = allowEverything;
  const made = await harness({ decide: () => decide() });
  const { parts, apiKey, keys, ledger, call } = made;
  const directory = createDeclaredDirectory(server, new Map([['look', definition]]));
  const gate: Gate = createGate({ ...parts, directory });
  const other = newApiKey();
  const [record] = keys.values();
  const digest = apiKeyDigest(other, new Uint8Array(32));
  if (record) keys.set(digest, { ...record, id: 'other', digest });
  const streams = createStreams({ perOwner: 2, all: 4 });
  const app = eventRoutes({ gate, streams, source: createLogEvents({ ledger, every: 5 }) });
  const run = async (key = apiKey, how: () => Decision = allowEverything) => {
    decide = how;
    const asked = { ...call('look', { secret: 'a plaintext' }), server };
    await gate.run(asked, { apiKey: key }, countingTarget(), ended.signal);
    return asked.id;
  };
  const follow = async (headers: Record<string, string> = {}, key = apiKey) => {
    const response = await app.request('/v1/events', {
      headers: { authorization: `Bearer ${key}`, ...headers },
    });
    return { status: response.status, response, ...reading(response) };
  };
  return { run, follow, streams, keys, apiKey, other, ledger };
}

function reading(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const lastId = () => [...text.matchAll(/^id: (\d+)\n/gm)].at(-1)?.[1];
  const events = (): Event[] =>
    [...text.matchAll(/^id: (\d+)\nevent: (\w+)\ndata: (.*)\n\n/gm)].map(
      ([, id = '', event = '', data = '']) => ({
        id,
        event,
        data: JSON.parse(data) as Record<string, unknown>,
      }),
    );
  const read = async (): Promise<boolean> => {
    const { value, done } = (await reader?.read()) ?? { done: true };
    text += value ?? '';
    return !done;
  };
  return {
    text: () => text,
    lastId,
    async until(count: number): Promise<Event[]> {
      while (events().length < count) if (!(await read())) throw new Error(`It ended: ${text}`);
      return events();
    },
    async untilEnd(): Promise<string> {
      while (await read());
      return text;
    },
    leave: () => reader?.cancel(),
  };
}

const open: { leave: () => unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.leave();
});

describe('GET /v1/events', () => {
  it('tells verdicts and outcomes of the caller’s own calls from now on, without plaintext', async () => {
    const { run, follow, other } = await gateway();
    await run();
    const mine = await follow();
    const theirs = await follow({}, other);
    open.push(mine, theirs);
    expect(mine.response.headers.get('content-type')).toBe('text/event-stream');
    const first = await run();
    const second = await run(other, denyEverything);
    const seen = await mine.until(2);
    expect(seen.map(({ event, data }) => [event, data['callId'], data['verdict'], data['tool']])).toEqual([
      ['allow', first, 'ALLOW', 'things/look'],
      ['outcome', first, 'ALLOW', 'things/look'],
    ]);
    expect(seen[1]?.data).toMatchObject({ outcome: 'executed', index: Number(seen[1]?.id) });
    expect(seen[0]?.data['time']).toMatch(/^\d{4}-.*Z$/);
    const [denied] = await theirs.until(1);
    expect(denied).toMatchObject({ event: 'deny', data: { callId: second, verdict: 'DENY' } });
    expect(denied?.data['code']).toMatch(/^[A-Z_]+$/);
    expect(mine.text()).not.toMatch(/plaintext|secret/);
    expect(mine.text()).not.toContain(second);
  });

  it('goes on after Last-Event-ID without a gap and without seeing anything twice', async () => {
    const { run, follow } = await gateway();
    const before = await follow();
    await before.until(0);
    await run();
    const [allow] = await before.until(2);
    await before.leave();
    await run();
    const after = await follow({ 'last-event-id': allow?.id ?? '' });
    open.push(after);
    const seen = await after.until(3);
    expect(seen.map(({ event }) => event)).toEqual(['outcome', 'allow', 'outcome']);
    expect(Number(seen[0]?.id)).toBeGreaterThan(Number(allow?.id));
  });

  it('gives a place to come back to before anything has happened, and past entries of others', async () => {
    const { run, follow, other, ledger } = await gateway();
    const mine = await follow();
    open.push(mine);
    await run(other);
    const size = (await ledger.checkpoint())?.size ?? 0;
    await run();
    await mine.until(2);
    const ids = [...mine.text().matchAll(/^id: (\d+)/gm)].map(([, id]) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(ids.some((id) => id < size)).toBe(true);
  });

  it.each(['999999', '-1', '1.5', '01', 'x', '1e3', '99999999999999999999'])(
    'refuses an id that the log cannot have given: %s',
    async (id) => {
      const { run, follow } = await gateway();
      await run();
      expect((await follow({ 'last-event-id': id })).status).toBe(400);
    },
  );

  it('ends with the key: what is revoked reads no further', async () => {
    const { run, follow, keys, apiKey, other } = await gateway();
    const mine = await follow();
    await mine.until(0);
    await run();
    await mine.until(2);
    keys.delete(apiKeyDigest(apiKey, new Uint8Array(32)));
    await run(other);
    expect(await mine.untilEnd()).not.toContain('deny');
  });

  it('ends when its generation does, and a key has only so many', async () => {
    const { follow, streams } = await gateway();
    const [one] = [await follow(), await follow()];
    const third = await follow();
    expect(third.status).toBe(429);
    await streams.close(5_000);
    expect(await one.untilEnd()).toMatch(/^:\n\n/);
    expect(streams.count).toBe(0);
    expect((await follow()).status).toBe(503);
  });

  it('opens nothing without a key', async () => {
    const { streams, follow } = await gateway();
    expect((await follow({}, 'wrong')).status).toBe(401);
    expect(streams.count).toBe(0);
  });
});
