import { describe, expect, it } from 'vitest';
import { connectGate } from '../../src/client/connect-gate.ts';
import type { GateClient, ToolCall } from '../../src/client/gate-client.ts';
import { localGate } from '../../src/client/local-gate.ts';
import { createCallDesk } from '../../src/gate/call-desk.ts';
import { createGates } from '../../src/gate/create-gate.ts';
import { changeRecorder } from '../../src/gate/record-change.ts';
import { callRoutes } from '../../src/gateway/http/calls.ts';
import { denyEverything, harness, statementOf, type HarnessOptions } from '../gate/harness.ts';

type Fetch = typeof globalThis.fetch;

const call: ToolCall = {
  server: 'notes',
  tool: 'add',
  arguments: { text: 'hello' },
  definition: { name: 'add', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } },
};

async function gateWorld(options: HarnessOptions = {}) {
  const made = await harness(options);
  const { parts, ledger } = made;
  const gates = createGates(parts);
  const desk = createCallDesk({ gates, ledger, recordChange: changeRecorder(parts, 'same-user') });
  const app = callRoutes({ gate: gates, desk, maxBodyBytes: 100_000 });
  const fetch: Fetch = async (input, init) => app.fetch(new Request(input, init));
  const url = 'http://127.0.0.1:8787';
  const outcomes = async (): Promise<Readonly<Record<string, unknown>>[]> =>
    (await ledger.entries(0, 1_000))
      .filter(({ kind }) => kind === 'outcome')
      .map(
        ({ payload }) =>
          (JSON.parse(Buffer.from(payload).toString()) as { predicate: object }).predicate as never,
      );
  return { ...made, gates, desk, fetch, url, outcomes };
}

type World = Awaited<ReturnType<typeof gateWorld>>;

/** The same interface, in this process and over HTTP. */
const ways: readonly (readonly [string, (world: World) => GateClient])[] = [
  ['in this process', ({ desk, apiKey }) => localGate({ desk, apiKey })],
  ['over HTTP', ({ url, apiKey, fetch }) => connectGate({ url, apiKey, fetch })],
];

describe.each(ways)('a gate %s', (_, connect) => {
  it('has the call carried out once it is allowed, and settles it with the result', async () => {
    const world = await gateWorld();
    const seen: unknown[] = [];
    const ran = await connect(world).run(call, async (args) => {
      seen.push(args, (await world.outcomes()).length);
      return { rows: 3 };
    });
    expect(seen).toEqual([{ text: 'hello' }, 0]);
    expect(ran).toMatchObject({ kind: 'done', result: { rows: 3 } });
    expect(await world.outcomes()).toMatchObject([{ outcome: 'executed', observedBy: 'caller' }]);
    if (ran.kind !== 'done') return;
    expect(JSON.parse(ran.evidence)).toMatchObject({ callId: ran.callId, result: { rows: 3 } });
    expect(statementOf(ran.envelopes.outcome).predicate).toMatchObject({ callId: ran.callId });
    await world.gates.close();
  });

  it('never begins what is denied, and brings the signed DENY', async () => {
    const world = await gateWorld({ decide: denyEverything });
    let begun = 0;
    const ran = await connect(world).run(call, async () => (begun += 1));
    expect(ran).toMatchObject({ kind: 'denied', denial: { code: 'NO_RULE_ALLOWS' } });
    expect(begun).toBe(0);
    expect(statementOf(ran.envelopes?.verdict).predicate['verdict']).toBe('DENY');
    await world.gates.close();
  });

  it('reports what throws as failed, and hands the error back', async () => {
    const world = await gateWorld();
    const wrong = new TypeError('no such note');
    const ran = await connect(world).run(call, () => Promise.reject(wrong));
    expect(ran).toMatchObject({ kind: 'failed', error: wrong });
    expect(await world.outcomes()).toMatchObject([{ outcome: 'failed' }]);
    await world.gates.close();
  });

  it('reports what was stopped half-way as unknown, also when nobody waits for it any more', async () => {
    const world = await gateWorld();
    const caller = new AbortController();
    const ran = await connect(world).run(
      call,
      (_args, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
          caller.abort();
        }),
      { signal: caller.signal },
    );
    expect(ran.kind).toBe('failed');
    expect(await world.outcomes()).toMatchObject([{ outcome: 'unknown', observedBy: 'caller' }]);
    await world.gates.close();
  });

  it('does not begin what nobody waits for, and says so', async () => {
    const world = await gateWorld();
    const caller = new AbortController();
    const gate = connect(world);
    const early: GateClient = {
      ...gate,
      async decide(...asked) {
        const decided = await gate.decide(...asked);
        caller.abort();
        return decided;
      },
    };
    const { askCall } = await import('../../src/client/ask-call.ts');
    let begun = 0;
    const asked = await askCall(early, call, { signal: caller.signal });
    const ran = asked.kind === 'denied' ? asked : await asked.run(async () => (begun += 1));
    expect([ran.kind, begun]).toEqual(['denied', 0]);
    expect(await world.outcomes()).toMatchObject([{ outcome: 'aborted', observedBy: 'caller' }]);
    await world.gates.close();
  });

  it('ends the carrying out when the permit ends: what comes later counts as unknown', async () => {
    const world = await gateWorld();
    const ran = await connect(world).run(
      { ...call, settleWithin: 300 },
      (_args, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('too late')));
        }),
    );
    expect(['failed', 'unsettled']).toContain(ran.kind);
    await world.gates.close();
    expect(await world.outcomes()).toMatchObject([{ outcome: 'unknown' }]);
  });

  it.each([
    ['nothing', undefined],
    ['a circle', circle()],
    ['a text', 'plain'],
    ['a bigint', 7n],
  ])('settles a result of %s', async (_name, result) => {
    const world = await gateWorld();
    const ran = await connect(world).run(call, () => Promise.resolve(result));
    expect(ran).toMatchObject({ kind: 'done' });
    if (ran.kind === 'done') expect(() => JSON.parse(ran.evidence) as unknown).not.toThrow();
    await world.gates.close();
  });

  it('denies arguments that no JSON can say, without asking', async () => {
    const world = await gateWorld();
    const decided = await connect(world).decide({ ...call, arguments: { n: 7n } as never });
    expect(decided).toMatchObject({ decision: 'DENY', denial: { code: 'FRAME_INVALID' } });
    expect(await world.ledger.checkpoint()).toBeNull();
    await world.gates.close();
  });

  it('denies under a key that is not one', async () => {
    const world = await gateWorld();
    const decided = await connect({ ...world, apiKey: 'cs_live_guess' }).decide(call);
    expect(decided).toMatchObject({ decision: 'DENY', denial: { code: 'API_KEY_MALFORMED' } });
    await world.gates.close();
  });

  it('says that an outcome is unsettled when the gate refuses the report', async () => {
    const world = await gateWorld();
    const gate = connect(world);
    const decided = await gate.decide(call);
    if (decided.decision !== 'ALLOW') throw new Error(decided.denial.code);
    const forged = { ...decided.permit, handle: 'A'.repeat(43) };
    expect(await gate.report(decided.callId, forged, { outcome: 'executed' })).toMatchObject({
      kind: 'unsettled',
      denial: { code: 'HANDLE_INVALID' },
    });
    await world.gates.close();
  });
});

function circle(): object {
  const made: { self?: object } = {};
  made.self = made;
  return made;
}
