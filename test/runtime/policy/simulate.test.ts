import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { PolicyInput } from '../../../src/policy/policy.ts';
import type { RecordedCall, RecordedInput } from '../../../src/runtime/policy/recorded-call.ts';
import { simulate, type Simulation } from '../../../src/runtime/policy/simulate.ts';
import { agentOnly, input } from '../../policy/support/inputs.ts';

const noon = Date.UTC(2026, 0, 1, 12);

type Said = Partial<Omit<RecordedCall, 'input'>> & { readonly input?: RecordedInput };

/** A recorded ALLOW at noon and some seconds, unless told otherwise. */
function recorded(
  seconds: number,
  args: PolicyInput['args'] = {},
  said: Said = {},
  of = agentOnly,
): RecordedCall {
  const time = noon + seconds * 1_000;
  const value = { ...of, args, now: new Date(time).toISOString() };
  return {
    callId: `call-${seconds}`,
    index: seconds,
    time,
    tool: { server: 'files', name: 'read_file' },
    verdict: 'ALLOW',
    code: 'RULE_ALLOWS',
    rule: 'a',
    enforced: true,
    asks: false,
    policy: '00',
    input: { state: 'kept', value },
    ...said,
  };
}

async function* streamOf(calls: readonly RecordedCall[]): AsyncGenerator<RecordedCall, void, undefined> {
  for (const call of calls) yield await Promise.resolve(call);
}

function simulated(rules: string, calls: readonly RecordedCall[], head = '', keep = 10): Promise<Simulation> {
  const policy = compilePolicy([{ name: 't.yaml', text: `version: 1\nname: t\n${head}rules:\n${rules}\n` }]);
  return simulate(policy, streamOf(calls), { keep });
}

const allow = (more = ''): string => `  - {id: a, effect: allow, tools: ["*/*"]${more}}`;
const effects = ({ changes }: Simulation): string[] =>
  changes.map(({ was, would }) => `${was.effect} → ${would.effect}`);
const codes = ({ changes }: Simulation): string[] => changes.map(({ would }) => would.code);

describe('what is not believed or not policy’s own is left out, and counted', () => {
  it('an altered input is reported, and not used', async () => {
    const found = await simulated(allow(', when: args.n == 1.0'), [
      recorded(1, {}, { input: { state: 'changed' } }),
      recorded(2, {}, { input: { state: 'not-kept' } }),
      recorded(3, {}, { input: { state: 'sealed' } }),
    ]);
    expect(found).toMatchObject({
      calls: 3,
      replayed: 0,
      changed: 0,
      leftOut: { altered: 1, notKept: 1, sealed: 1 },
      altered: ['call-1'],
    });
  });

  it.each(['AGENT_REVOKED', 'TOOL_CHANGED', 'ARGUMENTS_INVALID', 'KEY_TOOL_REFUSED'])(
    'what the gate itself refused stays refused: %s',
    async (code) => {
      const found = await simulated(allow(), [recorded(1, {}, { verdict: 'DENY', code })]);
      expect(found).toMatchObject({ replayed: 0, changed: 0, leftOut: { gate: 1 } });
    },
  );

  it('a missing person counts as policy’s where a rule asked for one, and as the gate’s where none did', async () => {
    const denied = { verdict: 'DENY', code: 'HUMAN_MISSING' } as const;
    const { rule: _, ...ofGate } = recorded(1, {}, denied);
    const found = await simulated(allow(), [ofGate, recorded(2, {}, denied)]);
    expect(found).toMatchObject({ changed: 1, leftOut: { gate: 1 } });
  });

  it('a grant that is used up is the gate’s: no rule of policy gives more of it', async () => {
    const { rule: _, ...ofGrant } = recorded(1, {}, { verdict: 'DENY', code: 'BUDGET_EXCEEDED' });
    expect(await simulated(allow(), [ofGrant])).toMatchObject({ changed: 0, leftOut: { gate: 1 } });
  });

  it('what hangs on a history that was not recorded is not guessed; what does not, is decided', async () => {
    const rules = `${allow(', when: \'called("mail/*") == 0 || args.n == 1.0\'')}\n  - {id: d, effect: deny, tools: ["*/*"], when: 'args.n == 3.0'}`;
    const found = await simulated(rules, [
      recorded(1, { n: 1 }),
      recorded(2, { n: 2 }),
      recorded(3, { n: 3 }),
    ]);
    expect(found).toMatchObject({ replayed: 2, same: 1, changed: 1, leftOut: { unseen: 1 } });
    const { origins: _, ...unseen } = agentOnly;
    const asksWhence = allow(", when: 'fromRequest(args.to)'");
    expect(await simulated(asksWhence, [recorded(1, { to: 'x' }, {}, unseen)])).toMatchObject({
      replayed: 0,
      leftOut: { unseen: 1 },
    });
  });
});

describe('what would have changed', () => {
  it('is in the log’s order, the newest last, counted by kind', async () => {
    const calls = [
      recorded(1, { n: 1 }),
      recorded(2, { n: 2 }),
      recorded(3, { n: 1 }, { verdict: 'DENY', code: 'NO_RULE_ALLOWS' }),
    ];
    const found = await simulated(allow(', when: args.n == 1.0'), calls);
    expect(effects(found)).toEqual(['allow → deny', 'deny → allow']);
    expect(found).toMatchObject({ same: 1, changed: 2, byEffect: { 'allow → deny': 1, 'deny → allow': 1 } });
  });

  it('lists no more than was asked for, and counts all', async () => {
    const calls = Array.from({ length: 500 }, (_, i) => recorded(i));
    const found = await simulated('  - {id: d, effect: deny, tools: ["*/*"]}', calls, '', 2);
    expect(found.changed).toBe(500);
    expect(found.changes.map(({ callId }) => callId)).toEqual(['call-498', 'call-499']);
  });

  it('a deny that was not enforced is never taken for an allow, nor for one that was', async () => {
    const shadow = { verdict: 'DENY', code: 'NO_RULE_ALLOWS', enforced: false } as const;
    const { rule: _, ...call } = recorded(1, { n: 2 }, shadow);
    const rules = allow(', when: args.n == 1.0');
    expect(effects(await simulated(rules, [call]))).toEqual(['deny, not enforced → deny']);
    expect(effects(await simulated(rules, [call], 'mode: shadow\n'))).toEqual([]);
    expect(effects(await simulated(allow(), [call]))).toEqual(['deny, not enforced → allow']);
  });

  it('another rule with the same effect is counted, and is no change', async () => {
    const found = await simulated('  - {id: b, effect: allow, tools: ["*/*"]}', [recorded(1)]);
    expect(found).toMatchObject({ same: 1, otherRule: 1, changed: 0 });
  });
});

describe('what a rule demands', () => {
  it('an approval asks: as it did, or as it did not', async () => {
    const asks = allow(', obligations: [{type: approval, from: operator}]');
    const was = [
      recorded(1),
      recorded(2, {}, { asks: true }),
      recorded(3, {}, { verdict: 'DENY', code: 'APPROVAL_REQUIRED' }),
    ];
    expect(effects(await simulated(asks, was))).toEqual(['allow → ask']);
    expect(effects(await simulated(allow(), was))).toEqual(['ask → allow', 'ask → allow']);
  });

  it('what was approved then takes what it took, and is refused again where that was used up', async () => {
    const rules = allow(
      ', obligations: [{type: approval, from: operator}, {type: rate, limit: 1, window: 1m, per: [agent]}]',
    );
    const full = { verdict: 'DENY', code: 'RATE_EXCEEDED' } as const;
    const was = [recorded(0, {}, { asks: true }), recorded(1, {}, full), recorded(2, {}, { asks: true })];
    expect(effects(await simulated(rules, was))).toEqual(['ask → deny']);
    expect(effects(await simulated(rules, [recorded(0), recorded(1)]))).toEqual([
      'allow → ask',
      'allow → ask',
    ]);
  });

  it('a rate is counted over the recorded times, for each agent by itself', async () => {
    const rated = allow(', obligations: [{type: rate, limit: 2, window: 1m, per: [agent]}]');
    const other = { ...agentOnly, agent: { ...agentOnly.agent, id: 'other' } };
    const calls = [
      ...[0, 1, 2].map((at) => recorded(at)),
      recorded(3, {}, {}, other),
      ...[30, 100].map((at) => recorded(at)),
    ];
    const found = await simulated(rated, calls);
    expect(found.changes.map(({ callId }) => callId)).toEqual(['call-2', 'call-30']);
    expect(codes(found)).toEqual(['RATE_EXCEEDED', 'RATE_EXCEEDED']);
  });

  it('a budget takes what a call would, and nothing where it is refused', async () => {
    const budget = allow(
      ', obligations: [{type: budget, limit: 10, window: 1h, per: [tool], amount: args.n}]',
    );
    const found = await simulated(
      budget,
      [6, 6, 4, 1].map((n, at) => recorded(at, { n })),
    );
    expect(found.changes.map(({ callId, would }) => `${callId} ${would.code}`)).toEqual([
      'call-1 BUDGET_EXCEEDED',
      'call-3 BUDGET_EXCEEDED',
    ]);
  });

  it('what one counter refuses takes nothing of another', async () => {
    const both = allow(
      ', obligations: [{type: rate, limit: 2, window: 1h, per: [agent]}, {type: budget, limit: 10, window: 1h, per: [agent], amount: args.n}]',
    );
    const found = await simulated(
      both,
      [6, 6, 4].map((n, at) => recorded(at, { n })),
    );
    expect(found.changes.map(({ callId }) => callId)).toEqual(['call-1']);
  });

  it('what a gate could not do then, it is not taken to do now', async () => {
    const was = [recorded(1, {}, { verdict: 'DENY', code: 'WITNESS_UNAVAILABLE' })];
    const witnessed = allow(', obligations: [{type: witness, count: 1}]');
    expect(effects(await simulated(witnessed, was))).toEqual([]);
    expect(effects(await simulated(allow(), was))).toEqual(['deny → allow']);
  });

  it('better credentials than the call had are a refusal', async () => {
    const bound = allow(', obligations: [{type: binding, human: bound, amr: [hwk]}]');
    const human = { ...input.human, binding: 'dpop', amr: ['hwk', 'pin'] };
    const found = await simulated(bound, [recorded(1), recorded(2, {}, {}, { ...input, human })]);
    expect(found.changes.map(({ callId, would }) => `${callId} ${would.code}`)).toEqual([
      'call-1 BINDING_REQUIRED',
    ]);
  });
});
