import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkPolicy } from '../../../src/policy/check/check.ts';
import { compilePolicy } from '../../../src/policy/compile.ts';
import type { Decision, PolicyInput } from '../../../src/policy/policy.ts';
import { agentOnly, input } from '../support/inputs.ts';
import { packOf } from './support.ts';

const tools = fc.uniqueArray(fc.constantFrom('"x/*"', '"*/*"', 'x/a', 'x/ab', 'y/a', '"x/a*"', '"*/a"'), {
  minLength: 1,
  maxLength: 2,
});
const condition = fc.constantFrom(
  undefined,
  'tool.accepted',
  'args.n > 1',
  'args["n"] > 1',
  '"ot.operator" in human.roles',
  'tool.name == "a"',
  'human.subject != "x"',
);
const obligations = fc.constantFrom(undefined, '[{type: witness, count: 1}]', '[{type: witness, count: 2}]');
const rule = fc.record({
  effect: fc.constantFrom('allow', 'allow', 'deny'),
  tools,
  condition,
  obligations,
  shadow: fc.constantFrom(false, false, true),
});
type Written = typeof rule extends fc.Arbitrary<infer T> ? T : never;

function written(
  { effect, tools: named, condition: when, obligations: demanded, shadow }: Written,
  id: number,
): string {
  return [
    `{id: r${id}, effect: ${effect}, tools: [${named.join(', ')}]`,
    ...(when === undefined ? [] : [`when: '${when}'`]),
    ...(demanded === undefined || effect === 'deny' ? [] : [`obligations: ${demanded}`]),
    ...(shadow ? ['shadow: true'] : []),
  ]
    .join(', ')
    .concat('}');
}

const calls: readonly PolicyInput[] = [agentOnly, input, { ...input, human: { roles: [] } }].flatMap((who) =>
  [{}, { n: 1 }, { n: 2 }].flatMap((args) =>
    ['x/a', 'x/ab', 'y/a', 'y/b'].flatMap((tool) => {
      const [server = '', name = ''] = tool.split('/');
      return [true, false].map((accepted) => ({
        ...who,
        args,
        tool: { server, name, accepted, listed: true },
      }));
    }),
  ),
);

/** What a caller notices: not which of two rules that decide alike is named. */
function noticed(decision: Decision): unknown {
  const demanded =
    decision.verdict === 'ALLOW'
      ? decision.obligations.map(({ rule: _, ...what }) => JSON.stringify(what))
      : [];
  return [decision.verdict, [...new Set(demanded)].sort(), decision.enforced];
}

it('without the rules that are called pointless every call is decided alike, be it one of them or all', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 2, maxLength: 5 }), (rules) => {
      const lines = rules.map(written);
      const whole = compilePolicy([{ name: 'a', text: packOf(...lines) }]);
      const pointless = checkPolicy([{ name: 'a', text: packOf(...lines) }])
        .warnings.filter(({ kind }) => ['duplicate', 'covered', 'never-decides'].includes(kind))
        .map(({ rule: id }) => Number(id?.slice(1)));
      if (pointless.length === 0) return;
      expect(pointless.length).toBeLessThan(lines.length);
      const rest = lines.filter((_, at) => !pointless.includes(at));
      const without = compilePolicy([{ name: 'a', text: packOf(...rest) }]);
      for (const call of calls) expect(noticed(without.decide(call))).toEqual(noticed(whole.decide(call)));
    }),
    { numRuns: 25 },
  );
});
