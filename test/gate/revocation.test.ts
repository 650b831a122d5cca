import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { redeemPermit } from '../../src/call/permit.ts';
import { CountersignError } from '../../src/errors.ts';
import { createGate } from '../../src/gate/create-gate.ts';
import { executed } from '../../src/gate/reported.ts';
import { changeRecorder } from '../../src/gate/record-change.ts';
import { lift, revoke, type RevocationOrder } from '../../src/gate/revoke.ts';
import type { Human } from '../../src/identity/principal.ts';
import type { LogStore } from '../../src/ledger/store.ts';
import { stopped } from '../../src/targets/no-answer.ts';
import type { Execution, Target } from '../../src/targets/target.ts';
import { answer, countingTarget, harness, never, newStore, statementOf, type Harness } from './harness.ts';

type What = Pick<RevocationOrder, 'kind' | 'id' | 'before' | 'issuer'>;

const agent: What = { kind: 'agent', id: 'spiffe://gate.test/agent/default' };
const everything: What = { kind: 'everything', id: '' };
const tool: What = { kind: 'tool', id: 'files/ec*' };

function revoking({ ledger, parts }: Harness) {
  const all = { ledger, recordChange: changeRecorder(parts, 'same-user'), now: () => Date.now() };
  return {
    revoke: (what: What) => revoke(all, { ...what, by: 'operator' }),
    lift: (what: What) => lift(all, { ...what, by: 'operator' }),
  };
}

/** A target that answers nothing until its signal says that it is over. */
function endless(): Target & { readonly began: Promise<void> } {
  const began = Promise.withResolvers<void>();
  return {
    began: began.promise,
    execute(permit, signal) {
      if (!redeemPermit(permit)) throw new Error('the permit is not genuine');
      began.resolve();
      return new Promise<Execution>((resolve) => {
        const end = (): void =>
          resolve(stopped(signal.reason, 'unknown', 'after it was sent; it may have run.'));
        if (signal.aborted) end();
        signal.addEventListener('abort', end, { once: true });
      });
    },
  };
}

const within = <T>(promise: Promise<T>, ms: number): Promise<T> =>
  Promise.race([promise, sleep(ms).then(() => Promise.reject(new Error(`not within ${ms} ms`)))]);

/** The gate of somebody else over the same log: nothing is shared with it but the store. */
async function twoGates() {
  const store = newStore();
  const here = await harness({ store, instance: 'instance-1' });
  const there = await harness({ store, instance: 'instance-2' });
  return { here, there };
}

describe('what is revoked at one gate', () => {
  it.each([
    [agent, 'AGENT_REVOKED'],
    [everything, 'EVERYTHING_REVOKED'],
    [tool, 'TOOL_REVOKED'],
    [{ kind: 'key', id: 'key-1' }, 'API_KEY_REVOKED'],
  ] as const)('is denied at another with its next call, signed: %o', async (what, code) => {
    const { here, there } = await twoGates();
    const target = countingTarget();
    expect(await there.gate.run(there.call(), there, target, never)).toMatchObject({ kind: 'done' });
    await revoking(here).revoke(what);
    const denied = await there.gate.run(there.call(), there, target, never);
    expect(denied).toMatchObject({ kind: 'denied', denial: { code, retryable: false } });
    const statement = statementOf(denied.kind === 'denied' ? denied.envelopes?.verdict : undefined);
    expect(statement).toMatchObject({
      predicateType: 'https://countersign.dev/deny/v1',
      predicate: { reason: { code } },
    });
    expect(target.runs).toBe(1);
    await revoking(here).lift(what);
    expect(await there.gate.run(there.call(), there, target, never)).toMatchObject({ kind: 'done' });
  });

  it.each([
    [agent, 'AGENT_REVOKED'],
    [everything, 'EVERYTHING_REVOKED'],
    [tool, 'TOOL_REVOKED'],
  ] as const)('ends what runs at another within a second, settled with its code: %o', async (what, code) => {
    const { here, there } = await twoGates();
    const target = endless();
    const running = there.gate.run(there.call(), there, target, never);
    await target.began;
    await revoking(here).revoke(what);
    const ended = await within(running, 1_000);
    expect(ended).toMatchObject({ kind: 'done', execution: { kind: 'none', outcome: 'unknown', code } });
    const statement = statementOf(ended.kind === 'done' ? ended.envelopes.outcome : undefined);
    expect(statement.predicate).toMatchObject({ outcome: 'unknown', reason: { code }, observedBy: 'gate' });
    expect(await there.ledger.openPermits()).toEqual([]);
  });

  it('leaves alone what does not concern it', async () => {
    const { here, there } = await twoGates();
    const target = endless();
    const caller = new AbortController();
    const running = there.gate.run(there.call(), there, target, caller.signal);
    await target.began;
    await revoking(here).revoke({ kind: 'tool', id: 'other/*' });
    await revoking(here).revoke({ kind: 'agent', id: 'spiffe://gate.test/agent/other' });
    await expect(within(running, 150)).rejects.toThrow('not within');
    caller.abort(new CountersignError('CALLER_CANCELLED', ''));
    expect(await running).toMatchObject({ execution: { code: 'CALLER_CANCELLED' } });
  });

  it('rejects whoever wants something else than a decision, and lets nobody do anything beside one', async () => {
    const { here, there } = await twoGates();
    await there.gate.authenticate(there);
    await revoking(here).revoke(agent);
    await sleep(300);
    await expect(there.gate.authenticate(there)).rejects.toMatchObject({ code: 'AGENT_REVOKED' });
    expect(await there.gate.authenticate(there, 'call')).toMatchObject({
      refusal: { code: 'AGENT_REVOKED' },
    });
  });
});

describe('a revocation that comes while a call is decided', () => {
  /** A store in which something happens once, right before the first verdict is committed. */
  async function racing() {
    let before: (() => Promise<unknown>) | undefined;
    const inner = newStore();
    const store: LogStore = {
      ...inner,
      async commit(reads, plan) {
        const act = before;
        before = undefined;
        await act?.();
        await inner.commit(reads, plan);
      },
    };
    const made = await harness({ store });
    const operator = await harness({ store: inner, instance: 'operator' });
    // Its session is open and its tools are pinned: the next commit is a verdict.
    await made.gate.run(made.call(), made, countingTarget(), never);
    return {
      made,
      operator: revoking(operator),
      beforeNextCommit: (act: () => Promise<unknown>) => void (before = act),
    };
  }

  it('has it decided again: what was allowed a moment before is denied, and never in the log as allowed', async () => {
    const { made, operator, beforeNextCommit } = await racing();
    beforeNextCommit(() => operator.revoke(agent));
    const target = countingTarget();
    const asked = made.call();
    const result = await made.gate.run(asked, made, target, never);
    expect(result).toMatchObject({ kind: 'denied', denial: { code: 'AGENT_REVOKED' } });
    expect((await made.ledger.entriesOfCall(asked.id)).map(({ kind }) => kind)).toEqual(['deny']);
    expect(target.runs).toBe(0);
  });

  it('has a denial decided again as well, when what it stood on was lifted', async () => {
    const { made, operator, beforeNextCommit } = await racing();
    await operator.revoke(tool);
    expect(await made.gate.run(made.call(), made, countingTarget(), never)).toMatchObject({ kind: 'denied' });
    beforeNextCommit(() => operator.lift(tool));
    const target = countingTarget();
    expect(await made.gate.run(made.call(), made, target, never)).toMatchObject({ kind: 'done' });
    expect(target.runs).toBe(1);
  });

  it('between verdict and dispatch ends the call before anything is sent', async () => {
    let after: (() => Promise<unknown>) | undefined;
    const inner = newStore();
    const store: LogStore = {
      ...inner,
      async commit(reads, plan) {
        await inner.commit(reads, plan);
        const act = after;
        after = undefined;
        await act?.();
      },
    };
    const made = await harness({ store });
    const operator = revoking(await harness({ store: inner, instance: 'operator' }));
    await made.gate.run(made.call(), made, countingTarget(), never);
    for (const run of ['run', 'delegate'] as const) {
      after = () => operator.revoke(everything);
      const target = countingTarget();
      const asked = made.call();
      const result =
        run === 'run'
          ? await made.gate.run(asked, made, target, never)
          : await made.gate.delegate(asked, made);
      if (run === 'run')
        expect(result).toMatchObject({ execution: { outcome: 'aborted', code: 'EVERYTHING_REVOKED' } });
      else expect(result).toMatchObject({ kind: 'denied', denial: { code: 'EVERYTHING_REVOKED' } });
      expect((await made.ledger.entriesOfCall(asked.id)).map(({ kind }) => kind)).toEqual([
        'allow',
        'outcome',
      ]);
      expect(target.runs).toBe(0);
      await operator.lift(everything);
      await made.parts.revocations.latest();
    }
  });
});

describe('revocations that cannot be read', () => {
  async function breaking() {
    const inner = newStore();
    let isBroken = false;
    const guard = (): void => {
      if (isBroken) throw new CountersignError('LEDGER_UNAVAILABLE', 'gone');
    };
    const store: LogStore = {
      ...inner,
      heads: async (keys) => {
        guard();
        return inner.heads(keys);
      },
    };
    const made = await harness({ store });
    return { made, breakIt: () => void (isBroken = true) };
  }

  it('deny: a call, whoever asks for anything, and a dispatch', async () => {
    const { made, breakIt } = await breaking();
    const target = countingTarget();
    await made.gate.run(made.call(), made, target, never);
    breakIt();
    const asked = made.call();
    // The verdict commits against the epoch that is known; that it still holds cannot be told before the dispatch.
    expect(await made.gate.run(asked, made, target, never)).toMatchObject({
      execution: { outcome: 'aborted', code: 'REVOCATIONS_UNREADABLE' },
    });
    await sleep(300);
    await expect(made.gate.authenticate(made)).rejects.toMatchObject({ code: 'REVOCATIONS_UNREADABLE' });
    const fresh = createGate({ ...made.parts, revocations: unreadable });
    expect(await fresh.run(made.call(), made, target, never)).toMatchObject({
      kind: 'denied',
      denial: { code: 'REVOCATIONS_UNREADABLE', retryable: true },
    });
    expect(target.runs).toBe(1);
  });

  const broken = () => Promise.reject(new CountersignError('REVOCATIONS_UNREADABLE', 'gone'));
  const unreadable = { current: broken, latest: broken, onChange: () => () => undefined };

  it('end what runs only once that has lasted', async () => {
    const made = await harness();
    let tell: (state: undefined) => void = () => undefined;
    const { revocations } = made.parts;
    const gate = createGate({
      ...made.parts,
      revocations: { ...revocations, onChange: (listener) => ((tell = listener), () => undefined) },
    });
    const target = endless();
    const running = gate.run(made.call(), made, target, never);
    await target.began;
    tell(undefined);
    expect(await running).toMatchObject({
      execution: { outcome: 'unknown', code: 'REVOCATIONS_UNREADABLE' },
    });
  });
});

describe('a human who was logged out everywhere', () => {
  it('is denied with every token of that time, and heard again after a new login', async () => {
    const made = await harness();
    const login = { authTime: Math.floor(Date.now() / 1_000) - 60 };
    const gate = createGate({
      ...made.parts,
      authenticator: {
        async authenticate(credentials, now) {
          const principal = await made.parts.authenticator.authenticate(credentials, now);
          const value: Human = {
            issuer: 'https://idp.test',
            subject: 'ada',
            tenant: 'default',
            roles: [],
            binding: 'none',
            ...login,
          };
          return { ...principal, human: { value, source: 'token', verified: true, observedAt: '' } };
        },
      },
    });
    await revoking(made).revoke({ kind: 'human', id: 'ada', before: new Date().toISOString() });
    const run = () => gate.run(made.call(), made, countingTarget(), never);
    expect(await run()).toMatchObject({ kind: 'denied', denial: { code: 'HUMAN_REVOKED' } });
    login.authTime = Math.floor(Date.now() / 1_000) + 1;
    expect(await run()).toMatchObject({ kind: 'done' });
  });
});

describe('a key that only its file says is revoked', () => {
  it('ends what runs under it within a second', async () => {
    const made = await harness();
    const target = endless();
    const running = made.gate.run(made.call(), made, target, never);
    await target.began;
    for (const [digest, record] of made.keys) made.keys.set(digest, { ...record, status: 'revoked' });
    expect(await within(running, 1_000)).toMatchObject({
      execution: { outcome: 'unknown', code: 'API_KEY_REVOKED' },
    });
  });
});

describe('a call that its caller carries out', () => {
  it('is settled as unknown when it is revoked, and a report that comes later counts no more', async () => {
    const { here, there } = await twoGates();
    const asked = there.call();
    const delegated = await there.gate.delegate(asked, there);
    if (delegated.kind !== 'delegated') throw new Error('denied');
    await revoking(here).revoke(tool);
    await sleep(300);
    const kinds = (await there.ledger.entriesOfCall(asked.id)).map(({ kind }) => kind);
    expect(kinds).toEqual(['allow', 'outcome']);
    const { handle } = delegated.permit;
    await expect(there.gate.report(asked.id, handle, there, executed())).rejects.toMatchObject({
      code: 'HANDLE_EXPIRED',
    });
    await expect(there.gate.report(asked.id, 'another', there, executed())).rejects.toMatchObject({
      code: 'HANDLE_INVALID',
    });
    await there.gate.close();
    expect(await there.ledger.openPermits()).toEqual([]);
  });
});

describe('a call that goes on as a task', () => {
  it('is settled when it is revoked, says so to whoever can cancel it, and has no result after that', async () => {
    const { here, there } = await twoGates();
    const asked = there.call();
    const result = await there.gate.run(
      asked,
      there,
      countingTarget({ ...answer, pending: true } as Execution),
      never,
    );
    if (result.kind !== 'done' || !result.until) throw new Error('not pending');
    const over = new Promise<void>((resolve) => result.until?.addEventListener('abort', () => resolve()));
    await revoking(here).revoke(agent);
    await within(over, 1_000);
    expect(result.until.reason).toMatchObject({ code: 'AGENT_REVOKED' });
    expect(await there.gate.settleLater(asked.id, answer)).toMatchObject({
      denial: { code: 'AGENT_REVOKED' },
    });
    await there.gate.close();
    const outcome = (await there.ledger.entriesOfCall(asked.id)).at(-1);
    const { predicate } = JSON.parse(Buffer.from(outcome?.payload ?? []).toString()) as { predicate: object };
    expect(predicate).toMatchObject({ outcome: 'unknown', reason: { code: 'AGENT_REVOKED' } });
  });
});

describe('whoever is watched', () => {
  it('is told of when revoked, with the code, and of nothing once the watch is over', async () => {
    const made = await harness();
    const principal = await made.gate.authenticate(made);
    const until = new AbortController();
    const [first, second] = [until.signal, never].map((signal) => made.gate.watch(principal, made, signal));
    until.abort();
    await revoking(made).revoke({ kind: 'key', id: 'key-1' });
    await expect.poll(() => second?.aborted).toBe(true);
    expect(second?.reason).toMatchObject({ code: 'API_KEY_REVOKED' });
    expect(first?.aborted).toBe(false);
    expect(made.gate.watch(principal, made, never).aborted).toBe(true);
  });

  it('is told of when the credentials end', async () => {
    const made = await harness();
    const principal = await made.gate.authenticate(made);
    const watched = made.gate.watch({ ...principal, expiresAt: Date.now() + 100 }, made, never);
    expect(watched.aborted).toBe(false);
    await expect.poll(() => watched.aborted).toBe(true);
    expect(watched.reason).toMatchObject({ code: 'LEASE_ENDED' });
  });
});
