import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { createGates } from '../../src/gate/create-gate.ts';
import type { Delegated, Gate } from '../../src/gate/gate.ts';
import { recover } from '../../src/gate/recovery.ts';
import { executed, failed, notExecuted, notKnown } from '../../src/gate/reported.ts';
import { apiKeyDigest, newApiKey, type ApiKeyRecord } from '../../src/identity/api-key.ts';
import type { LogStore } from '../../src/ledger/store.ts';
import { allowEverything, denyEverything, harness, newStore, statementOf, type Harness } from './harness.ts';

const result = { bytes: utf8('{"rows": 3}'), value: { rows: 3 } };

async function delegated({ gate, call, apiKey }: Harness, settleWithin?: number) {
  const asked = call();
  const answer = await gate.delegate(asked, { apiKey }, settleWithin === undefined ? {} : { settleWithin });
  if (answer.kind !== 'delegated') throw new Error(answer.denial.code);
  return { callId: asked.id, ...answer };
}

/** A second key of the same home, of another agent. */
function anotherKey(keys: Map<string, ApiKeyRecord>): string {
  const key = newApiKey();
  const digest = apiKeyDigest(key, new Uint8Array(32));
  const [first] = keys.values();
  keys.set(digest, { ...first!, id: 'key-2', agents: ['other'], digest });
  return key;
}

const kindsOf = async ({ ledger }: Harness, callId: string): Promise<readonly string[]> =>
  (await ledger.entriesOfCall(callId)).map(({ kind }) => kind);

const codeOf = (report: Promise<unknown>): Promise<unknown> =>
  report.then(
    () => 'settled',
    (error: unknown) => (error as { readonly code?: unknown }).code,
  );

/** The predicate of the one outcome that the log has of a call. */
async function outcomeIn({ ledger }: Harness, callId: string): Promise<Readonly<Record<string, unknown>>> {
  const outcomes = (await ledger.entriesOfCall(callId)).filter(({ kind }) => kind === 'outcome');
  expect(outcomes).toHaveLength(1);
  const { predicate } = JSON.parse(Buffer.from(outcomes[0]!.payload).toString()) as {
    predicate: Record<string, unknown>;
  };
  return predicate;
}

describe('a delegated call', () => {
  it('is allowed, logged and then answered with a handle, and its verdict says by when it is settled', async () => {
    const made = await harness();
    const { callId, permit, envelopes } = await delegated(made);
    expect(await kindsOf(made, callId)).toEqual(['allow']);
    expect(permit.handle).toMatch(/^[\w-]{43}$/);
    const { predicate } = statementOf(envelopes.verdict);
    expect(predicate['settleBy']).toBe(new Date(permit.settleBy).toISOString());
    expect(predicate['notAfter']).toBe(predicate['settleBy']);
    expect(permit.settleBy - Date.parse(String(predicate['decidedAt']))).toBe(60_000);
    await made.gate.close();
  });

  it.each([
    ['executed', executed(result), { outcome: 'executed', observedBy: 'caller' }],
    ['failed', failed(result), { outcome: 'failed', observedBy: 'caller' }],
    ['aborted', notExecuted, { outcome: 'aborted', observedBy: 'caller' }],
    ['unknown', notKnown, { outcome: 'unknown', observedBy: 'caller' }],
  ])('that is reported as %s is settled as the word of its caller', async (_, said, expected) => {
    const made = await harness();
    const { callId, permit } = await delegated(made);
    const settled = await made.gate.report(callId, permit.handle, { apiKey: made.apiKey }, said);
    expect(settled.kind).toBe('done');
    expect(statementOf(settled.envelopes.outcome).predicate).toMatchObject({ callId, ...expected });
    expect(await outcomeIn(made, callId)).toMatchObject(expected);
    expect(await made.ledger.openPermits()).toEqual([]);
    await made.gate.close();
  });

  it('commits to the exact bytes of the result, and to none where none was told', async () => {
    const made = await harness();
    const [one, two] = [await delegated(made), await delegated(made)];
    const credentials = { apiKey: made.apiKey };
    const told = await made.gate.report(one.callId, one.permit.handle, credentials, executed(result));
    const silent = await made.gate.report(two.callId, two.permit.handle, credentials, executed());
    expect(told.envelopes.openings.result?.raw).toBeDefined();
    expect(silent.envelopes.openings.result).toBeUndefined();
    expect(statementOf(silent.envelopes.outcome).predicate['result']).toBeUndefined();
    await made.gate.close();
  });

  it('that is denied gets no handle, and nothing is open', async () => {
    const made = await harness({ decide: denyEverything });
    const answer = await made.gate.delegate(made.call(), { apiKey: made.apiKey });
    expect(answer).toMatchObject({ kind: 'denied', denial: { code: 'NO_RULE_ALLOWS' } });
    expect(answer).not.toHaveProperty('permit');
    expect(statementOf(answer.envelopes?.verdict).predicate).not.toHaveProperty('settleBy');
    expect(await made.ledger.openPermits()).toEqual([]);
    await made.gate.close();
  });

  it('gets the time that it asks for, up to what the gate gives', async () => {
    const made = await harness();
    const lasts = async (settleWithin: number): Promise<number> =>
      Math.round(((await delegated(made, settleWithin)).permit.settleBy - Date.now()) / 1_000);
    expect(await lasts(5_000)).toBe(5);
    expect(await lasts(86_400_000)).toBe(600);
    await made.gate.close();
  });

  it('is not given out when the key was revoked meanwhile: the gate knows that it never ran', async () => {
    const revoke = { now: (): void => undefined };
    const store = newStore();
    const watched: LogStore = {
      ...store,
      async commit(reads, plan) {
        await store.commit(reads, plan);
        revoke.now();
      },
    };
    const made = await harness({ store: watched });
    revoke.now = () => {
      for (const [digest, record] of made.keys) made.keys.set(digest, { ...record, status: 'revoked' });
    };
    const asked = made.call();
    const answer = await made.gate.delegate(asked, { apiKey: made.apiKey });
    expect(answer).toMatchObject({ kind: 'denied', denial: { code: 'API_KEY_REVOKED' } });
    expect(await outcomeIn(made, asked.id)).toMatchObject({ outcome: 'aborted', observedBy: 'gate' });
    await made.gate.close();
  });
});

describe('a handle', () => {
  it('is good for nothing twice, also when both come at once', async () => {
    const made = await harness();
    const { callId, permit } = await delegated(made);
    const report = (): Promise<unknown> =>
      codeOf(made.gate.report(callId, permit.handle, { apiKey: made.apiKey }, executed(result)));
    const codes = await Promise.all([report(), report(), report()]);
    expect([...codes].sort()).toEqual(['HANDLE_USED', 'HANDLE_USED', 'settled']);
    expect(await report()).toBe('HANDLE_USED');
    expect(await kindsOf(made, callId)).toEqual(['allow', 'outcome']);
    await made.gate.close();
  });

  it('of another call, guessed, cut, or empty, settles nothing', async () => {
    const made = await harness();
    const [mine, other] = [await delegated(made), await delegated(made)];
    const credentials = { apiKey: made.apiKey };
    for (const handle of [other.permit.handle, 'A'.repeat(43), mine.permit.handle.slice(1), '']) {
      expect(await codeOf(made.gate.report(mine.callId, handle, credentials, executed()))).toBe(
        'HANDLE_INVALID',
      );
    }
    expect(await kindsOf(made, mine.callId)).toEqual(['allow']);
    expect(await codeOf(made.gate.report(mine.callId, mine.permit.handle, credentials, executed()))).toBe(
      'settled',
    );
    await made.gate.close();
  });

  it('under another key, or under none, settles nothing, however right it is', async () => {
    const made = await harness();
    const { callId, permit } = await delegated(made);
    const stranger = anotherKey(made.keys);
    expect(await codeOf(made.gate.report(callId, permit.handle, { apiKey: stranger }, executed()))).toBe(
      'HANDLE_FOREIGN',
    );
    expect(await codeOf(made.gate.report(callId, permit.handle, { apiKey: undefined }, executed()))).toBe(
      'API_KEY_MISSING',
    );
    expect(
      await codeOf(made.gate.report(made.call().id, permit.handle, { apiKey: made.apiKey }, executed())),
    ).toBe('NOT_FOUND');
    expect(await kindsOf(made, callId)).toEqual(['allow']);
    await made.gate.close();
  });

  it('is over after settleBy: the call is then settled as unknown, by the gate, before it says so', async () => {
    const made = await harness();
    const { callId, permit } = await delegated(made);
    made.clock.offset = 60_001;
    const report = (): Promise<unknown> =>
      codeOf(made.gate.report(callId, permit.handle, { apiKey: made.apiKey }, executed(result)));
    expect(await report()).toBe('HANDLE_EXPIRED');
    expect(await outcomeIn(made, callId)).toMatchObject({
      outcome: 'unknown',
      observedBy: 'gate',
      reason: { code: 'OUTCOME_UNREPORTED' },
    });
    expect(await report()).toBe('HANDLE_EXPIRED');
    await made.gate.close();
  });

  it('is not in any statement of the log, nor in what is kept beside it', async () => {
    const made = await harness();
    const { callId, permit } = await delegated(made);
    await made.gate.report(callId, permit.handle, { apiKey: made.apiKey }, executed(result));
    const kept = [
      ...(await made.ledger.entriesOfCall(callId)).map(({ payload }) => payload),
      ...(await made.ledger.side(callId)).map(({ value }) => value ?? new Uint8Array()),
    ];
    for (const bytes of kept) expect(Buffer.from(bytes).toString('latin1')).not.toContain(permit.handle);
    await made.gate.close();
  });
});

describe('what nobody reports', () => {
  it('is settled as unknown by itself when its time is over', async () => {
    const made = await harness();
    const { callId } = await delegated(made, 20);
    await expect.poll(() => kindsOf(made, callId), { timeout: 30_000 }).toEqual(['allow', 'outcome']);
    expect(await outcomeIn(made, callId)).toMatchObject({ outcome: 'unknown', observedBy: 'gate' });
    await made.gate.close();
  });

  it('is settled when the gate closes, inside its session', async () => {
    const made = await harness();
    const { callId } = await delegated(made);
    await made.gate.close();
    expect(await outcomeIn(made, callId)).toMatchObject({
      outcome: 'unknown',
      reason: { code: 'OUTCOME_UNREPORTED' },
      session: { seq: 2 },
    });
    expect((await made.ledger.entries(0, 100)).at(-1)?.kind).toBe('sessionClose');
  });

  it('is settled by the next gate when this one was killed; the handle is then worth nothing', async () => {
    const store = newStore();
    const dead = await harness({ store });
    const { callId, permit } = await delegated(dead);
    const next = await harness({ store, instance: 'instance-2' });
    expect(await recover(next.parts, (instance) => instance === 'instance-2')).toMatchObject({ calls: 1 });
    expect(await outcomeIn(next, callId)).toMatchObject({
      outcome: 'unknown',
      observedBy: 'gate',
      reason: { code: 'GATE_DIED' },
    });
    const late = next.gate.report(callId, permit.handle, { apiKey: next.apiKey }, executed());
    expect(await codeOf(late)).toMatch(/^API_KEY_UNKNOWN|NOT_FOUND$/);
    await next.gate.close();
  });

  it('cannot pile up: one key has only so many open, and another key is not shut out by it', async () => {
    const made = await harness();
    const stranger = anotherKey(made.keys);
    const delegation = { settleWithin: 60_000, settleWithinMost: 60_000, maxOpenPerKey: 3 };
    const gates = createGates({ ...made.parts, delegation });
    const gate: Gate = gates.under(made.parts.directory);
    const ask = (apiKey: string): Promise<Delegated> => gate.delegate(made.call(), { apiKey });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(made.apiKey)));
    expect(answers.filter(({ kind }) => kind === 'delegated')).toHaveLength(3);
    expect(answers.filter(({ kind }) => kind === 'denied')).toMatchObject([
      { denial: { code: 'TOO_MANY_OPEN', retryable: true } },
      { denial: { code: 'TOO_MANY_OPEN', retryable: true } },
    ]);
    expect((await ask(stranger)).kind).toBe('delegated');
    await gates.close();
    expect(await made.ledger.openPermits()).toEqual([]);
  });
});

describe('an outcome that cannot be written', () => {
  it('is owed, shuts the gate, and is written before the next call', async () => {
    const state = { full: false };
    const store = newStore();
    const failing: LogStore = {
      ...store,
      commit: (reads, plan) =>
        state.full ? Promise.reject(new Error('no space')) : store.commit(reads, plan),
    };
    const made = await harness({ store: failing, decide: allowEverything });
    const { callId, permit } = await delegated(made);
    state.full = true;
    const report = await made.gate.report(callId, permit.handle, { apiKey: made.apiKey }, executed(result));
    expect(report).toMatchObject({ kind: 'unrecorded', denial: { code: 'OUTCOME_UNRECORDED' } });
    expect(await made.gate.delegate(made.call(), { apiKey: made.apiKey })).toMatchObject({
      kind: 'denied',
      denial: { code: 'GATE_CLOSED' },
    });
    state.full = false;
    expect((await made.gate.delegate(made.call(), { apiKey: made.apiKey })).kind).toBe('delegated');
    expect(await outcomeIn(made, callId)).toMatchObject({ outcome: 'executed', observedBy: 'caller' });
    await made.gate.close();
  });
});
