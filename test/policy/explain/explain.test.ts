import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/call/json.ts';
import { explainablePolicy, type ExplainedRule } from '../../../src/policy/explain/explain.ts';
import type { Explained } from '../../../src/policy/explain/explained.ts';
import type { PolicyInput } from '../../../src/policy/policy.ts';
import { agentOnly, input } from '../support/inputs.ts';

/** The explanation of one rule on every tool. */
function explained(when: string, args: Json | PolicyInput = {}): ExplainedRule {
  const text = `version: 1\nname: test\nrules:\n  - {id: only, effect: allow, tools: ["*/*"], when: ${JSON.stringify(when)}}\n`;
  const subject = isInput(args) ? args : { ...input, args: args as PolicyInput['args'] };
  const { rules } = explainablePolicy([{ name: 'test.yaml', text }]).explain(subject);
  return rules[0] as ExplainedRule;
}

function isInput(args: unknown): args is PolicyInput {
  return typeof args === 'object' && args !== null && 'now' in args;
}

/** `text = value`, `text ! error`, in brackets where nothing hangs on it; elements of macros behind them. */
function lines(part: Explained | undefined): string[] {
  if (part === undefined) return [];
  const said =
    'error' in part ? `${part.text} ! ${part.error}` : `${part.text} = ${JSON.stringify(part.value)}`;
  const element = part.macro?.element;
  return [
    part.needed ? said : `(${said})`,
    ...part.parts.flatMap(lines),
    ...(element ? [`#${element.at}`, ...lines(element.body)] : []),
  ];
}

const linesOf = (when: string, args?: Json | PolicyInput): string[] => lines(explained(when, args).when);

describe('what a hostile call brings is shown, and changes nothing', () => {
  it('takes __proto__ and constructor for keys like any other', () => {
    const args = JSON.parse('{"__proto__": {"admin": true}, "m": {"__proto__": 1}}') as Json;
    expect(linesOf('has(args.admin)', args)).toEqual(['has(args.admin) = false']);
    expect(linesOf('args.constructor == 1', args)).toContain('args.constructor ! missing');
    const [shown] = explained('args.m == args.m', args).when?.parts ?? [];
    expect(JSON.stringify(shown && 'value' in shown ? shown.value : null)).toBe('{"__proto__":1}');
  });

  it('says of what is too large for a decision that the steps ran out, as the decision does', () => {
    const args = {
      a: Array.from({ length: 2_000 }, (_, i) => i),
      b: Array.from({ length: 2_000 }, () => -1),
    };
    const rule = explained('args.a.all(x, !(x in args.b))', args);
    expect(rule).toMatchObject({ answer: 'error', outOfSteps: true, when: { error: 'steps' } });
  });

  it('cuts a value that cannot be read within the steps', () => {
    const args = { a: Array.from({ length: 150_000 }, () => 1) };
    const rule = explained('args.a == [] || args.a.size() > 5', args);
    expect(rule.when?.parts[1]?.parts[0]).toMatchObject({
      parts: [{ text: 'args.a', value: 'a list of 150000', kind: 'cut' }],
    });
  });

  it.each([{ tool: { server: 1 } }, { tool: null }, {}, null])(
    'is total for an input that is none: %j',
    (none) => {
      const broken = none as unknown as PolicyInput;
      const text = 'version: 1\nname: a\nrules: [{id: a, effect: allow, tools: ["*/*"]}]\n';
      const { decision, rules } = explainablePolicy([{ name: 'a.yaml', text }]).explain(broken);
      expect([decision.verdict, rules]).toEqual(['DENY', []]);
    },
  );
});

describe('each sub-expression has its value', () => {
  it('in the order of the source, a path as one', () => {
    expect(linesOf('args.n * 2.0 <= 10.0 && args.m["k"].startsWith("x")', { n: 4, m: { k: 'xy' } })).toEqual([
      'args.n * 2.0 <= 10.0 && args.m["k"].startsWith("x") = true',
      'args.n * 2.0 <= 10.0 = true',
      'args.n * 2.0 = 8',
      'args.n = 4',
      'args.m["k"].startsWith("x") = true',
      'args.m["k"] = "xy"',
    ]);
  });

  it('says what was absorbed: the first false operand decides, and the others are not needed', () => {
    expect(linesOf('args.a.b == 1.0 && args.no && args.ok && false', { ok: true, no: false })).toEqual([
      'args.a.b == 1.0 && args.no && args.ok && false = false',
      '(args.a.b == 1.0 ! missing)',
      '(args.a.b ! missing)',
      '(args.a ! missing)',
      'args.no = false',
      '(args.ok = true)',
      '(false = false)',
    ]);
  });

  it('shows the branch that was not taken as not needed', () => {
    expect(linesOf('args.a ? args.b : args.c', { a: false, c: true })).toEqual([
      'args.a ? args.b : args.c = true',
      'args.a = false',
      '(args.b ! missing)',
      'args.c = true',
    ]);
  });

  it.each([
    ['"x" in human.roles', agentOnly, 'absent'],
    ['args.a == 1.0', {}, 'missing'],
    ['args.a.b == 1.0', { a: 'text' }, 'kind'],
    ['args.a.exists(x, x.b == 1.0)', { a: ['text'] }, 'kind'],
    ['args.a > 1.0', { a: 'text' }, 'kind'],
    ['int(args.a) == 1', { a: 'text' }, 'value'],
    ['1 / int(args.a) == 1', { a: 0 }, 'value'],
    ['args.a[5] == 1.0', { a: [1] }, 'missing'],
  ])('%s says why there is no value', (when, args, why) => {
    const rule = explained(when, args);
    expect([rule.answer, rule.when && 'error' in rule.when && rule.when.error]).toEqual(['error', why]);
  });

  it('where a value was seen, beside the function that asks', () => {
    const origins = { 'a@x': ['request'], 'b@x': [] };
    const of = { ...input, args: { to: ['a@x', 'b@x', ''] }, origins } as PolicyInput;
    expect(linesOf('fromRequest(args.to)', of)).toEqual([
      'fromRequest(args.to) = false',
      'args.to = ["a@x","b@x",""]',
      'origins of args.to = {"a@x":["request"],"b@x":[]}',
    ]);
    expect(linesOf('fromRequest(args.to)', { to: 'x' })).toEqual([
      'fromRequest(args.to) ! absent',
      'args.to = "x"',
    ]);
    expect(linesOf('called("mail/*") > 0', {})).toContain('called("mail/*") ! absent');
  });

  it('names what JSON has not: integers, times, types', () => {
    const parts = explained('type(now) == type(args.a) || now - now < duration("1h") && args.l.size() > 1', {
      l: [1],
      a: 1,
    }).when;
    const all = (part: Explained): Explained[] => [part, ...part.parts.flatMap(all)];
    const kinds = new Map(
      all(parts as Explained).map((part) => [part.text, 'kind' in part ? part.kind : '']),
    );
    expect(Object.fromEntries(kinds)).toMatchObject({
      'type(now)': 'type',
      now: 'timestamp',
      'now - now': 'duration',
      'args.l.size()': 'int',
    });
  });
});

describe('a macro shows the element that decided', () => {
  const args = { to: ['a@x', 'b@y', 'c@z'] };

  it.each([
    ['args.to.all(t, t.endsWith("x"))', '#1', 't.endsWith("x") = false'],
    ['args.to.exists(t, t.endsWith("z"))', '#2', 't.endsWith("z") = true'],
    ['args.to.exists_one(t, t.endsWith("y"))', '#1', 't.endsWith("y") = true'],
    ['args.to.map(t, t.n).size() == 0', '#0', 't.n ! kind'],
    ['args.to.filter(t, t.n).size() == 0', '#0', 't.n ! kind'],
    ['args.to.map(t, t != "a@x", t.n).size() == 0', '#1', 't.n ! kind'],
  ])('%s', (when, at, said) => {
    const found = linesOf(when, args);
    expect(found.slice(found.indexOf(at), found.indexOf(at) + 2)).toEqual([at, said]);
  });

  it('and none where all of them did', () => {
    expect(explained('args.to.exists(t, t == "q")', args).when?.macro).toEqual({ of: 3 });
    expect(explained('args.to.all(t, t != "q")', args).when?.macro).toEqual({ of: 3 });
  });

  it('also within another, and over the keys of a map', () => {
    const found = linesOf('args.m.exists(k, args.m[k].exists(v, v > 2.0))', { m: { a: [1], b: [1, 3] } });
    expect(found.filter((line) => line.startsWith('#') || line === 'v = 3')).toEqual(['#b', '#1', 'v = 3']);
  });
});

describe('which rule decided', () => {
  const text = `
version: 1
name: pay
rules:
  - id: limit
    effect: allow
    tools: ['bank/pay']
    when: args.amount <= 100.0
    obligations: [{ type: budget, limit: 500, window: 1d, per: [agent], amount: args.amount }]
  - { id: never, effect: deny, tools: ['bank/*'], when: 'args.to == "x"' }
  - { id: tried, effect: deny, tools: ['bank/*'], when: args.amount > 50.0, shadow: true }
  - { id: elsewhere, effect: allow, tools: ['files/*'] }
`;
  const policy = explainablePolicy([{ name: 'pay.yaml', text }]);
  const of = (args: PolicyInput['args']) =>
    policy.explain({ ...agentOnly, tool: { ...agentOnly.tool, server: 'bank', name: 'pay' }, args });

  it('denies are first, each rule has its place and what its obligations come to', () => {
    const { rules, others, decision } = of({ amount: 10, to: 'y' });
    expect(decision).toMatchObject({ verdict: 'ALLOW', rule: 'limit' });
    expect(others).toBe(1);
    expect(rules).toMatchObject([
      { id: 'never', answer: 'no-match', decided: false, obligations: [] },
      { id: 'tried', answer: 'no-match', shadow: true },
      {
        id: 'limit',
        answer: 'match',
        decided: true,
        place: { name: 'pay.yaml', line: 5 },
        obligations: [{ type: 'budget', comesTo: { amount: 10 } }],
      },
    ]);
  });

  it('a rule in shadow that would have decided is named beside the one that did', () => {
    const { rules } = of({ amount: 60, to: 'y' });
    expect(rules.filter(({ decided }) => decided).map(({ id }) => id)).toEqual(['tried', 'limit']);
  });

  it('an obligation that cannot be told is an error of its rule', () => {
    const rule = of({ amount: -5, to: 'y' }).rules.find(({ id }) => id === 'limit');
    expect(rule).toMatchObject({ answer: 'error', obligations: [{ type: 'budget', comesTo: null }] });
  });
});

const leaf = fc.constantFrom(
  'args.a',
  'args.b',
  'args.c.d',
  'args.l',
  'human.tenant',
  '"x"',
  '1.0',
  'args.n',
);
const test = fc.oneof(
  fc.tuple(leaf, fc.constantFrom('==', '!='), leaf).map((parts) => parts.join(' ')),
  fc
    .tuple(fc.constantFrom('args.n', 'args.a'), fc.constantFrom('<', '>='))
    .map(([one, sign]) => `${one} ${sign} 2.0`),
  fc.constantFrom(
    'has(args.a)',
    'args.flag',
    'args.l.exists(x, x == "x")',
    'args.l.all(y, y != args.a)',
    '"x" in args.l',
  ),
  fc.constantFrom('args.a.startsWith("x")', 'size(args.l) > 1', 'args.l.map(z, z == "x") == [true]'),
);
const condition = fc.letrec<{ expr: string }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 3 },
    test,
    fc
      .tuple(tie('expr'), fc.constantFrom('&&', '||'), tie('expr'))
      .map(([a, sign, b]) => `(${a}) ${sign} (${b})`),
    tie('expr').map((one) => `!(${one})`),
    fc.tuple(tie('expr'), tie('expr'), tie('expr')).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
  ),
})).expr;
const value = fc.constantFrom<Json>('x', 'y', 1, 3, true, null);
const someArgs = fc.record(
  {
    a: value,
    b: value,
    n: value,
    flag: value,
    c: fc.constantFrom<Json>({ d: 'x' }, 'x'),
    l: fc.array(value, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

/** Whether a condition loads is another test's; two literals that never are equal do not. */
function loads(when: string): boolean {
  try {
    explained(when);
    return true;
  } catch {
    return false;
  }
}

const few = ['args.a == "x"', 'args.n > 2.0', 'human.tenant == "acme"', 'args.l.exists(e, e == "x")', 'true'];
const someRule = fc.record({
  effect: fc.constantFrom('allow', 'deny'),
  when: fc.constantFrom(...few),
  shadow: fc.boolean(),
  obligations: fc.constantFrom(undefined, [
    { type: 'budget', limit: 5, window: '1h', per: ['agent'], amount: 'args.n' },
  ]),
});

describe('an explanation says what was decided', () => {
  it('of several rules: their answers make the verdict, in shadow or not', () => {
    fc.assert(
      fc.property(
        fc.array(someRule, { minLength: 1, maxLength: 5 }),
        someArgs,
        fc.boolean(),
        (some, args, isPerson) => {
          const rules = some.map(({ effect, when, shadow, obligations }, at) => ({
            ...{ id: `r${at}`, effect, tools: ['*/*'], when, shadow },
            ...(effect === 'allow' && obligations && { obligations }),
          }));
          const text = JSON.stringify({ version: 1, name: 't', rules });
          const subject = { ...(isPerson ? input : agentOnly), args: args as PolicyInput['args'] };
          const { decision, rules: told } = explainablePolicy([{ name: 't.yaml', text }]).explain(subject);
          const asked = told.filter(({ shadow }) => decision.enforced === false || !shadow);
          const deciding =
            asked.find(({ effect, answer }) => effect === 'deny' && answer === 'match') ??
            asked.find(({ answer }) => answer === 'error') ??
            asked.find(({ answer }) => answer === 'match');
          const allowed = deciding?.effect === 'allow' && deciding.answer === 'match';
          expect(decision.verdict).toBe(allowed ? 'ALLOW' : 'DENY');
          if (!allowed) expect(decision.rule).toBe(deciding?.id);
          expect(told.some(({ decided }) => decided) || deciding === undefined).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('also where one rule leaves the next too few steps', () => {
    const text = `version: 1
name: t
rules:
  - { id: a, effect: allow, tools: ['*/*'], when: 'args.l.all(e, e != 1.0)' }
  - { id: b, effect: allow, tools: ['*/*'], when: 'args.l.all(e, e != 2.0)' }
`;
    const l = Array.from({ length: 30_000 }, () => 0);
    const { decision, rules } = explainablePolicy([{ name: 't.yaml', text }]).explain({
      ...agentOnly,
      args: { l },
    });
    expect(decision).toMatchObject({ code: 'POLICY_ERROR', rule: 'b' });
    expect(rules.map(({ answer, outOfSteps }) => [answer, outOfSteps])).toEqual([
      ['match', undefined],
      ['error', true],
    ]);
  });

  it('the whole condition comes to what the rule answers, which is what decide says', () => {
    fc.assert(
      fc.property(condition, someArgs, fc.boolean(), (when, args, isPerson) => {
        fc.pre(loads(when));
        const subject = { ...(isPerson ? input : agentOnly), args: args as PolicyInput['args'] };
        const text = `version: 1\nname: t\nrules:\n  - {id: only, effect: allow, tools: ["*/*"], when: ${JSON.stringify(when)}}\n`;
        const policy = explainablePolicy([{ name: 't.yaml', text }]);
        const { decision, rules } = policy.explain(subject);
        expect(decision).toEqual(policy.policy.decide(subject));
        const [rule] = rules;
        const top = rule?.when;
        const said =
          top !== undefined && 'value' in top && typeof top.value === 'boolean' ? top.value : 'error';
        expect(rule?.answer).toBe(said === 'error' ? 'error' : said ? 'match' : 'no-match');
        expect(decision.verdict === 'ALLOW').toBe(said === true);
      }),
      { numRuns: 25 },
    );
  });

  it('what is not needed could be anything: needed parts without an error leave no error', () => {
    fc.assert(
      fc.property(condition, someArgs, (when, args) => {
        fc.pre(loads(when));
        const top = explained(when, args).when as Explained;
        const errors = (part: Explained): number =>
          part.needed ? Number('error' in part) + part.parts.reduce((sum, one) => sum + errors(one), 0) : 0;
        if (!('error' in top)) expect(errors(top)).toBe(0);
      }),
      { numRuns: 25 },
    );
  });
});
