import { describe, expect, it } from 'vitest';
import { checkPolicy } from '../../../src/policy/check/check.ts';
import { packOf, warned } from './support.ts';

const allow = (id: string, tools: string, more = ''): string =>
  `{id: ${id}, effect: allow, tools: [${tools}]${more === '' ? '' : `, ${more}`}}`;
const deny = (id: string, tools: string, more = ''): string =>
  `{id: ${id}, effect: deny, tools: [${tools}]${more === '' ? '' : `, ${more}`}}`;
const when = (condition: string): string => `when: '${condition}'`;

describe('an allow that can never decide', () => {
  it.each([
    ['a deny of the tool', allow('a', 'x/y', when('args.n > 1')), deny('b', 'x/y')],
    ['a deny of more tools', allow('a', 'x/y'), deny('b', 'x/*')],
    ['a deny of a wider pattern', allow('a', 'x/read_*, x/get_*'), deny('b', '"*/*"')],
    [
      'a deny on the same condition, however it is written',
      allow('a', 'x/y', when('args.n > 1')),
      deny('b', 'x/*', when('(args["n"]) >1')),
    ],
    ['a deny, though the allow is in shadow', allow('a', 'x/y', 'shadow: true'), deny('b', 'x/y')],
  ])('stands under %s', (_, allowing, denying) => {
    expect(warned(allowing, denying)).toEqual(['4:10 never-decides a']);
  });

  it('stands under several denies that cover its tools together', () => {
    expect(warned(allow('a', 'x/y, z/y'), deny('b', 'x/y'), deny('c', 'z/*'))).toEqual([
      '4:10 never-decides a',
    ]);
  });

  it.each([
    ['a deny of fewer tools', allow('a', 'x/*'), deny('b', 'x/y')],
    ['a deny of some of its tools', allow('a', 'x/y, z/y'), deny('b', 'x/*')],
    ['a deny on a condition', allow('a', 'x/y'), deny('b', 'x/y', when('args.n > 1'))],
    [
      'a deny on another condition',
      allow('a', 'x/y', when('args.n > 1')),
      deny('b', 'x/y', when('args.n > 2')),
    ],
    ['a deny in shadow', allow('a', 'x/y'), deny('b', 'x/y', 'shadow: true')],
    ['a deny whose pattern only looks wider', allow('a', 'x/*a'), deny('b', 'x/*a*b')],
  ])('is not one under %s', (_, allowing, denying) => {
    expect(warned(allowing, denying)).toEqual([]);
  });
});

describe('a rule that says what another says', () => {
  it.each([
    ['an allow twice', allow('a', 'x/y', when('args.n > 1')), allow('b', 'x/y', when('args.n>1'))],
    ['a deny twice', deny('a', 'x/y, x/z'), deny('b', 'x/z, x/y')],
    [
      'an allow that obliges to the same',
      allow('a', 'x/y', 'obligations: [{type: witness, count: 2}]'),
      allow('b', 'x/y', 'obligations: [{count: 2, type: witness}]'),
    ],
  ])('is found: %s', (_, one, other) => {
    expect(warned(one, other)).toEqual([expect.stringMatching(/^5:10 (duplicate|covered) b$/)]);
  });

  it.each([
    ['another effect', allow('a', 'x/y', when('args.n > 1')), deny('b', 'x/y', when('args.n > 2'))],
    ['other tools', allow('a', 'x/y'), allow('b', 'x/z')],
    ['another condition', allow('a', 'x/y', when('args.n > 1')), allow('b', 'x/y', when('args.n > 2'))],
    [
      'other obligations',
      allow('a', 'x/y', 'obligations: [{type: witness, count: 2}]'),
      allow('b', 'x/y', 'obligations: [{type: witness, count: 3}]'),
    ],
    ['shadow', allow('a', 'x/y', 'shadow: true'), allow('b', 'x/y')].slice(0, 3) as [string, string, string],
  ])('is not one with %s', (_, one, other) => {
    expect(warned(one, other).filter((text) => !text.endsWith('covered a'))).toEqual([]);
  });
});

describe('a rule that another covers', () => {
  it.each([
    ['an allow under one without a condition', allow('a', 'x/*'), allow('b', 'x/y'), 'b'],
    ['whichever stands first', allow('a', 'x/y'), allow('b', 'x/*'), 'a'],
    [
      'an allow whose condition cannot fail',
      allow('a', '"*/*"', when('tool.accepted')),
      allow('b', 'x/y', when('tool.accepted')),
      'b',
    ],
    [
      'an allow on what every call has',
      allow('a', 'x/*'),
      allow('b', 'x/y', when('tool.accepted && !tool.name.contains(":") && agent.binding in ["mtls"]')),
      'b',
    ],
    [
      'an allow that obliges to nothing under one that obliges',
      allow('a', 'x/*', 'obligations: [{type: witness, count: 2}]'),
      allow('b', 'x/y'),
      'b',
    ],
    ['a deny under one without a condition', deny('a', 'x/*'), deny('b', 'x/y', when('args.n > 1')), 'b'],
    ['one in shadow under one that is enforced', allow('a', 'x/*'), allow('b', 'x/y', 'shadow: true'), 'b'],
  ])('is found: %s', (_, one, other, id) => {
    expect(warned(one, other)).toEqual([expect.stringContaining(`covered ${id}`)]);
  });

  it.each([
    [
      'one whose condition can be an error, which denies',
      allow('a', 'x/*'),
      allow('b', 'x/y', when('args.n > 1')),
    ],
    [
      'one that asks about a human, of whom there may be none',
      allow('a', 'x/*'),
      allow('b', 'x/y', when('"r" in human.roles')),
    ],
    [
      'one that obliges to more',
      allow('a', 'x/*'),
      allow('b', 'x/y', 'obligations: [{type: witness, count: 2}]'),
    ],
    ['an enforced one under one in shadow', allow('a', 'x/*', 'shadow: true'), allow('b', 'x/y')],
    [
      'one that only several others cover together',
      allow('a', 'x/y'),
      allow('b', 'x/z'),
      allow('c', 'x/y, x/z, w/v'),
    ],
  ])('is not %s', (_, ...rules) => {
    expect(warned(...rules).filter((text) => !/covered [ab]$/.test(text) || rules.length < 3)).toEqual([]);
  });

  it('is never both of two that cover each other, nor all that cover one another in a ring', () => {
    expect(warned(allow('a', 'x/y, x/*'), allow('b', 'x/*'))).toEqual(['5:10 covered b']);
    const ring = warned(allow('a', 'x/y, x/z'), allow('b', 'x/y'), allow('c', 'x/z'));
    expect(ring).toEqual(['5:10 covered b', '6:10 covered c']);
  });
});

describe('an allow of everything', () => {
  it('is found, and pointed at', () => {
    expect(warned(allow('a', '"x/y", "*/*"'))).toEqual(['4:43 allows-everything a']);
  });

  it.each([
    ['with a condition', allow('a', '"*/*"', when('tool.accepted'))],
    ['of one server', allow('a', '"x/*"')],
    ['in shadow', allow('a', '"*/*"', 'shadow: true')],
    ['that somebody must approve', allow('a', '"*/*"', 'obligations: [{type: approval, from: operator}]')],
    ['that denies', deny('a', '"*/*"')],
  ])('is not one %s', (_, rule) => {
    expect(warned(rule)).toEqual([]);
  });
});

describe('a check', () => {
  it('of several packs sees them as one policy, and says in which a rule stands', () => {
    const { warnings, rules, policy } = checkPolicy([
      { name: 'one.yaml', text: packOf(allow('a', 'x/y')) },
      { name: 'two.yaml', text: packOf(deny('b', 'x/*')) },
    ]);
    expect(warnings).toMatchObject([
      { kind: 'never-decides', place: { name: 'one.yaml', line: 4, column: 10 } },
    ]);
    expect([rules.length, policy.id]).toEqual([2, 'test+test']);
  });

  it('of hundreds of rules that have nothing in common says nothing', () => {
    const rules = Array.from({ length: 300 }, (_, at) =>
      allow(`r${at}`, `s${at}/a*, x/t${at}`, when(`args.n > ${at}`)),
    );
    expect(warned(...rules)).toEqual([]);
  });
});
