import { describe, expect, it } from 'vitest';
import { addCoverage, coverageOf, isCovered, type RuleCoverage } from '../../../src/policy/cases/coverage.ts';
import { judgeCase, type JudgedCase } from '../../../src/policy/cases/judge-case.ts';
import { readCases } from '../../../src/policy/cases/read-cases.ts';
import { readRules } from '../../../src/policy/check/checked-rule.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';

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
  const policy = compilePolicy([pack]);
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
