import { describe, expect, it } from 'vitest';
import { addCoverage, coverageOf, isCovered, type RuleCoverage } from '../../../src/policy/cases/coverage.ts';
import { judgeCase, type JudgedCase } from '../../../src/policy/cases/judge-case.ts';
import { readCases } from '../../../src/policy/cases/read-cases.ts';
import { readRules } from '../../../src/policy/check/checked-rule.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { PolicySource } from '../../../src/policy/policy.ts';

const pack = {
  name: 'pay.yaml',
  text: `version: 1
name: pay
rules:
  - { id: small, effect: allow, tools: [bank/pay], when: args.amount <= 10, obligations: [{ type: witness, count: 2 }] }
  - { id: never, effect: deny, tools: ['bank/close*'] }
  - { id: try-out, effect: deny, tools: [bank/pay], when: args.amount > 5, shadow: true }
`,
};

function judged(...cases: readonly string[]): JudgedCase[] {
  return judgedUnder(pack, ...cases);
}

function judgedUnder(source: PolicySource, ...cases: readonly string[]): JudgedCase[] {
  const policy = compilePolicy([source]);
  const text = `cases:\n${cases.map((one) => `  - { title: t, ${one} }\n`).join('')}`;
  return readCases({ name: 'pay.cases.yaml', text }).cases.map((one) => judgeCase(policy, one));
}

function differences(expectation: string, amount = 10): string[] {
  const input = `input: { tool: { server: bank, name: pay }, args: { amount: ${amount} } }`;
  const [one] = judged(`${input}, expect: ${expectation}`);
  return one?.differences.map(({ what }) => what) ?? ['nothing was judged'];
}

describe('a case holds', () => {
  it.each([
    '{ verdict: ALLOW, code: RULE_ALLOWS }',
    '{ verdict: ALLOW, code: RULE_ALLOWS, rule: small }',
    '{ verdict: ALLOW, code: RULE_ALLOWS, obligations: [{ type: witness }] }',
    '{ verdict: ALLOW, code: RULE_ALLOWS, obligations: [{ count: 2, type: witness, rule: small }] }',
    '{ verdict: ALLOW, code: RULE_ALLOWS, enforced: true }',
    '{ verdict: ALLOW, code: RULE_ALLOWS, shadow: { verdict: DENY, rule: try-out } }',
  ])('with %s', (expectation) => {
    expect(differences(expectation)).toEqual([]);
  });
});

describe('what is said of obligations', () => {
  it('is matched with the most exact first, in whatever order it stands', () => {
    const limits = '[{ type: limit, bytes: 5 }, { type: limit, bytes: 9, when: args.amount > 5 }]';
    const text = `version: 1\nname: two\nrules:\n  - { id: two, effect: allow, tools: [bank/two], obligations: ${limits} }\n`;
    const input = 'input: { tool: { server: bank, name: two }, args: { amount: 10 } }';
    const expected = '[{ type: limit }, { type: limit, bytes: 5 }]';
    const [one] = judgedUnder(
      { name: 'two.yaml', text },
      `${input}, expect: { verdict: ALLOW, code: RULE_ALLOWS, obligations: ${expected} }`,
    );
    expect(one?.differences).toEqual([]);
  });
});

describe('a case does not hold', () => {
  it.each([
    ['{ verdict: DENY, code: RULE_DENIES }', ['verdict', 'code']],
    ['{ verdict: ALLOW, code: RULE_ALLOWS, rule: other }', ['rule']],
    ['{ verdict: ALLOW, code: RULE_ALLOWS, obligations: [] }', ['obligations']],
    ['{ verdict: ALLOW, code: RULE_ALLOWS, obligations: [{ type: witness, count: 3 }] }', ['obligations']],
    [
      '{ verdict: ALLOW, code: RULE_ALLOWS, obligations: [{ type: witness }, { type: witness }] }',
      ['obligations'],
    ],
    ['{ verdict: ALLOW, code: RULE_ALLOWS, enforced: false }', ['enforced']],
    ['{ verdict: ALLOW, code: RULE_ALLOWS, shadow: { verdict: ALLOW } }', ['shadow.verdict']],
  ])('with %s', (expectation, what) => {
    expect(differences(expectation)).toEqual(what);
  });

  it('when rules in shadow were to make a difference, and make none', () => {
    expect(differences('{ verdict: ALLOW, code: RULE_ALLOWS, shadow: { verdict: DENY } }', 1)).toEqual([
      'shadow',
    ]);
  });

  it('when a denial was meant and an error denied', () => {
    const [one] = judged(
      'input: { tool: { server: bank, name: pay } }, expect: { verdict: DENY, code: NO_RULE_ALLOWS }',
    );
    expect(one?.differences).toEqual([{ what: 'code', expected: 'NO_RULE_ALLOWS', decided: 'POLICY_ERROR' }]);
  });
});

describe('a field of an obligation that holds several values is the same only with all of them', () => {
  const text = `version: 1
name: ask
rules:
  - id: ask
    effect: allow
    tools: ['*/*']
    obligations:
      - { type: approval, from: ['role:a', 'role:b'] }
      - { type: transform, set: { /n: '{"a": 1.0, "b": 2.0}' } }
`;
  const policy = compilePolicy([{ name: 'ask.yaml', text }]);
  const holds = (obligations: string): boolean => {
    const expected = `{ verdict: ALLOW, code: RULE_ALLOWS, obligations: ${obligations} }`;
    const [one] = readCases({
      name: 'ask.cases.yaml',
      text: `cases: [{ title: t, expect: ${expected} }]`,
    }).cases;
    return one !== undefined && judgeCase(policy, one).differences.length === 0;
  };

  it.each([
    ["[{ type: transform, set: { /n: { a: 1, b: 2 } } }, { from: ['role:a', 'role:b'] }]", true],
    ["[{ type: transform }, { from: ['role:a'] }]", false],
    ["[{ type: transform }, { from: ['role:a', 'role:b', 'role:c'] }]", false],
    ["[{ type: transform }, { from: ['role:b', 'role:a'] }]", false],
    ['[{ type: approval }, { set: { /n: { a: 1 } } }]', false],
    ['[{ type: approval }, { set: { /n: { a: 1, b: 2, c: 3 } } }]', false],
  ])('%s: %s', (obligations, held) => expect(holds(obligations)).toBe(held));
});

describe('coverage', () => {
  const expected = 'expect: { verdict: DENY, code: NO_RULE_ALLOWS }';
  const pay = (amount: string): string =>
    `input: { tool: { server: bank, name: pay }, args: { amount: ${amount} } }, ${expected}`;
  const cover = (...cases: readonly string[]): RuleCoverage[] =>
    coverageOf(readRules([pack]), judged(...cases));
  const covered = (...cases: readonly string[]): string[] =>
    cover(...cases)
      .filter(isCovered)
      .map(({ rule }) => rule);

  it('wants a case that a rule decides and one that it does not', () => {
    expect(covered(pay('1'))).toEqual([]);
    expect(covered(pay('100'))).toEqual([]);
    expect(covered(pay('1'), pay('100'))).toEqual(['small', 'try-out']);
  });

  it('does not take an error of the rule for its decision', () => {
    expect(cover(pay('"x"')).map(({ decides, spares }) => [decides, spares])).toEqual([
      [0, 1],
      [0, 0],
      [0, 1],
    ]);
  });

  it('counts only calls to the rule’s tools', () => {
    expect(covered(pay('1'), `input: { tool: { server: bank, name: other } }, ${expected}`)).toEqual([]);
  });

  it('wants one case of a rule without a condition', () => {
    expect(covered(`input: { tool: { server: bank, name: close_account } }, ${expected}`)).toEqual(['never']);
  });

  it('adds up what several files show of the same rule of the same pack', () => {
    const sum = addCoverage([
      cover(pay('1')),
      cover(pay('100')),
      coverageOf(readRules([{ ...pack, name: 'b.yaml' }]), []),
    ]);
    expect(sum.map(({ rule, place, decides, spares }) => [place.name, rule, decides, spares])).toEqual([
      ['pay.yaml', 'small', 1, 1],
      ['pay.yaml', 'never', 0, 0],
      ['pay.yaml', 'try-out', 1, 1],
      ['b.yaml', 'small', 0, 0],
      ['b.yaml', 'never', 0, 0],
      ['b.yaml', 'try-out', 0, 0],
    ]);
  });
});
