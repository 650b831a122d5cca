import { describe, expect, it } from 'vitest';
import { compilePolicy, digestOf } from '../../src/policy/compile.ts';
import { limits } from '../../src/policy/limits.ts';
import { hex, sha256 } from '../../src/call/sha256.ts';
import { policyOf } from './support/inputs.ts';
import { conditionRefusal, refusalOf } from './support/refusals.ts';

const good = 'version: 1\nname: good\nrules:\n  - {id: r, effect: allow, tools: ["*/*"]}\n';

describe('a policy', () => {
  it('joins the names of its sources and takes the rules of all', () => {
    const other = good.replace('name: good', 'name: more').replace('id: r', 'id: s');
    const policy = compilePolicy([
      { name: 'a.yaml', text: good },
      { name: 'b.yaml', text: other },
    ]);
    expect(policy.id).toBe('good+more');
    expect(policy.engine).toMatch(/^cel\/@bufbuild-\d/);
  });

  it('has the SHA-256 of its length-prefixed texts as digest, whatever the files are called', () => {
    const source = new TextEncoder().encode('é');
    const bytes = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 2, ...source, 0, 0, 0, 0, 0, 0, 0, 0]);
    const texts = (name: string) => [
      { name, text: 'é' },
      { name, text: '' },
    ];
    expect(digestOf(texts('a'))).toBe(hex(sha256(bytes)));
    expect(digestOf(texts('b'))).toBe(digestOf(texts('a')));
    const parts = (...split: string[]) => digestOf(split.map((text) => ({ name: 'x', text })));
    expect(parts('ab', 'c')).not.toBe(parts('a', 'bc'));
    expect(parts('abc')).not.toBe(parts('abc', ''));
  });

  it('keeps its digest and rules when the array of sources changes later', () => {
    const sources = [{ name: 'a.yaml', text: good }];
    const policy = compilePolicy(sources);
    const { digest } = policy;
    sources.length = 0;
    expect(policy.digest).toBe(digest);
  });
});

describe('a source is refused', () => {
  it.each([
    ['an unfinished flow', 'version: 1\nname: a\nrules: [', 'a.yaml:3:'],
    ['a tab for indentation', 'version: 1\nrules:\n\t- a', 'a.yaml:3:'],
    ['a key twice', 'version: 1\nname: a\nname: b\nrules: []', 'a.yaml:3:1'],
    ['a rule’s key twice', good.replace('effect: allow', 'effect: deny, effect: allow'), 'a.yaml:4:'],
    ['two documents', `${good}---\n${good}`, 'a.yaml:5:'],
    ['no document', '', 'a.yaml:1:1'],
    ['a list', '- a', 'a.yaml:1:1'],
    ['an anchor', good.replace('"*/*"', '&a "*/*"'), 'a.yaml:4:'],
    ['an alias', 'version: 1\nname: &n a\nrules: [*n]', 'a.yaml:2:'],
    ['a merge key', good.replace('{id: r', '{<<: {effect: deny}, id: r'), 'a.yaml:4:'],
    ['a tag', good.replace('name: good', 'name: !!str good'), 'a.yaml:2:'],
    ['a tag of its own', good.replace('name: good', 'name: !secret good'), 'a.yaml:2:'],
    ['an unknown field', `owner: me\n${good}`, 'a.yaml:1:1'],
    ['an unknown field of a rule', good.replace('effect:', 'efect:'), 'a.yaml:4:13'],
    ['__proto__ as a field', good.replace('id: r', 'id: r, __proto__: {}'), 'a.yaml:4:'],
    ['a number as a key', good.replace('id: r', 'id: r, 1: 2'), 'a.yaml:4:'],
    ['no version', good.replace('version: 1\n', ''), 'a.yaml:1:1'],
    ['another version', good.replace('version: 1', 'version: 2'), 'a.yaml:1:10'],
    ['a version in quotes', good.replace('version: 1', 'version: "1"'), 'a.yaml:1:10'],
    ['no name', good.replace('name: good\n', ''), 'a.yaml:1:1'],
    ['a name with a plus', good.replace('good', 'a+b'), 'a.yaml:2:7'],
    ['no rules', 'version: 1\nname: a', 'a.yaml:1:1'],
    ['rules that are a map', 'version: 1\nname: a\nrules: {a: b}', 'a.yaml:3:8'],
    ['a rule that is a string', 'version: 1\nname: a\nrules: [x]', 'a.yaml:3:9'],
    ['a rule without an id', good.replace('id: r, ', ''), 'a.yaml:4:5'],
    ['a number as an id', good.replace('id: r', 'id: 7'), 'a.yaml:4:10'],
    ['a rule without an effect', good.replace('effect: allow, ', ''), 'a.yaml:4:5'],
    ['an unknown effect', good.replace('effect: allow', 'effect: permit'), 'a.yaml:4:21'],
    ['an effect in capitals', good.replace('effect: allow', 'effect: ALLOW'), 'a.yaml:4:21'],
    ['a rule without tools', good.replace(', tools: ["*/*"]', ''), 'a.yaml:4:5'],
    ['an empty list of tools', good.replace('["*/*"]', '[]'), 'a.yaml:4:35'],
    ['a tool for a list of tools', good.replace('["*/*"]', '"*/*"'), 'a.yaml:4:35'],
    ['a tool without a server', good.replace('"*/*"', '"read"'), 'a.yaml:4:36'],
    ['a boolean as a condition', good.replace('}', ', when: true}'), 'a.yaml:4:50'],
    ['a field without a value', good.replace('}', ', when: }'), 'a.yaml:4:'],
    ['a reason of two lines', good.replace('}', ', reason: "a\\nb"}'), 'a.yaml:4:'],
    ['a control that is none', good.replace('}', ', controls: ["<b>"]}'), 'a.yaml:4:'],
    [
      'an obligation that is not known',
      good.replace('}', ', obligations: [{type: approval}]}'),
      'a.yaml:4:58',
    ],
    ...[
      '',
      ', count: 0',
      ', count: 9',
      ', count: 1.5',
      ', count: "1"',
      ', count: .inf',
      ', count: 1, from: x',
    ].map((rest): [string, string, string] => [
      `a witness obligation with “${rest}”`,
      good.replace('}', `, obligations: [{type: witness${rest}}]}`),
      'a.yaml:4:',
    ]),
    [
      'two obligations of one type',
      good.replace('}', ', obligations: [{type: witness, count: 1}, {type: witness, count: 2}]}'),
      'a.yaml:4:85',
    ],
    [
      'a deny that obliges',
      good.replace('allow', 'deny').replace('}', ', obligations: [{type: witness, count: 1}]}'),
      'a.yaml:4:56',
    ],
    ['an obligation without a type', good.replace('}', ', obligations: [approval]}'), 'a.yaml:4:'],
    ['obligations that are a map', good.replace('}', ', obligations: {type: approval}}'), 'a.yaml:4:'],
    ['a lone surrogate', `${good}# \ud800`, 'a.yaml:1:1'],
    ['flow lists nested by the ten thousand', `version: ${'['.repeat(20_000)}`, 'a.yaml:'],
    [
      'maps nested by the thousand',
      Array.from({ length: 3000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
      'a.yaml:',
    ],
    ['more than it may hold', `${good}#${'x'.repeat(limits.sourceLength)}`, 'a.yaml:'],
  ])('for %s', (_, text, position) => {
    expect(refusalOf(text)).toContain(position);
  });

  it('when its rule id is taken by another file, which it names', () => {
    const message = refusalOf(good, good.replace('name: good', 'name: more'));
    expect(message).toContain('b.yaml:4:10');
    expect(message).toContain('a.yaml');
    expect(refusalOf(`${good}  - {id: r, effect: deny, tools: ["*/*"]}\n`)).toContain('a.yaml:5:10');
  });

  it('when all sources together have no rule', () => {
    const empty = 'version: 1\nname: e\nrules: []\n';
    expect(refusalOf()).toContain('no rule');
    expect(refusalOf(empty, empty)).toContain('no rule');
    expect(
      compilePolicy([
        { name: 'a', text: empty },
        { name: 'b', text: good },
      ]).id,
    ).toBe('e+good');
  });

  it('with a sentence that ends in what to do', () => {
    expect(refusalOf(good.replace('effect: allow', 'effect: permit'))).toBe(
      'a.yaml:4:21: unknown effect "permit"; write allow or deny.',
    );
  });
});

describe('an empty list of obligations', () => {
  it('is none', () => {
    expect(policyOf('{id: a, effect: allow, tools: ["*/*"], obligations: []}').id).toBe('test');
  });
});

describe('a condition is refused', () => {
  it.each([
    // Variables and fields
    ['user == "x"', 'no variable user'],
    ['@principal.admin', 'not valid CEL'],
    ['humam.roles == []', 'no variable humam'],
    ['human.role == "x"', 'human has no field role (did you mean human.roles?); it has issuer'],
    ['human["role"] == "x"', 'no field role'],
    ['"role" in human', 'no field role'],
    ['has(human.role)', 'no field role'],
    ['tool.readOnlyHint', 'no field readOnlyHint'],
    ['args.l.exists(x, y)', 'no variable y'],
    ['args.l.exists(x, x) && x', 'no variable x'],
    ['args.l.exists(args, args.x)', 'already a name'],
    ['args.l.exists(int, true)', 'already a name'],
    ['args.l.exists(x, args.m.exists(x, x))', 'already a name'],
    ['@result', 'not valid CEL'],
    ['int.x', 'has no field x'],
    ['session.client == "x"', 'no field client'],
    // Syntax
    ['', 'not valid CEL'],
    ['true &&', 'not valid CEL'],
    ['~args.a || #b', 'not valid CEL'],
    ['args.a &&& args.b', 'not valid CEL'],
    ['args.a == “x”', 'not valid CEL'],
    ['args.a = 1', 'not valid CEL'],
    ['args.a.?b', 'not valid CEL'],
    ['"\\ud800" == args.s', 'not valid CEL'],
    // Functions
    ['args.a.trim() == ""', 'no function trim'],
    ['@has(args, "a")', 'not valid CEL'],
    ['startsWith(args.a, "x")', 'x.startsWith(y)'],
    ['has(human)', 'has takes one field'],
    ['has(human["roles"])', 'has takes one field'],
    ['args.l.exists(args.x, true)', 'exists takes a name'],
    ['args.a.matches(args.b)', 'written out'],
    ['args.a.matches("(")', 'not an RE2 pattern'],
    ['args.a.matches("(a)\\\\1")', 'not an RE2 pattern'],
    ['now.getHours(args.zone) == 1', 'written out'],
    ['now.getHours("Mars/Olympus") == 1', 'not a time zone'],
    ['args.t.getHours() == 1', 'does not take'],
    ['timestamp(human.authTime) < now', 'timestamp(int('],
    ['google.protobuf.StringValue{value: "x"} == args.a', 'no type'],
    ['cel.bind(x, 1, x == 1)', 'no variable cel'],
    // What could only fail
    ['args.n + 1 == 2.0', 'write 1.0'],
    ['1 - args.n == 2.0', 'write 1.0'],
    ['args.n * size(args.l) == 2.0', 'write 1.0'],
    ['human.authTime + 60 > 0.0', 'write 1.0'],
    ['args.l.exists(x, x + 1 == 2.0)', 'write 1.0'],
    ['args.n % 2 == 0', 'int(…) % 2'],
    ['args.n % 2.0 == 0.0', 'int(…) % 2'],
    ['"a" + 1 == "a1"', 'always an error'],
    ['now + now == now', 'always an error'],
    ['-"a" == "a"', 'no negative'],
    ['human.roles == "admin"', 'never equal'],
    ['human.roles.exists(r, r == 1)', 'never equal'],
    ['1 in human.roles', 'never in a list'],
    ['"admin" in human.subject', 'in takes a list'],
    ['now < "2026-01-01T00:00:00Z"', 'cannot be compared'],
    ['human.roles < args.l', 'no order'],
    ['!human.subject', 'takes booleans'],
    ['human.subject && true', 'takes booleans'],
    ['human.subject ? true : false', 'chooses by a boolean'],
    ['human.subject[0] == "a"', 'cannot be indexed'],
    ['human.roles["a"] == "a"', 'indexed by numbers'],
    ['human.subject.exists(c, c == "a")', 'no elements'],
    ['{1.5: 2}[1.5] == 2', 'no key of a map'],
    ['99999999999999999999 == args.n', 'does not fit 64 bits'],
    ['1e999 == args.n', 'too large'],
    // What is no condition
    ['"true"', 'must be true or false'],
    ['human.roles', 'must be true or false'],
    ['now', 'must be true or false'],
    ['args.l.map(x, x)', 'must be true or false'],
  ])('%s', (when, reason) => {
    expect(conditionRefusal(when)).toContain(reason);
  });

  it.each([
    ['a thousand nested parentheses', `${'('.repeat(1000)}true${')'.repeat(1000)}`],
    ['a thousand that are never closed', '('.repeat(1000)],
    ['nested calls', `${'size('.repeat(400)}args${')'.repeat(400)} == 0`],
    ['nested lists', `${'['.repeat(400)}${']'.repeat(400)} == args.l`],
    ['nested maps', `${'{"a":'.repeat(100)}1${'}'.repeat(100)} == args.m`],
    ['nested indexes', `${'args['.repeat(300)}"a"${']'.repeat(300)} == 1`],
    ['a chain of selections', `args${'.a'.repeat(1500)} == 1`],
    ['a chain of sums', `args.a == ${'"a" + '.repeat(600)}"a"`],
    ['a chain of conditionals', `${'args.a ? true : '.repeat(250)}false`],
    ['nested macros', `${'args.l.all(x, '.repeat(60)}true${')'.repeat(60)}`],
    ['more characters than allowed', `args.a == "${'x'.repeat(5000)}"`],
  ])('for %s', (_, when) => {
    const start = performance.now();
    expect(conditionRefusal(when)).toMatch(/nests more|too large|too deep|longer than/);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it.each([
    ['single quotes', `when: 'args.a == 1.0 && humam.x'`, 'a.yaml:7:29'],
    ['double quotes', `when: "args.a == 1.0 && humam.x"`, 'a.yaml:7:29'],
    ['no quotes', `when: args.a == 1.0 && humam.x`, 'a.yaml:7:28'],
    ['a literal block', `when: |\n      args.a == 1.0 &&\n        humam.x`, 'a.yaml:9:9'],
    ['doubled quotes', `when: 'args.a == ''x'' && humam.x'`, 'a.yaml:7:31'],
    ['a folded block', `when: >-\n      args.a == 1.0 &&\n      humam.x`, 'a.yaml:9:7'],
  ])('at its own place within %s', (_, when, position) => {
    const text = `version: 1\nname: a\nrules:\n  - id: r\n    effect: allow\n    tools: ["*/*"]\n    ${when}\n`;
    const message = refusalOf(text);
    expect(message).toContain('no variable humam');
    expect(message.startsWith(`${position}: `), message).toBe(true);
  });
});

describe('a condition is accepted', () => {
  it.each([
    '"ot.operator" in human.roles && network.zone == "ot-control" && args.value <= 100',
    '!args.path.startsWith("/srv/project/")',
    'human.roles.exists(r, r.startsWith("ot.")) && human.groups.all(g, g != "blocked")',
    'args.items.map(i, i.price * 1.2).filter(p, p > 10).size() < 5',
    'args.items.exists_one(i, i.primary)',
    'args.n + 1.0 < 10 && args.n / 2.0 > 1 && -args.n < 0',
    'size(args.to) + 1 < 5',
    'tool.annotations.readOnlyHint == true',
    'has(tool.annotations) && has(tool.annotations.readOnlyHint)',
    'tool.name in ["a", "b"] || tool.name.matches("^read_[a-z]+$")',
    'now.getHours("Europe/Berlin") >= 8 && now.getDayOfWeek() in [1, 2, 3, 4, 5]',
    'now - timestamp(int(human.authTime)) < duration("1h")',
    'type(args.path) == string && args["odd-key"] == null',
    '{"a": 1, "b": 2}[args.level] <= 2',
    'args.l.all(x, args.m.exists(y, y == x))',
    'args.force ? "ot.lead" in human.roles : true',
    'args.s == "((((((((((((((((((((((((((((((((((((((((((((((((((((((((("',
    "args.s == r'\\(' // a comment (((((((((((((((((((((((((((((((((((((((((((((((((((((((\n",
    'args.a == "x" + args.b && args.l + [1] == args.m',
    'args',
  ])('%s', (when) => {
    expect(policyOf(`{id: a, effect: allow, tools: ["*/*"], when: ${JSON.stringify(when)}}`).id).toBe('test');
  });
});
