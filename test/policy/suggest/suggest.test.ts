import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/call/json.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { Policy, PolicyInput } from '../../../src/policy/policy.ts';
import { createSuggester, type Suggestion } from '../../../src/policy/suggest/suggest.ts';
import { agentOnly, input } from '../support/inputs.ts';

const noon = Date.UTC(2026, 0, 1, 12);

function callTo(name: string, args: JsonObject, of: PolicyInput = agentOnly): PolicyInput {
  return { ...of, tool: { ...of.tool, server: 'files', name }, args };
}

function suggested(
  calls: readonly PolicyInput[],
  denied: readonly PolicyInput[] = [],
): Suggestion & { readonly policy: Policy } {
  const suggester = createSuggester();
  for (const call of calls) suggester.allow(call, noon);
  for (const call of denied) suggester.deny(call);
  const suggestion = suggester.pack({ name: 'suggested', least: 3 });
  if (suggestion === undefined) throw new Error('nothing was suggested');
  return { ...suggestion, policy: policyOf(suggestion) };
}

/** The pack as it is enforced; one of no rules allows nothing. */
function policyOf({ text, rules }: Suggestion): Policy {
  const nothing = `version: 1\nname: none\nrules: [{id: none, effect: deny, tools: ["*/*"]}]\n`;
  return compilePolicy([{ name: 'suggested.yaml', text: rules === 0 ? nothing : text }]);
}

const allows = (policy: Policy, call: PolicyInput): boolean => policy.decide(call).verdict === 'ALLOW';

/** What is suggested for one argument, from values of `a`. */
function whenOf(...values: readonly Json[]): string {
  const { text } = suggested(values.map((a) => callTo('read', { a })));
  return /&& has\(args\.a\) && (.*)/.exec(text)?.[1] ?? text;
}

const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom<Json>(
      null,
      true,
      false,
      0,
      -1.5,
      1e21,
      3,
      'a',
      '/srv/a',
      '/srv/b/../c',
      'x@example.org',
      '',
    ),
    fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text.isWellFormed()),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('a', 'in', 'we ird', '__proto__', 'b', 'constructor'),
      tie('value'),
    ) as fc.Arbitrary<JsonObject>,
  ),
})).value;
const someArgs = fc.dictionary(
  fc.oneof(fc.constantFrom('path', 'to', 'n', '__proto__', 'for', 'x-y'), fc.string({ maxLength: 5 })),
  json,
  { maxKeys: 4 },
) as fc.Arbitrary<JsonObject>;

describe('whatever was called, the pack loads, and allows what it was proposed from', () => {
  it('for any arguments', () => {
    fc.assert(
      fc.property(fc.array(someArgs, { minLength: 1, maxLength: 6 }), (all) => {
        const calls = all.map((args) => callTo('read', args));
        const { policy, rules } = suggested(calls);
        if (rules > 0) for (const call of calls) expect(allows(policy, call)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('and nothing that a rule denied', () => {
    fc.assert(
      fc.property(fc.array(someArgs, { minLength: 2, maxLength: 8 }), fc.nat(7), (all, split) => {
        const calls = all.map((args) => callTo('read', args));
        const denied = calls.slice(0, split);
        const seen = calls.slice(split);
        fc.pre(seen.length > 0);
        const { policy } = suggested(seen, denied);
        for (const call of denied) expect(allows(policy, call)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });
});

describe('a caller who chooses names and values', () => {
  it('writes no line of the pack: control characters and quotes are escaped', () => {
    const evil = 'x"\n  - id: all\n    effect: allow\n    tools: ["*/*"]\n#\u001b[2J\u2028';
    const calls = [1, 2, 3].map(() => callTo('read', { mode: evil, [evil]: 1 }));
    const { text, policy } = suggested(calls);
    expect(text).not.toMatch(/[\u001b\u2028]/);
    expect(text.match(/^ {2}- id:/gm)).toHaveLength(1);
    expect(allows(policy, callTo('write', {}))).toBe(false);
  });

  it('gets no rule for a tool whose name is a pattern', () => {
    const { rules, without } = suggested([
      callTo('*', {}),
      callTo('a b', {}),
      callTo('\u202e', {}),
      callTo('r{x}', {}),
    ]);
    expect(rules).toBe(0);
    expect(without.map(({ why }) => why)).toEqual(Array.from({ length: 4 }, () => 'unnameable'));
  });

  it('costs bounded space: many names, levels, elements and tools', () => {
    const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`n${i}`, i]));
    let deep: Json = 1;
    for (let i = 0; i < 50; i++) deep = { deep };
    const list = Array.from({ length: 50_000 }, (_, i) => `${i}`);
    const suggester = createSuggester();
    for (const [tool, args] of [
      ['wide', wide],
      ['deep', { deep }],
      ['list', { list }],
    ] as const)
      suggester.allow(callTo(tool, args), noon);
    for (let i = 0; i < 1_100; i++) suggester.deny(callTo(`t${i}`, {}));
    suggester.allow(callTo('one-more', {}), noon);
    const { text = '', rules, beyond } = suggester.pack({ name: 'suggested', least: 3 }) ?? {};
    expect(rules).toBe(3);
    expect(beyond).toBe(1);
    expect(text.length).toBeLessThan(1_000_000);
    expect(text).toContain('THEIR NAMES LOOK LIKE DATA');
  });
});

describe('what tells of a secret or a person is not written', () => {
  it.each([
    'sk-live-abcdefabcdefabcdef',
    'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
    '3f786850e387550fdab836ed7e6dc881de23001b',
    '01a203d2-f290-76c4-a3e1-70aa85ea9300',
    'GB82WEST12345698765432',
    '+49 170 1234567',
    'Dear somebody, as we said on the telephone',
    'dXNlcjpwYXNzd29yZDEyMw==',
    'password123',
  ])('%s', (secret) => {
    expect(whenOf(secret, secret, secret)).toMatch(/^type\(args\.a\) == string && args\.a\.size\(\) <= \d+$/);
  });

  it('an address is its domain, and no other text that ends so', () => {
    const { text, policy } = suggested(
      ['p1', 'p2', 'p3'].map((name) => callTo('send', { to: `${name}@example.org` })),
    );
    expect(text).not.toMatch(/p[123]@/);
    expect(allows(policy, callTo('send', { to: 'other@example.org' }))).toBe(true);
    for (const to of [
      'a@example.org.evil.test',
      'a@evil.test,b@example.org',
      'a@exampleXorg',
      'a@evil.test\nb@example.org',
    ])
      expect(allows(policy, callTo('send', { to }))).toBe(false);
  });

  it('nor in a folder’s name, nor as the name of an argument', () => {
    const { text } = suggested(
      [1, 2, 3].map((n) =>
        callTo('read', { path: `/srv/3f786850e387550fdab836ed7e6dc881de23001b/${n}/x y` }),
      ),
    );
    expect(text).toContain('startsWith("/srv/")');
    expect(text).not.toContain('3f786850');
    expect(suggested([callTo('read', { 'p1@example.org': 1 })]).text).not.toContain('p1@');
  });

  it('nor a number that numbers somebody', () => {
    expect(whenOf(4_111_111_111, 4_111_111_112, 4_111_111_113)).toBe('type(args.a) == double');
  });
});

describe('the tightest condition that covers what was seen', () => {
  it.each<readonly [readonly Json[], string]>([
    [['r', 'w', 'r', 'w'], 'args.a in ["r", "w"]'],
    [['r', 'r', 'r'], 'args.a == "r"'],
    [['/srv/a/1', '/srv/a/2', '/srv/a/b/3'], 'args.a.startsWith("/srv/a/")'],
    [['/srv/a', '/srv/a/2', '/srv/a/3'], '(args.a == "/srv/a" || args.a.startsWith("/srv/a/"))'],
    [['/srv/a/1', '/srv/ab/2', '/srv/ac'], 'args.a.startsWith("/srv/")'],
    [[1, 2.5, 40], 'args.a >= 1.0 && args.a <= 40.0'],
    [[true, true], 'args.a == true'],
    [[true, false], 'type(args.a) == bool'],
    [[[], []], 'args.a == []'],
    [[['x'], ['x', 'x']], 'type(args.a) == list && size(args.a) <= 2 && args.a.all(e1, e1 == "x")'],
    [
      ['https://a.example.org/1', 'https://a.example.org/2', 'https://a.example.org'],
      String.raw`^https://a\\.example\\.org([/?#]|$)`,
    ],
    [[null, 1, 1, null], '((args.a == null) || (args.a == 1.0))'],
  ])('%j', (values, condition) => {
    expect(whenOf(...values)).toContain(condition);
  });

  it('a path of that folder cannot lead out of it', () => {
    const { policy } = suggested(['1', '2', '3'].map((name) => callTo('read', { path: `/srv/p/${name}` })));
    const verdicts = ['/srv/p/other', '/srv/p/../etc', '/srv/px', '/etc'].map((path) =>
      allows(policy, callTo('read', { path })),
    );
    expect(verdicts).toEqual([true, false, false, false]);
  });

  it.each([
    [['/srv/a/1', '/srv/a/2', '/srv/a/../b']],
    [
      [
        'https://a.example.org:80@b.test/1',
        'https://a.example.org:80@b.test/2',
        'https://a.example.org:80@b.test/3',
      ],
    ],
  ])('what only begins as one is none: %j', (values) => {
    const calls = values.map((path) => callTo('read', { path }));
    const { text, policy } = suggested(calls);
    expect(text).not.toMatch(/startsWith|matches/);
    for (const call of calls) expect(allows(policy, call)).toBe(true);
  });

  it('asks for an accepted tool only where every call was to one', () => {
    const listed = { ...agentOnly, tool: { ...agentOnly.tool, accepted: false } } as PolicyInput;
    expect(suggested([callTo('read', {})]).text).toContain('tool.accepted');
    expect(suggested([callTo('read', {}), callTo('read', {}, listed)]).text).not.toContain('tool.accepted');
  });

  it('names an argument that is a word of CEL as well', () => {
    expect(suggested([callTo('read', { in: 1, for: 'x' })]).rules).toBe(1);
  });

  it('no other argument, and none of another kind: an answer, never an error', () => {
    const { policy } = suggested([1, 2, 3].map((n) => callTo('read', { n, ...(n > 1 && { m: n }) })));
    expect(allows(policy, callTo('read', { n: 2 }))).toBe(true);
    for (const args of [{ n: 2, x: 1 }, { n: '2' }, {}, { n: 2, m: 9 }, { n: [2] }] as JsonObject[])
      expect(policy.decide(callTo('read', args))).toMatchObject({ code: 'NO_RULE_ALLOWS' });
  });

  it('who called: the agents, and the roles, zone and device that all had', () => {
    const other = { ...input, human: { ...input.human, roles: ['ot.operator', 'reader'] } } as PolicyInput;
    const { text } = suggested([callTo('read', {}, input), callTo('read', {}, other)]);
    expect(text).toContain('"ot.operator" in human.roles');
    expect(text).not.toContain('"reader"');
    expect(text).toContain('network.zone == "ot-control"');
    const { text: mixed } = suggested([callTo('read', {}, input), callTo('read', {})]);
    expect(mixed).not.toContain('human.roles');
  });
});

describe('a person reviews it', () => {
  it('says from how many calls each part comes, and warns of few', () => {
    const { text } = suggested([callTo('read', { n: 1 }), callTo('read', { n: 1, m: 2 })]);
    expect(text).toMatch(/# 2 calls\n {2}# TOO FEW/);
    expect(text).toContain('#   args.m: in 1 of 2,');
  });

  it('says how many denied calls it was not held against', () => {
    const denied = Array.from({ length: 201 }, (_, n) => callTo('read', { n }));
    expect(suggested([callTo('read', { a: 'x' })], denied).text).toContain(
      'Not held against 1 further calls',
    );
  });

  it('is in shadow, so that loading it changes nothing', () => {
    expect(suggested([callTo('read', {})]).policy.decide(callTo('write', {})).enforced).toBe(false);
  });

  it('is the same for the same calls', () => {
    const calls = ['b', 'a', 'c'].map((name) => callTo(name, { x: name }));
    expect(suggested(calls).text).toBe(suggested(calls.toReversed()).text);
  });

  it('has no rule for a tool whose allowed and denied calls look alike, and says so', () => {
    const { rules, text, without } = suggested([callTo('read', { a: 'x' })], [callTo('read', { a: 'x' })]);
    expect([rules, without]).toEqual([0, [{ tool: 'files/read', why: 'denied' }]]);
    expect(text).toContain('# No rule for files/read');
  });

  it('rather names each value than cover one that was denied', () => {
    const paths = ['/srv/a/1', '/srv/b/2', '/srv/c/3'].map((path) => callTo('read', { path }));
    const { policy } = suggested(paths, [callTo('read', { path: '/srv/b/secret' })]);
    expect(allows(policy, callTo('read', { path: '/srv/b/2' }))).toBe(true);
    expect(allows(policy, callTo('read', { path: '/srv/b/secret' }))).toBe(false);
  });
});
