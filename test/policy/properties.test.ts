import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountersignError } from '../../src/errors.ts';
import { compilePolicy } from '../../src/policy/compile.ts';
import type { Policy, PolicyInput } from '../../src/policy/policy.ts';
import { input, policyOf } from './support/inputs.ts';

/** A policy, or undefined when it was refused as it must be. */
function compiled(text: string): Policy | undefined {
  try {
    return compilePolicy([{ name: 'x.yaml', text }]);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(CountersignError);
    expect((thrown as CountersignError).code).toBe('POLICY_INVALID');
    return undefined;
  }
}

const words = fc.constantFrom(
  ...[
    'args',
    'human',
    'tool',
    'now',
    'x',
    'l',
    'name',
    'roles',
    'accepted',
    'has',
    'exists',
    'all',
    'map',
    'filter',
  ],
  ...[
    'size',
    'matches',
    'int',
    'string',
    'type',
    'timestamp',
    'duration',
    'getHours',
    'contains',
    '__proto__',
  ],
  ...[
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '.',
    ',',
    ':',
    '?',
    '!',
    '-',
    '+',
    '*',
    '/',
    '%',
    '==',
    '!=',
    '<',
    '>=',
    '&&',
    '||',
  ],
  ...[
    'in',
    '"a"',
    "'",
    '"""',
    'r"\\d"',
    'b"x"',
    '1',
    '1u',
    '2.5',
    '1e9',
    'true',
    'false',
    'null',
    '//',
    '\n',
    '@',
    '\\',
    '\0',
  ],
);
const expression = fc.array(words, { maxLength: 24 }).map((parts) => parts.join(''));
const spaced = fc.array(words, { maxLength: 24 }).map((parts) => parts.join(' '));

/** Well-formed conditions, so that decisions are reached and not only refusals. */
const { condition } = fc.letrec<{ condition: string; value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(
      'args.a',
      'args.l',
      'args.m.k',
      '1',
      '2.0',
      '"a"',
      'null',
      'human.roles',
      'tool.name',
      'now',
      '[1, 2]',
    ),
    fc.tuple(tie('value'), tie('value')).map(([left, right]) => `[${left}, ${right}]`),
    tie('value').map((value) => `args[${value}]`),
    tie('value').map((value) => `dyn(${value})`),
    tie('value').map((value) => `args.l.map(x, [x, ${value}])`),
  ),
  condition: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('true', 'false', 'tool.accepted', 'args.flag', 'has(args.a)', 'has(human.authTime)'),
    fc
      .tuple(tie('condition'), fc.constantFrom('&&', '||'), tie('condition'))
      .map((parts) => `(${parts.join(' ')})`),
    fc
      .tuple(tie('value'), fc.constantFrom('==', '!=', '<', 'in'), tie('value'))
      .map(([left, sign, right]) => `dyn(${left}) ${sign} dyn(${right})`),
    tie('condition').map((inner) => `!(${inner})`),
    tie('condition').map((inner) => `args.l.exists(y, ${inner})`),
  ),
}));

const args = fc.dictionary(
  fc.constantFrom('a', 'l', 'm', 'k', 'flag', '__proto__', '$typeName'),
  fc.jsonValue({ maxDepth: 3 }),
) as fc.Arbitrary<PolicyInput['args']>;

function ruleText(when: string): string {
  return `version: 1\nname: a\nrules:\n  - {id: r, effect: allow, tools: ["*/*"], when: ${JSON.stringify(when)}}\n`;
}

describe('compiling', () => {
  it('refuses with POLICY_INVALID or succeeds, for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => void compiled(text)));
  });

  it('refuses with POLICY_INVALID or succeeds, for a good policy with any cut and any insertion', () => {
    const good = ruleText('args.a == "b" && human.roles.exists(r, r == "x")');
    const at = fc.nat(good.length);
    fc.assert(
      fc.property(at, at, fc.oneof(words, fc.string({ maxLength: 3 })), (from, to, inserted) => {
        compiled(good.slice(0, Math.min(from, to)) + inserted + good.slice(Math.max(from, to)));
      }),
      { numRuns: 300 },
    );
  });

  it('refuses with POLICY_INVALID or succeeds, for any condition, and then decides about any call', () => {
    fc.assert(
      fc.property(fc.oneof(expression, spaced), args, (when, given) => {
        const decision = compiled(ruleText(when))?.decide({ ...input, args: given });
        expect(['ALLOW', 'DENY', undefined]).toContain(decision?.verdict);
      }),
      { numRuns: 500 },
    );
  });
});

describe('deciding', () => {
  it('never throws and is always the same, for any input', () => {
    const policy = compilePolicy([
      {
        name: 'x',
        text: ruleText(
          'args.a == "b" || human.roles == args.l || now.getHours() == 1 || has(tool.annotations)',
        ),
      },
    ]);
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true, withDate: true }),
        (odd) => {
          const inputs = [
            odd,
            { ...input, args: odd },
            { ...input, human: odd },
            { ...input, tool: odd },
            { ...input, now: odd },
          ];
          for (const one of inputs) {
            const decision = policy.decide(one as PolicyInput);
            expect(decision.verdict).toMatch(/^(ALLOW|DENY)$/);
            expect(policy.decide(one as PolicyInput)).toEqual(decision);
          }
        },
      ),
    );
  });

  it('never throws for an input that throws when it is read', () => {
    const trap = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
        getPrototypeOf: () => {
          throw new Error('trap');
        },
      },
    );
    const policy = policyOf('{id: a, effect: allow, tools: ["*/*"], when: args.a == 1.0}');
    for (const one of [trap, { ...input, tool: trap }, { ...input, args: trap }, undefined, null, 5]) {
      expect(policy.decide(one as PolicyInput).verdict).toBe('DENY');
    }
  });

  it('does not depend on the order of the rules, nor on which file they are in', () => {
    const rules = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
        effect: fc.constantFrom('allow', 'deny'),
        when: condition,
      }),
      { selector: ({ id }) => id, minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(rules, fc.nat(6), args, (list, cut, given) => {
        const texts = list.map(
          ({ id, effect, when }) =>
            `  - {id: ${id}, effect: ${effect}, tools: ["*/*"], when: ${JSON.stringify(when)}}\n`,
        );
        const call = { ...input, args: given };
        const pack = (lines: string[]) => ({
          name: 'x',
          text: `version: 1\nname: a\nrules:${lines.length === 0 ? ' []' : ''}\n${lines.join('')}`,
        });
        let reference: Policy;
        try {
          reference = compilePolicy([pack(texts)]);
        } catch {
          return;
        }
        const expected = reference.decide(call);
        const turned = texts.toReversed();
        expect(compilePolicy([pack(turned)]).decide(call)).toEqual(expected);
        expect(compilePolicy([pack(turned.slice(cut)), pack(turned.slice(0, cut))]).decide(call)).toEqual(
          expected,
        );
      }),
      { numRuns: 200 },
    );
  });

  it('allows only with a true condition, no error and no deny, as asking each rule alone says', () => {
    const rules = fc.array(fc.record({ effect: fc.constantFrom('allow', 'deny'), when: condition }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(rules, args, (list, given) => {
        const call = { ...input, args: given };
        const texts = list.map(
          ({ effect, when }, at) =>
            `{id: r${String(at)}, effect: ${effect}, tools: ["*/*"], when: ${JSON.stringify(when)}}`,
        );
        let whole: Policy;
        try {
          whole = policyOf(...texts);
        } catch {
          return;
        }
        const alone = texts.map((text) => policyOf(text).decide(call).code);
        const expected = ['RULE_DENIES', 'POLICY_ERROR', 'RULE_ALLOWS'].find((code) =>
          (alone as string[]).includes(code),
        );
        expect(whole.decide(call).code).toBe(expected ?? 'NO_RULE_ALLOWS');
      }),
      { numRuns: 200 },
    );
  });
});
