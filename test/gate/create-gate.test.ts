import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../src/errors.ts';
import type { LogStore } from '../../src/ledger/store.ts';
import {
  allowEverything,
  answer,
  countingTarget,
  denyEverything,
  harness,
  listed,
  never,
  newStore,
  statementOf,
} from './harness.ts';

describe('the one path', () => {
  it('returns a signed ALLOW and a signed outcome that names it', async () => {
    const { gate, call, apiKey } = await harness();
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result.kind).toBe('done');
    expect(target.runs).toBe(1);
    if (result.kind !== 'done') return;
    const verdict = statementOf(result.envelopes.verdict);
    const outcome = statementOf(result.envelopes.outcome);
    expect(verdict.predicateType).toBe('https://countersign.dev/allow/v1');
    expect(outcome.predicate).toMatchObject({
      outcome: 'executed',
      callId: verdict.predicate['callId'],
      session: { seq: 2 },
    });
  });

  it('signs and logs a DENY, and never touches the target', async () => {
    const { gate, call, apiKey, ledger } = await harness({ decide: denyEverything });
    const target = countingTarget();
    const denied = call();
    const result = await gate.run(denied, { apiKey }, target, never);
    expect(target.runs).toBe(0);
    expect(result).toMatchObject({ kind: 'denied', denial: { code: 'NO_RULE_ALLOWS', retryable: false } });
    if (result.kind === 'denied') {
      expect(statementOf(result.envelopes?.verdict).predicateType).toBe('https://countersign.dev/deny/v1');
    }
    expect((await ledger.entriesOfCall(denied.id)).map(({ kind }) => kind)).toEqual(['deny']);
    expect(await ledger.openPermits()).toEqual([]);
  });

  it('has the ALLOW in the log before the target is asked', async () => {
    const { gate, call, apiKey, ledger } = await harness();
    const allowed = call();
    const seen: string[] = [];
    const target = {
      async execute() {
        for (const { kind } of await ledger.entriesOfCall(allowed.id)) seen.push(kind);
        return answer;
      },
    };
    await gate.run(allowed, { apiKey }, target, never);
    expect(seen).toEqual(['allow']);
  });

  it('numbers a session without gaps and links it, also with many calls in flight', async () => {
    const { gate, call, apiKey, ledger } = await harness();
    const target = countingTarget();
    await Promise.all(Array.from({ length: 50 }, () => gate.run(call(), { apiKey }, target, never)));
    await gate.close();
    const statements = (await ledger.entries(0, 1_000)).map(
      ({ payload }) =>
        JSON.parse(Buffer.from(payload).toString()) as { predicate: { session?: { seq: number } } },
    );
    const numbers = statements.flatMap(({ predicate }) => predicate.session?.seq ?? []).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 102 }, (_, i) => i));
    expect(target.runs).toBe(50);
  });
});

describe('fail closed', () => {
  it.each([
    ['no key', undefined, 'API_KEY_MISSING'],
    ['a key of another shape', 'secret', 'API_KEY_MALFORMED'],
  ])('%s: refused, unsigned, counted', async (_, apiKey, code) => {
    const { gate, call, ledger } = await harness();
    const target = countingTarget();
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(result).toMatchObject({ kind: 'denied', denial: { code } });
    expect(result).not.toHaveProperty('envelopes');
    await gate.close();
    const kinds = (await ledger.entries(0, 10)).map(({ kind }) => kind);
    expect(kinds).toEqual(['refusals']);
    expect(target.runs).toBe(0);
  });

  it('refuses a key that is revoked between two calls', async () => {
    const { gate, call, apiKey, keys } = await harness();
    const target = countingTarget();
    await gate.run(call(), { apiKey }, target, never);
    for (const [digest, record] of keys) keys.set(digest, { ...record, status: 'revoked' });
    expect(await gate.run(call(), { apiKey }, target, never)).toMatchObject({
      denial: { code: 'API_KEY_REVOKED' },
    });
    expect(target.runs).toBe(1);
  });

  it('does not dispatch when the key is revoked between verdict and dispatch', async () => {
    const revoke = { now: (): void => undefined };
    const store = newStore();
    const watched: LogStore = {
      ...store,
      async commit(reads, plan) {
        await store.commit(reads, plan);
        revoke.now();
      },
    };
    const { gate, call, apiKey, keys } = await harness({ store: watched });
    const target = countingTarget();
    revoke.now = () => {
      for (const [digest, record] of keys) keys.set(digest, { ...record, status: 'revoked' });
    };
    const result = await gate.run(call(), { apiKey }, target, never);
    expect(target.runs).toBe(0);
    if (result.kind === 'done') {
      expect(statementOf(result.envelopes.outcome).predicate).toMatchObject({ outcome: 'aborted' });
    }
  });

  it('denies when the ledger cannot record the ALLOW', async () => {
    const store = newStore();
    const failing: LogStore = {
      ...store,
      commit: () => Promise.reject(new CountersignError('LEDGER_FULL', 'full')),
    };
    const { gate, call, apiKey } = await harness({ store: failing });
    const target = countingTarget();
    expect(await gate.run(call(), { apiKey }, target, never)).toMatchObject({
      kind: 'denied',
      denial: { code: 'LEDGER_FULL' },
    });
    expect(target.runs).toBe(0);
  });

  it('says OUTCOME_UNRECORDED, shuts, and opens again once the outcome is written', async () => {
    const store = newStore();
    let broken = false;
    const flaky: LogStore = {
      ...store,
      commit: (reads, plan) =>
        broken ? Promise.reject(new CountersignError('LEDGER_FULL', 'full')) : store.commit(reads, plan),
    };
    const { gate, call, apiKey, ledger } = await harness({ store: flaky });
    const breaking = {
      execute: () => {
        broken = true;
        return Promise.resolve(answer);
      },
    };
    const first = call();
    expect(await gate.run(first, { apiKey }, breaking, never)).toMatchObject({
      kind: 'unrecorded',
      denial: { code: 'OUTCOME_UNRECORDED', retryable: false },
    });
    const target = countingTarget();
    expect(await gate.run(call(), { apiKey }, target, never)).toMatchObject({
      denial: { code: 'GATE_CLOSED' },
    });
    expect(target.runs).toBe(0);
    broken = false;
    expect(await gate.run(call(), { apiKey }, target, never)).toMatchObject({ kind: 'done' });
    expect((await ledger.entriesOfCall(first.id)).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
  });

  it('denies a clock behind the log', async () => {
    const { gate, call, apiKey, clock } = await harness();
    const target = countingTarget();
    await gate.run(call(), { apiKey }, target, never);
    clock.offset = -600_000;
    expect(await gate.run(call(), { apiKey }, target, never)).toMatchObject({
      denial: { code: 'CERTIFICATE_NOT_VALID' },
    });
    expect(target.runs).toBe(1);
  });
});

describe('a target that breaks its word and throws', () => {
  it('never turns a call that may have run into a denial: its outcome is `unknown`', async () => {
    const { gate, call, apiKey, ledger } = await harness();
    const broken = { execute: () => Promise.reject(new Error('after it was sent')) };
    const result = await gate.run(call(), { apiKey }, broken, never);
    expect(result).toMatchObject({ kind: 'done', execution: { kind: 'none', outcome: 'unknown' } });
    expect(result.kind === 'done' && statementOf(result.envelopes.outcome).predicate).toMatchObject({
      outcome: 'unknown',
    });
    expect(await ledger.openPermits()).toEqual([]);
  });
});

describe('a flood of denials', () => {
  it('is signed up to the quota of its key, and counted from there on', async () => {
    const { gate, call, apiKey, ledger } = await harness({ decide: denyEverything });
    const target = countingTarget();
    const results = await Promise.all(
      Array.from({ length: 1_050 }, () => gate.run(call(), { apiKey }, target, never)),
    );
    const codes = results.map((result) => (result.kind === 'denied' ? result.denial.code : result.kind));
    const unsigned = codes.filter((code) => code === 'DENIALS_OVER_QUOTA').length;
    expect(unsigned).toBeGreaterThan(0);
    expect(codes.filter((code) => code === 'NO_RULE_ALLOWS').length + unsigned).toBe(1_050);
    await gate.close();
    const size = (await ledger.checkpoint())?.size ?? 0;
    const last = await ledger.entries(size - 2, size);
    const counted = last.find(({ kind }) => kind === 'refusals');
    expect(Buffer.from(counted?.payload ?? []).toString()).toContain(`"DENIALS_OVER_QUOTA":${unsigned}`);
    expect(target.runs).toBe(0);
  });
});

describe('tools', () => {
  it('denies a tool that was never listed: TOOL_UNKNOWN', async () => {
    const { gate, call, apiKey } = await harness();
    expect(await gate.run(call('ghost'), { apiKey }, countingTarget(), never)).toMatchObject({
      denial: { code: 'TOOL_UNKNOWN' },
    });
  });

  it('denies a tool whose definition changed since it was pinned: TOOL_CHANGED, and says both digests in the log', async () => {
    const store = newStore();
    const first = await harness({ store });
    await first.gate.run(first.call(), { apiKey: first.apiKey }, countingTarget(), never);
    const second = await harness({ store, instance: 'instance-2' });
    second.tools.set('echo', listed('c'.repeat(64)));
    const result = await second.gate.run(second.call(), { apiKey: second.apiKey }, countingTarget(), never);
    expect(result).toMatchObject({ denial: { code: 'TOOL_CHANGED' } });
  });

  it('denies a name that belongs to another server: SERVER_CHANGED', async () => {
    const store = newStore();
    const first = await harness({ store });
    await first.gate.run(first.call(), { apiKey: first.apiKey }, countingTarget(), never);
    const second = await harness({ store, instance: 'instance-2' });
    const { createToolDirectory } = await import('../../src/gate/tool-directory.ts');
    const { createGate } = await import('../../src/gate/create-gate.ts');
    const directory = createToolDirectory({
      server: { name: 'files', digest: 'e'.repeat(64) },
      command: new Uint8Array([123, 125]),
      listing: { tools: () => Promise.resolve(second.tools), lists: () => Promise.resolve(true) },
      ledger: second.ledger,
      recordChange: () => Promise.reject(new Error('must not pin')),
    });
    const gate = createGate({ ...second.parts, directory });
    const target = countingTarget();
    expect(await gate.run(second.call(), { apiKey: second.apiKey }, target, never)).toMatchObject({
      denial: { code: 'SERVER_CHANGED' },
    });
    expect(target.runs).toBe(0);
  });

  it('decides again, rather than signs again, when a pin moves between decision and record', async () => {
    let decisions = 0;
    const { gate, call, apiKey, ledger, parts } = await harness({
      decide: () => {
        decisions += 1;
        return allowEverything();
      },
    });
    await gate.run(call(), { apiKey }, countingTarget(), never);
    const { changeRecorder } = await import('../../src/runtime/changes.ts');
    const { acceptTools, knownServer } = await import('../../src/gate/acceptance.ts');
    const server = await knownServer(ledger, 'files');
    await changeRecorder(parts, 'same-user')(await acceptTools(ledger, server, server.tools));
    decisions = 0;
    const result = await gate.run(call(), { apiKey }, countingTarget(), never);
    expect(result.kind).toBe('done');
    expect(decisions).toBe(2);
  });

  it('are not inherited where the name went to another server while somebody was asked', async () => {
    const { ledger } = await harness();
    const { acceptTools } = await import('../../src/gate/acceptance.ts');
    const heads = new Map([
      ['server/files', 'a'.repeat(64)],
      ['tool/files/old', 'accepted before'],
    ]);
    const moved = {
      ...ledger,
      heads: () => Promise.resolve(new Map([...heads].slice(0, 1))),
      headsUnder: () => Promise.resolve(new Map([...heads].slice(1))),
    };
    const server = {
      ref: { name: 'files', digest: 'b'.repeat(64) },
      tools: [],
      command: undefined,
      pinned: undefined,
    };
    const { sets } = await acceptTools(moved, server, []);
    expect(sets).toContainEqual({ key: 'tool/files/old', value: null });
  });
});
