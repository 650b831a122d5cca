import { describe, expect, it } from 'vitest';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { Obligation } from '../../src/policy/obligation.ts';
import type { PolicyInput } from '../../src/policy/policy.ts';
import { input, policyOf } from './support/inputs.ts';

function rule(obligation: string, effect = 'allow'): string {
  return `{id: r, effect: ${effect}, tools: ["*/*"], obligations: [${obligation}]}`;
}

function demanded(obligation: string, args: PolicyInput['args'] = {}): readonly Obligation[] | string {
  const decision = policyOf(rule(obligation)).decide({ ...input, args });
  return decision.verdict === 'ALLOW' ? decision.obligations : decision.code;
}

describe('an obligation that could be misread is refused where it stands', () => {
  it.each([
    ['of no known type', '{type: log}', /there are binding, transform, confirm/],
    ['without a type', '{count: 1}', /a map with a type/],
    ['with a field that is not its own', '{type: witness, count: 1, of: all}', /unknown field "of"/],
    ['twice, where one says all', '{type: witness, count: 1}, {type: witness, count: 2}', /two obligations/],
    ['a rate without whom it is for', '{type: rate, limit: 3, window: 1h}', /needs per/],
    ['a rate for nobody', '{type: rate, limit: 3, window: 1h, per: []}', /per names one or more/],
    ['a rate of nothing', '{type: rate, limit: 0, window: 1h, per: [agent]}', /whole number/],
    ['a window without a unit', '{type: rate, limit: 3, window: "60", per: [agent]}', /a time such as/],
    ['a window of no time', '{type: rate, limit: 3, window: 0s, per: [agent]}', /between/],
    ['a budget without end', '{type: budget, limit: .inf, window: 1h, per: [agent], amount: "1.0"}', /limit/],
    ['a budget that counts text', '{type: budget, limit: 3, window: 1h, per: [agent], amount: now}', /JSON/],
    [
      'a budget of an unknown field',
      '{type: budget, limit: 3, window: 1h, per: [agent], amount: arg.n}',
      /arg/,
    ],
    ['an approval from anybody', '{type: approval, from: anybody}', /from is operator/],
    ['a quorum of operators', '{type: approval, from: operator, count: 2}', /stands alone/],
    ['an operator among roles', '{type: approval, from: [operator, "role:x"]}', /stands alone/],
    ['an operator by passkey', '{type: approval, from: operator, by: passkey}', /stands alone/],
    ['a limit of nothing', '{type: limit}', /says time or bytes/],
    ['a redaction of nothing', '{type: redact, of: result}', /says fields or match/],
    ['a redaction of what is no pattern', '{type: redact, of: result, match: "("}', /RE2/],
    ['a redaction of no pointer', '{type: redact, of: result, fields: [a]}', /JSON pointer/],
    [
      'a transform to a number that JSON cannot say',
      '{type: transform, set: {/a: "uint(1)"}}',
      /value of JSON/,
    ],
    ['a transform of a list', '{type: transform, set: ["/a"]}', /set is a map/],
    ['a transform of every element', '{type: transform, set: {/a/*: "1.0"}}', /JSON pointer/],
    ['a transform of everything', '{type: transform, set: {"": "1.0"}}', /JSON pointer/],
    ['a binding to nothing', '{type: binding}', /says what must hold/],
    ['a notice to a sentence', '{type: notify, to: "the boss"}', /a name of the configuration/],
  ])('%s', (_, obligation, told) => {
    expect(() => policyOf(rule(obligation))).toThrow(told);
    expect(() => policyOf(rule(obligation))).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
  });

  it('also on a deny, which obliges nobody', () => {
    expect(() => policyOf(rule('{type: witness, count: 1}', 'deny'))).toThrow(/obliges nobody/);
  });
});

describe('what an obligation comes to for one call', () => {
  const budget = '{type: budget, limit: 100, window: 1h, per: [human, agent], amount: args.amount}';

  it('is plain data, with the rule that it comes from', () => {
    expect(demanded(budget, { amount: 12.5 })).toEqual([
      {
        ...{ type: 'budget', rule: 'r', ordinal: 0, limit: 100, window: 3_600_000 },
        ...{ per: ['agent', 'human'], amount: 12.5 },
      },
    ]);
    expect(demanded('{type: approval, from: "role:ot.lead", within: 5m}')).toEqual([
      { type: 'approval', rule: 'r', from: ['role:ot.lead'], count: 1, within: 300_000, by: 'any' },
    ]);
  });

  it.each([
    ['negative, which would make room for others', -1],
    ['a text', '5'],
    ['no number at all', null],
    ['missing', undefined],
  ])('is an error, and so a DENY, when the amount is %s', (_, amount) => {
    expect(demanded(budget, amount === undefined ? {} : { amount })).toBe('POLICY_ERROR');
  });

  it('sets arguments to what an expression says of them', () => {
    const clamp = '{type: transform, set: {/limit: "args.limit > 100.0 ? 100.0 : args.limit"}}';
    expect(demanded(clamp, { limit: 5_000 })).toMatchObject([{ set: { '/limit': 100 } }]);
    expect(demanded(clamp, { limit: 7 })).toMatchObject([{ set: { '/limit': 7 } }]);
    expect(demanded(clamp, {})).toBe('POLICY_ERROR');
  });
});

describe('an obligation with a condition', () => {
  const needed = `{type: approval, from: operator, when: 'args.to != "me@example.org"'}`;

  it('holds where that is true, and nowhere else', () => {
    expect(demanded(needed, { to: 'you@example.org' })).toMatchObject([{ type: 'approval' }]);
    expect(demanded(needed, { to: 'me@example.org' })).toEqual([]);
  });

  it('is an error, and so a DENY, where nobody can tell', () => {
    expect(demanded(needed, {})).toBe('POLICY_ERROR');
  });

  it('may stand beside another of its type, and is checked as any condition', () => {
    expect(
      demanded(`{type: witness, count: 1}, {type: witness, count: 2, when: 'size(args) > 3'}`),
    ).toHaveLength(1);
    expect(() => policyOf(rule('{type: witness, count: 1, when: "arg.n > 1.0"}'))).toThrow(/arg/);
    expect(() => policyOf(rule('{type: binding, when: "true"}'))).toThrow(/says what must hold/);
  });
});

describe('a rule in shadow', () => {
  const allowing = '{id: all, effect: allow, tools: ["*/*"]}';
  const shadowDeny = '{id: stop, effect: deny, tools: ["files/*"], shadow: true, reason: Later.}';

  it('is told beside the decision, and changes nothing of it', () => {
    expect(policyOf(allowing, shadowDeny).decide(input)).toMatchObject({
      verdict: 'ALLOW',
      rule: 'all',
      shadow: { verdict: 'DENY', code: 'RULE_DENIES', rule: 'stop' },
    });
  });

  it('is not told where it would change nothing', () => {
    const elsewhere = { ...input, tool: { ...input.tool, server: 'mail' } };
    expect(policyOf(allowing, shadowDeny).decide(elsewhere)).not.toHaveProperty('shadow');
  });

  it('never allows what no enforced rule allows', () => {
    const shadowAllow = '{id: more, effect: allow, tools: ["files/*"], shadow: true}';
    const other = '{id: mail, effect: allow, tools: ["mail/*"]}';
    expect(policyOf(other, shadowAllow).decide(input)).toMatchObject({
      verdict: 'DENY',
      code: 'NO_RULE_ALLOWS',
      shadow: { verdict: 'ALLOW', rule: 'more' },
    });
  });

  it('that fails denies nothing, and says so', () => {
    const failing = '{id: fails, effect: deny, tools: ["*/*"], when: args.missing == 1.0, shadow: true}';
    expect(policyOf(allowing, failing).decide(input)).toMatchObject({
      verdict: 'ALLOW',
      shadow: { verdict: 'DENY', code: 'POLICY_ERROR', rule: 'fails' },
    });
  });

  it('has steps of its own: what the enforced ones took is no error', () => {
    const heavy = '{id: all, effect: allow, tools: ["*/*"], when: "args.a.all(x, x == 1.0)"}';
    const never = '{id: never, effect: deny, tools: ["*/*"], when: "false", shadow: true}';
    const args = { a: Array.from({ length: 30_000 }, () => 1) };
    const decision = policyOf(heavy, never).decide({ ...input, args });
    expect(decision.verdict).toBe('ALLOW');
    expect(decision).not.toHaveProperty('shadow');
  });

  it('is each one of a pack in shadow', () => {
    const text = 'version: 1\nname: p\nmode: shadow\nrules: [{id: no, effect: deny, tools: ["*/*"]}]\n';
    const policy = compilePolicy([{ name: 'p.yaml', text }]);
    expect(policy.decide(input)).toMatchObject({ verdict: 'DENY', rule: 'no', enforced: false });
  });

  it('beside no enforced one says that nothing is enforced', () => {
    const decision = policyOf(shadowDeny).decide(input);
    expect(decision).toMatchObject({ verdict: 'DENY', rule: 'stop', enforced: false });
    expect(policyOf(allowing).decide(input)).not.toHaveProperty('enforced');
  });
});
