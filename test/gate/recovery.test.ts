import { describe, expect, it } from 'vitest';
import { recover } from '../../src/gate/recovery.ts';
import { sessionHeadPrefix } from '../../src/gate/session-head.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { countingTarget, harness, never, newStore, statementOf } from './harness.ts';

/** A gate that dies while its target works: its call never returns, its permit stays open. */
async function deadGate(store = newStore()) {
  const dead = await harness({ store, instance: 'dead' });
  const call = dead.call();
  const dispatched = Promise.withResolvers<void>();
  const hangs = {
    execute: () => {
      dispatched.resolve();
      return new Promise<never>(() => undefined);
    },
  };
  void dead.gate.run(call, { apiKey: dead.apiKey }, hangs, never);
  await dispatched.promise;
  return { store, call };
}

async function predicates(ledger: Ledger): Promise<{ kind: string; predicate: Record<string, unknown> }[]> {
  return (await ledger.entries(0, 1_000)).map(({ kind, payload }) => ({
    kind,
    predicate: (JSON.parse(Buffer.from(payload).toString()) as { predicate: Record<string, unknown> })
      .predicate,
  }));
}

const onlyLiving = (instance: string): boolean => instance !== 'dead';

describe('what a dead gate left open', () => {
  it('is settled as `unknown` in its own session, which is then closed with its count', async () => {
    const { store, call } = await deadGate();
    const next = await harness({ store, instance: 'next' });
    expect(await recover(next.parts, onlyLiving)).toEqual({ calls: 1, sessions: 1 });
    const [outcome, close] = (await predicates(next.ledger)).slice(-2);
    expect(outcome).toMatchObject({
      kind: 'outcome',
      predicate: { callId: call.id, outcome: 'unknown', reason: { code: 'GATE_DIED' }, session: { seq: 2 } },
    });
    expect(close).toMatchObject({ kind: 'sessionClose', predicate: { count: 4, session: { seq: 3 } } });
    expect(await next.ledger.openPermits()).toEqual([]);
    expect(await next.ledger.headsUnder(sessionHeadPrefix)).toEqual(new Map());
  });

  it('stays untouched while its gate is alive', async () => {
    const { store } = await deadGate();
    const next = await harness({ store, instance: 'next' });
    expect(await recover(next.parts, () => true)).toEqual({ calls: 0, sessions: 0 });
    expect(await next.ledger.openPermits()).toHaveLength(1);
  });

  it('is settled once, whoever of several gates is first', async () => {
    const { store, call } = await deadGate();
    const gates = await Promise.all(['a', 'b', 'c'].map((instance) => harness({ store, instance })));
    const settled = await Promise.all(gates.map(({ parts }) => recover(parts, onlyLiving)));
    expect(settled.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(1);
    const kinds = (await gates[0]?.ledger.entriesOfCall(call.id))?.map(({ kind }) => kind);
    expect(kinds).toEqual(['allow', 'outcome']);
  });

  it('makes a gate that wakes up again unable to settle, and shuts it', async () => {
    const store = newStore();
    const sleeper = await harness({ store, instance: 'dead' });
    const release = Promise.withResolvers<void>();
    const began = Promise.withResolvers<void>();
    const target = countingTarget();
    const slow = {
      async execute(...args: Parameters<typeof target.execute>) {
        began.resolve();
        await release.promise;
        return target.execute(...args);
      },
    };
    const running = sleeper.gate.run(sleeper.call(), { apiKey: sleeper.apiKey }, slow, never);
    await began.promise;
    const next = await harness({ store, instance: 'next' });
    await recover(next.parts, onlyLiving);
    release.resolve();
    expect(await running).toMatchObject({ kind: 'unrecorded', denial: { code: 'OUTCOME_UNRECORDED' } });
    expect(await sleeper.gate.run(sleeper.call(), { apiKey: sleeper.apiKey }, target, never)).toMatchObject({
      denial: { code: 'GATE_CLOSED' },
    });
  });
});

describe('a task', () => {
  it('keeps its permit open until its end is reported, and is settled with that', async () => {
    const { gate, call, apiKey, ledger } = await harness();
    const task = call();
    const target = countingTarget({
      kind: 'result',
      result: Buffer.from('{"task":{"taskId":"t"}}'),
      value: { task: { taskId: 't' } },
      frame: new Uint8Array(),
      pending: true,
    });
    const first = await gate.run(task, { apiKey }, target, never);
    expect(first).toMatchObject({ kind: 'done' });
    expect(first.kind === 'done' && first.envelopes.outcome).toBeUndefined();
    expect(await ledger.openPermits()).toHaveLength(1);
    const settled = await gate.settleLater(task.id, {
      kind: 'result',
      result: Buffer.from('{"content":[]}'),
      value: { content: [] },
      frame: new Uint8Array(),
      pending: false,
    });
    expect('outcome' in settled && statementOf(settled.outcome).predicate).toMatchObject({
      outcome: 'executed',
    });
    expect(
      await gate.settleLater(task.id, {
        kind: 'none',
        outcome: 'failed',
        code: 'UPSTREAM_GONE',
        message: '',
      }),
    ).toMatchObject({
      denial: { code: 'PERMIT_INVALID' },
    });
  });

  it('that nobody ever hears of again is settled as `unknown` when the gate closes', async () => {
    const { gate, call, apiKey, ledger } = await harness();
    const target = countingTarget({
      kind: 'result',
      result: Buffer.from('{}'),
      value: {},
      frame: new Uint8Array(),
      pending: true,
    });
    await gate.run(call(), { apiKey }, target, never);
    await gate.close();
    const statements = await predicates(ledger);
    expect(statements.find(({ kind }) => kind === 'outcome')?.predicate).toMatchObject({
      outcome: 'unknown',
    });
    expect(await ledger.openPermits()).toEqual([]);
  });
});
