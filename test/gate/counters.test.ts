import { describe, expect, it } from 'vitest';
import { createGate } from '../../src/gate/create-gate.ts';
import { counterDemands } from '../../src/gate/counter-demands.ts';
import { createLocks } from '../../src/gate/counters/locks.ts';
import { freeAgain, slotOf, slotsWith, slotsWithin } from '../../src/gate/counters/slots.ts';
import type { CallResult } from '../../src/gate/gate.ts';
import { notExecuted } from '../../src/gate/reported.ts';
import { verifiedPrincipal } from '../../src/identity/principal.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { RateObligation } from '../../src/policy/obligation.ts';
import type { PolicyInput } from '../../src/policy/policy.ts';
import type { Target } from '../../src/targets/target.ts';
import { countingTarget, harness, never } from './harness.ts';

/** A gate under rules of these obligations each, in YAML of flow form. */
async function under(rules: Readonly<Record<string, readonly string[]>>) {
  const lines = Object.entries(rules).map(
    ([id, all]) => `  - {id: ${id}, effect: allow, tools: ["*/*"], obligations: [${all.join(', ')}]}\n`,
  );
  const text = `version: 1\nname: test\nrules:\n${lines.join('')}`;
  const made = await harness();
  const policy = compilePolicy([{ name: 'test.yaml', text }]);
  const gate = createGate({ ...made.parts, policy });
  const run = (n: number, target: Target = countingTarget()): Promise<CallResult> =>
    gate.run(made.call('echo', { n }), { apiKey: made.apiKey }, target, never);
  const codes = async (...ns: readonly number[]): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const n of ns) {
      const result = await run(n);
      found.push(result.kind === 'done' ? 'done' : result.denial.code);
    }
    return found;
  };
  return { ...made, gate, run, codes };
}

const aborted = { kind: 'none', outcome: 'aborted', code: 'PERMIT_EXPIRED', message: 'Not begun.' } as const;

describe('the counters of one rule', () => {
  it('stay apart, whichever of them a call takes from', async () => {
    const made = await under({
      r: [
        '{type: rate, limit: 1, window: 1m, per: [agent], when: args.n > 5.0}',
        '{type: rate, limit: 2, window: 1h, per: [agent]}',
      ],
    });
    expect(await made.codes(9, 1, 1)).toEqual(['done', 'done', 'RATE_EXCEEDED']);
  });

  it('are for one tenant, and for whom the rule says', () => {
    const one: RateObligation = {
      type: 'rate',
      rule: 'r',
      ordinal: 0,
      limit: 1,
      window: 1_000,
      per: ['agent', 'human', 'tool'],
    };
    const keyOf = (of: object): string | undefined =>
      counterDemands({ ...input, ...of } as unknown as PolicyInput, [one])[0]?.key;
    const input = {
      session: { tenant: 'a' },
      agent: { id: 'a' },
      human: { issuer: 'a', subject: 'a' },
      tool: { server: 'a', name: 'a' },
    };
    const keys = [
      {},
      { session: { tenant: 'b' } },
      { agent: { id: 'b' } },
      { human: { issuer: 'b', subject: 'a' } },
      { human: { issuer: 'a', subject: 'b' } },
      { human: undefined },
      { tool: { server: 'b', name: 'a' } },
      { tool: { server: 'a', name: 'b' } },
    ].map(keyOf);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('of several that allow: the denial names the one that is used up', async () => {
    const made = await under({
      a: ['{type: confirm, when: args.n < 0.0}', '{type: rate, limit: 9, window: 1h, per: [agent]}'],
      b: ['{type: rate, limit: 1, window: 1h, per: [agent]}'],
    });
    await made.run(1);
    expect(await made.run(1)).toMatchObject({ kind: 'denied', denial: { rule: 'b', retryable: true } });
  });
});

describe('a refusal', () => {
  it('is final where the call takes more than there ever is', async () => {
    const made = await under({
      r: ['{type: budget, limit: 100, window: 1h, per: [tenant], amount: args.n}'],
    });
    await made.run(60);
    const later = await made.run(60);
    expect(later).toMatchObject({ denial: { retryable: true } });
    const tooMuch = await made.run(101);
    expect(tooMuch).toMatchObject({ denial: { code: 'BUDGET_EXCEEDED', retryable: false } });
    expect(tooMuch.kind === 'denied' && tooMuch.denial.message).not.toContain('free again');
  });
});

describe('what a call took', () => {
  const budget = '{type: budget, limit: 100, window: 1h, per: [tenant], amount: args.n}';

  it('is given back and no more, of what the gate knows that it never ran', async () => {
    const made = await under({ r: [budget] });
    await made.run(30);
    await made.run(60, countingTarget(aborted));
    expect(await made.codes(71, 70)).toEqual(['BUDGET_EXCEEDED', 'done']);
  });

  it('is not given back on the word of a caller', async () => {
    const made = await under({ r: [budget] });
    const asked = made.call('echo', { n: 90 });
    const answer = await made.gate.delegate(asked, { apiKey: made.apiKey });
    if (answer.kind !== 'delegated') throw new Error(answer.denial.code);
    await made.gate.report(asked.id, answer.permit.handle, { apiKey: made.apiKey }, notExecuted);
    expect(await made.codes(11)).toEqual(['BUDGET_EXCEEDED']);
  });

  it.each([
    ['moves again and again', '{"slots":[[0,1]]}'],
    ['cannot be read', '{'],
  ])('keeps no outcome out of the log where its counter %s', async (_, text) => {
    const made = await under({ r: [budget] });
    const { ledger } = made.parts;
    const heads = ledger.heads.bind(ledger);
    const moving: Target = {
      execute(permit, signal) {
        ledger.heads = async (keys) =>
          new Map(
            [...(await heads(keys))].map(([key, value]) =>
              key.startsWith('counter/') ? [key, text] : [key, value],
            ),
          );
        return countingTarget(aborted).execute(permit, signal);
      },
    };
    const result = await made.run(90, moving);
    ledger.heads = heads;
    expect(result).toMatchObject({ kind: 'done', execution: aborted });
    expect(await made.ledger.openPermits()).toEqual([]);
    expect(await made.codes(11, 10)).toEqual(['BUDGET_EXCEEDED', 'done']);
  });
});

describe('what a grant leaves', () => {
  it.each(['', ', shadow: true'])('is counted under rules%s', async (shadow) => {
    const { parts, apiKey, call } = await harness();
    const text = `version: 1\nname: test\nrules: [{id: r, effect: allow, tools: ["*/*"]${shadow}}]\n`;
    const grant = {
      ...{ id: 'task-1', issuer: 'lead', subject: 'default', sha256: '0'.repeat(64), tools: ['*/*'] },
      ...{ when: [], calls: 1, expiresAt: 0, lineage: ['default', 'lead', 'task-1'] },
    };
    const gate = createGate({
      ...parts,
      policy: compilePolicy([{ name: 'test.yaml', text }]),
      authenticator: {
        authenticate: async (...given) =>
          verifiedPrincipal({ ...(await parts.authenticator.authenticate(...given)), grants: [grant] }),
      },
    });
    const run = () => gate.run(call(), { apiKey }, countingTarget(), never);
    expect((await run()).kind).toBe('done');
    expect(await run()).toMatchObject({ denial: { code: 'RATE_EXCEEDED', retryable: false } });
  });
});

describe('a window', () => {
  const window = 16_000;

  it('counts a slot until its last moment has left it, and says when that is', () => {
    const slots = [[slotOf(5_999, window), 1]] as const;
    expect(slots).toEqual([[5_000, 1]]);
    const free = freeAgain(slots, window) ?? 0;
    expect(free).toBe(22_000);
    expect(slotsWithin(slots, window, free - 1)).toEqual(slots);
    expect(slotsWithin(slots, window, free)).toEqual([]);
  });

  it('without an end keeps what was taken for good', () => {
    const slots = [[slotOf(Date.now(), Infinity), 1]] as const;
    expect(slotsWithin(slots, Infinity, Number.MAX_SAFE_INTEGER)).toEqual([[0, 1]]);
    expect(freeAgain(slots, Infinity)).toBeUndefined();
  });

  it('never holds less than nothing', () => {
    expect(slotsWith([[0, 1]], 0, -2)).toEqual([]);
    expect(slotsWith([], 0, -2)).toEqual([]);
  });
});

describe('locks', () => {
  it('are taken in one order: two that name the same the other way round do not wait for each other', async () => {
    const locks = createLocks();
    const both = ['a', 'b'];
    const got: string[] = [];
    const take = async (name: string, wanted: readonly string[]): Promise<void> => {
      const release = await locks.acquire(wanted);
      got.push(name);
      await Promise.resolve();
      release();
    };
    await Promise.all([take('one', both), take('two', both.toReversed()), take('three', both)]);
    expect(got).toEqual(['one', 'two', 'three']);
  });
});
