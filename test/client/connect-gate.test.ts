import { describe, expect, it } from 'vitest';
import { connectGate } from '../../src/client/connect-gate.ts';
import type { ToolCall } from '../../src/client/gate-client.ts';
import { uuidv7 } from '../../src/call/uuid.ts';
import { createCallDesk } from '../../src/gate/call-desk.ts';
import { createGates } from '../../src/gate/create-gate.ts';
import { changeRecorder } from '../../src/gate/record-change.ts';
import { callRoutes } from '../../src/gateway/http/calls.ts';
import { predicateTypes } from '../../src/names.ts';
import { harness } from '../gate/harness.ts';

type Fetch = typeof globalThis.fetch;
type Reply = (request: Request, n: number) => Response | Promise<Response>;

const url = 'http://127.0.0.1:8787';
const call: ToolCall = {
  server: 'notes',
  tool: 'add',
  arguments: { text: 'a' },
  definition: { name: 'add' },
};

/** A gate, and what stands between it and the client. */
async function behind(between: (next: Fetch) => Reply) {
  const { parts, apiKey, ledger } = await harness();
  const gates = createGates(parts);
  const desk = createCallDesk({ gates, ledger, recordChange: changeRecorder(parts, 'same-user') });
  const app = callRoutes({ gate: gates, desk, maxBodyBytes: 100_000 });
  const seen: Request[] = [];
  const reply = between(async (input, init) => app.fetch(new Request(input, init)));
  const fetch: Fetch = async (input, init) => {
    const request = new Request(input, init);
    seen.push(request.clone());
    return reply(request, seen.length);
  };
  const gate = connectGate({ url, apiKey, fetch, timeout: 2_000 });
  const kinds = async () => (await ledger.entries(0, 100)).map(({ kind }) => kind);
  return { gate, gates, seen, kinds, apiKey };
}

/** The answer with its JSON changed. */
const altered =
  (change: (body: Record<string, never>) => object): ((next: Fetch) => Reply) =>
  (next) =>
  async (request) => {
    const response = await next(request);
    const body = (await response.json()) as Record<string, never>;
    return Response.json(change(body), { status: response.status });
  };

interface Statement {
  readonly predicateType: string;
  readonly predicate: object;
}

/** The answer with another verdict in its envelope: who asks a gate trusts it, and checks no signature. */
const stating = (change: (statement: Statement) => Statement): ((next: Fetch) => Reply) =>
  altered((body) => {
    const text = JSON.stringify(body);
    const [, payload = ''] = /"payload":"([^"]+)"/.exec(text) ?? [];
    const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
    const changed = Buffer.from(JSON.stringify(change(statement))).toString('base64');
    return JSON.parse(text.replace(payload, changed)) as object;
  });

describe('what is not an ALLOW of exactly this call', () => {
  const earlier: { body?: object } = {};
  it.each<[string, (next: Fetch) => Reply, string]>([
    [
      'a gate that is not there',
      () => () => Promise.reject(new TypeError('fetch failed')),
      'GATE_UNREACHABLE',
    ],
    ['a proxy’s own page', () => () => new Response('<html>', { status: 200 }), 'GATE_ANSWER_INVALID'],
    ['an empty answer', () => () => Response.json({}), 'GATE_ANSWER_INVALID'],
    ['a bare yes', () => () => Response.json({ decision: 'ALLOW' }), 'GATE_ANSWER_INVALID'],
    [
      'an ALLOW with the status of a failure',
      (next) => async (request) => {
        const response = await next(request);
        return new Response(response.body, { status: 403 });
      },
      'GATE_ANSWER_INVALID',
    ],
    [
      'another call’s id',
      altered((body) => ({ ...body, callId: uuidv7(Date.now()) })),
      'GATE_ANSWER_INVALID',
    ],
    ['no envelope', altered(({ _meta: _, ...body }) => body), 'GATE_ANSWER_INVALID'],
    ['no permit', altered(({ permit: _, ...body }) => body), 'GATE_ANSWER_INVALID'],
    [
      'a permit that lasts longer than the verdict says',
      altered((body) => ({
        ...body,
        permit: { handle: 'x', settleBy: new Date(Date.now() + 86_400_000).toISOString() },
      })),
      'GATE_ANSWER_INVALID',
    ],
    [
      'a decision that stands twice',
      (next) => async (request) => {
        const text = await (await next(request)).text();
        return new Response(text.replace('{', '{"decision":"DENY",'));
      },
      'GATE_ANSWER_INVALID',
    ],
    [
      'an envelope of an earlier call',
      (next) => async (request) => {
        const body = (await (await next(request)).json()) as { _meta: object };
        earlier.body ??= body._meta;
        return Response.json({ ...body, _meta: earlier.body });
      },
      'GATE_ANSWER_INVALID',
    ],
    [
      'the envelope of a denial',
      stating((statement) => ({ ...statement, predicateType: predicateTypes.deny })),
      'GATE_ANSWER_INVALID',
    ],
    [
      'an envelope that says no',
      stating(({ predicate, ...all }) => ({ ...all, predicate: { ...predicate, verdict: 'DENY' } })),
      'GATE_ANSWER_INVALID',
    ],
    [
      'a verdict on other arguments',
      (next) => async (request) => {
        const asked = (await request.json()) as object;
        const other = JSON.stringify({ ...asked, arguments: { text: 'b' } });
        return next(new Request(request.url, { method: 'POST', headers: request.headers, body: other }));
      },
      'GATE_ANSWER_INVALID',
    ],
    ['a redirect', () => () => Response.redirect('https://elsewhere.example/', 307), 'GATE_ANSWER_INVALID'],
    ['more than anybody reads', () => () => new Response('x'.repeat(5 << 20)), 'GATE_UNREACHABLE'],
  ])('is a denial: %s', async (_, between, code) => {
    const { gate, gates } = await behind(between);
    if (code === 'GATE_ANSWER_INVALID') await gate.decide(call);
    let begun = 0;
    const ran = await gate.run(call, async () => (begun += 1));
    expect(ran).toMatchObject({ kind: 'denied', denial: { code } });
    expect(begun).toBe(0);
    await gates.close();
  });

  it('is a denial: a gate that does not answer in time', async () => {
    const { gate, gates, seen } = await behind(
      () => (request) =>
        new Promise((_, reject) =>
          request.signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
    );
    const impatient = new AbortController();
    setTimeout(() => impatient.abort(), 50);
    const decided = await gate.decide(call, { signal: impatient.signal });
    expect(decided).toMatchObject({
      decision: 'DENY',
      denial: { code: 'GATE_UNREACHABLE', retryable: true },
    });
    expect(seen).toHaveLength(1);
    await gates.close();
  });
});

describe('what is sent again', () => {
  it('is the very same request under the very same id, so that a lost answer is no second call', async () => {
    const { gate, gates, seen, kinds } = await behind((next) => async (request, n) => {
      const response = await next(request);
      if (n === 1 || n === 3) throw new TypeError('the connection was reset');
      return response;
    });
    const ran = await gate.run(call, () => Promise.resolve('done'));
    expect(ran.kind).toBe('done');
    const bodies = await Promise.all(seen.map((request) => request.text()));
    expect(bodies[0]).toBe(bodies[1]);
    expect(bodies[2]).toBe(bodies[3]);
    expect(await kinds()).toEqual(['change', 'sessionOpen', 'allow', 'outcome']);
    await gates.close();
  });

  it('is nothing after an answer, whatever it says', async () => {
    const { gate, gates, seen } = await behind(
      () => () => Response.json({ error: { code: 'INTERNAL', message: '' } }, { status: 500 }),
    );
    expect(await gate.decide(call)).toMatchObject({ denial: { code: 'INTERNAL' } });
    expect(seen).toHaveLength(1);
    await gates.close();
  });

  it('ends: a call that ran and cannot be reported is unsettled, and is not to be retried', async () => {
    const { gate, gates, seen } = await behind(
      (next) => (request) =>
        request.url.endsWith('/outcome') ? Promise.reject(new TypeError('gone')) : next(request),
    );
    const ran = await gate.run(call, () => Promise.resolve('done'));
    expect(ran).toMatchObject({
      kind: 'unsettled',
      result: 'done',
      denial: { code: 'OUTCOME_UNRECORDED', retryable: false },
    });
    expect(seen).toHaveLength(4);
    await gates.close();
  });
});

describe('the key', () => {
  it.each([
    'http://gate.example',
    'http://127.0.0.1.gate.example',
    'http://[::2]',
    'ftp://127.0.0.1',
    'https://me:secret@gate.example',
    'gate.example',
    'https://gate.example/?a=b',
  ])('does not travel to %s', (place) => {
    expect(() => connectGate({ url: place, apiKey: 'k' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }) as Error,
    );
  });

  it.each([
    'https://gate.example',
    'https://gate.example/under/path/',
    'http://localhost:8787',
    'http://127.0.0.2',
    'http://[::1]:1',
  ])('may travel to %s', (place) => {
    expect(() => connectGate({ url: place, apiKey: 'k' })).not.toThrow();
  });

  it('goes beside the person’s token, each in its own header, under the path that was given', async () => {
    const seen: Request[] = [];
    const gate = connectGate({
      url: 'https://gate.example/under',
      apiKey: 'the-key',
      retries: 0,
      fetch: async (input, init) => {
        seen.push(new Request(input, init));
        throw new TypeError('gone');
      },
    });
    await gate.decide(call, { humanToken: 'a.b.c', deviceToken: 'd.e.f' });
    const [request] = seen;
    expect(request?.url).toBe('https://gate.example/under/v1/calls');
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      'countersign-key': 'the-key',
      'countersign-human-token': 'a.b.c',
      'countersign-device-token': 'd.e.f',
    });
    expect(request?.redirect).toBe('manual');
  });
});

it('the verdict of a policy in shadow is an ALLOW, whatever it says', async () => {
  const shadow = stating(({ predicate }) => ({
    predicateType: predicateTypes.shadow,
    predicate: { ...predicate, verdict: 'DENY' },
  }));
  const { gate, gates } = await behind(shadow);
  expect(await gate.decide(call)).toMatchObject({ decision: 'ALLOW' });
  await gates.close();
});
