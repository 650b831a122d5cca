import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { readCases } from '../../../src/policy/cases/read-cases.ts';

const name = 'starter.cases.yaml';

function read(text: string): ReturnType<typeof readCases> {
  return readCases({ name, text });
}

function oneCase(input: string, expectation = '{verdict: DENY, code: NO_RULE_ALLOWS}'): string {
  return `cases:\n  - title: t\n    input: ${input}\n    expect: ${expectation}\n`;
}

function refusal(text: string): string {
  try {
    read(text);
  } catch (thrown) {
    if (thrown instanceof CountersignError && thrown.code === 'POLICY_INVALID') return thrown.message;
    throw thrown;
  }
  throw new Error('the cases were accepted');
}

describe('cases that say nothing of what their author meant are refused', () => {
  it.each([
    ['a field of a case', 'cases: [{titel: a}]', '1:10'],
    ['a field of an input', oneCase('{humans: {}}'), '3:13'],
    ['a field of a person', oneCase('{human: {role: [a]}}'), '3:21'],
    ['a field of a tool', oneCase('{tool: {Server: a}}'), '3:20'],
    ['a field of an expectation', oneCase('{}', '{verdict: DENY, code: NO_RULE_ALLOWS, rules: a}'), '4:51'],
    ['a field of history', oneCase('{history: {tainted: true}}'), '3:23'],
  ])('%s that does not exist', (_, text, place) => {
    expect(refusal(text)).toContain(`${name}:${place}: unknown field`);
  });

  it.each([
    ['roles that are no list', oneCase('{human: {roles: admin}}')],
    ['a role that is no string', oneCase('{human: {roles: [1]}}')],
    ['a time that is no number', oneCase('{human: {authTime: "now"}}')],
    ['a flag that is text', oneCase('{tool: {accepted: "true"}}')],
    ['arguments that are a list', oneCase('{args: [1]}')],
    ['a key that is no string', oneCase('{args: {1: 2}}')],
    ['a number that JSON has not', oneCase('{args: {n: .inf}}')],
    ['a number that a double only rounds to', oneCase('{args: {n: 9007199254740993}}')],
    ['a time of day alone', oneCase('{now: "12:00"}')],
    ['another verdict', oneCase('{}', '{verdict: MAYBE, code: NO_RULE_ALLOWS}')],
    ['no code, by which an error would pass for a denial', oneCase('{}', '{verdict: DENY}')],
    ['a code that does not exist', oneCase('{}', '{verdict: DENY, code: NO_RULE_ALOWS}')],
    ['no title', 'cases: [{expect: {verdict: DENY, code: NO_RULE_ALLOWS}}]'],
    ['no expectation', 'cases: [{title: a}]'],
    ['no cases', 'policies: [a.yaml]'],
    ['an empty list of policies', 'policies: []\ncases: []'],
    ['an anchor', 'cases: &a []'],
    ['nothing', ''],
  ])('%s', (_, text) => {
    expect(refusal(text)).toMatch(/^starter\.cases\.yaml:\d+:\d+: .*\.$/);
  });

  it('with the code that was meant', () => {
    expect(refusal(oneCase('{}', '{verdict: DENY, code: NO_RULE_ALOWS}'))).toContain(
      'did you mean NO_RULE_ALLOWS?',
    );
  });
});

describe('a case', () => {
  it('is a call by an agent alone to an accepted tool, with what it writes on top', () => {
    const [one] = read(oneCase('{tool: {name: write_file}, args: {path: /a}}')).cases;
    expect(one?.input).toMatchObject({
      tool: { server: 'files', name: 'write_file', accepted: true },
      args: { path: '/a' },
      history: { untrusted: false, calls: {} },
    });
    expect(one?.input).not.toHaveProperty('human');
    expect(one?.place).toEqual({ name, line: 2, column: 12 });
  });

  it('without an input is that call', () => {
    const [one] = read('cases: [{title: a, expect: {verdict: DENY, code: NO_RULE_ALLOWS}}]').cases;
    expect(one?.input.tool.name).toBe('read_file');
  });

  it('of a person has what every person has', () => {
    const [one] = read(oneCase('{human: {roles: [ot.operator]}}')).cases;
    expect(one?.input.human).toMatchObject({ subject: 'u1', roles: ['ot.operator'] });
    expect(one?.input.human).not.toHaveProperty('groups');
  });

  it('may give what was asked, what happened before and where values came from', () => {
    const input =
      '{request: {text: pay}, history: {untrusted: true, calls: {mail/read: 2}}, origins: {pay: [request]}, now: "2026-05-01T00:00:00Z"}';
    expect(read(oneCase(input)).cases[0]?.input).toMatchObject({
      request: { text: 'pay', signed: false },
      history: { untrusted: true, sensitive: false, calls: { 'mail/read': 2 } },
      origins: { pay: ['request'] },
      now: '2026-05-01T00:00:00Z',
    });
  });

  it('keeps a key such as __proto__ as the key that a caller sent', () => {
    const { args } = read(oneCase('{args: {__proto__: {a: 1}, constructor: null}}')).cases[0]?.input ?? {};
    expect(Object.keys(args ?? {})).toEqual(['__proto__', 'constructor']);
    expect(Object.hasOwn(args ?? {}, 'a')).toBe(false);
  });
});

it('cases are about the pack of the same name unless they name packs', () => {
  expect(read('cases: []').policies).toEqual(['starter.yaml']);
  expect(readCases({ name: '/a/b/c.cases.yml', text: 'cases: []' }).policies).toEqual(['c.yml']);
  expect(read('policies: [a.yaml, b.yaml]\ncases: []').policies).toEqual(['a.yaml', 'b.yaml']);
});

it('whatever the text, it is read or refused with a place', () => {
  const word = fc.constantFrom(
    ...'cases:|policies:|- |title: a|\n|  |{|}|[|]|input|expect|:|, |verdict|DENY|"|&a|*a|!!x|1e999|null'.split(
      '|',
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      try {
        read(words.join(''));
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(CountersignError);
        expect((thrown as CountersignError).message).toMatch(/^starter\.cases\.yaml:\d+:\d+: /);
      }
    }),
    { numRuns: 200 },
  );
});
