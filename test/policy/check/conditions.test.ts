import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCondition } from '../../../src/policy/cel/syntax.ts';
import type { Policy } from '../../../src/policy/policy.ts';
import { canBe } from '../../../src/policy/check/outcomes.ts';
import { conditionPolicy, input } from '../support/inputs.ts';
import { conditionWarnings, warned } from './support.ts';

describe('a condition that can be true for no call', () => {
  it.each([
    'false',
    '!true',
    '1 > 2',
    'false && human.subject == "a"',
    'human.subject == "a" && false',
    'args.a == "x" && args.a == "y"',
    'args["a"] == "x" && args.a == "y"',
    'args.a == "x" && has(args.b) && "y" == args.a',
    'network.zone == "a" && network.zone == "b"',
    'args.n > 5 && args.n < 3',
    'args.n > 5 && 5 > args.n',
    'args.n >= 5 && args.n < 5',
    'args.n > 5.0 && args.n <= 5',
    'args.n >= 3 && args.n <= 3 && args.n != 3',
    '!(args.n > 5) && args.n > 5',
    '!(args.n <= 5) && args.n < 3',
    'args.n > 9007199254740993 && args.n < 9007199254740993',
    'args.a in []',
    'args.a in ["x", "y"] && args.a == "z"',
    'args.a in ["x", "y"] && args.a in ["z"]',
    'args.a in ["x"] && args.a != "x"',
    'args.a == "x" && !(args.a in ["x", "y"])',
    'args.a == "5" && args.a > 3',
    'args.a == true && !args.a',
    'args.a == null && args.a == false',
    'args.p.startsWith("/a/") && args.p.startsWith("/b/")',
    'args.p.startsWith("/a/b") && !args.p.startsWith("/a")',
    'args.p.endsWith(".md") && args.p.endsWith(".txt")',
    'args.p == "/etc" && args.p.startsWith("/srv/")',
    'args.p.startsWith("/") && args.p > 1',
    'tool.accepted && !tool.accepted',
    'human.roles.exists(r, r == "a") && !human.roles.exists(r, r == "a")',
    'human.roles.exists(r, r == "a" && r == "b")',
    'human.binding == "mlts"',
    'session.mode == "isolate"',
    '(args.a == "x" && args.b == 1) && (args.c == 2 && args.a == "y")',
    'args.a == "x" ? false : 1 > 2',
    '!(args.a != "x" || args.a != "y")',
  ])('is found: %s', (when) => {
    expect(conditionWarnings(when)).toEqual(['never-true']);
  });
});

describe('a condition that can be false for no call', () => {
  it.each([
    'true',
    '!false',
    '1 < 2',
    'true || args.a == 1',
    'args.a != "x" || args.a != "y"',
    'args.n > 3 || args.n < 5',
    '!(args.a in [])',
    'tool.accepted || !tool.accepted',
    'args.to.all(x, x != "a" || x != "b")',
    '"a".startsWith("")',
    '[1, 2].exists(n, n == 2)',
  ])('is found: %s', (when) => {
    expect(conditionWarnings(when)).toEqual(['always-true']);
  });
});

it('a condition that is always an error is found', () => {
  expect(conditionWarnings('1 / 0 == 1')).toEqual(['always-fails']);
  expect(conditionWarnings('int("x") == 1')).toEqual(['always-fails']);
});

describe('a condition that hangs on the call', () => {
  it.each([
    'args.a == "x" || args.a == "y"',
    'args.a != "x" && args.a != "y"',
    'args.n > 3 && args.n < 4',
    'args.n >= 3 && args.n <= 3',
    'args.n > 3 && args.n > 5',
    'args.n < 3 || args.n > 5',
    'args.a in ["x", "y"] && args.a != "x"',
    'args.a == 1 && args.a == 1.0',
    'args.p.startsWith("/a") && args.p.startsWith("/a/b")',
    'args.p.startsWith("/a") && !args.p.startsWith("/a/b")',
    'args.p.startsWith("/a") && args.p.endsWith("a")',
    '!args.p.startsWith("/a") && !args.p.startsWith("/b")',
    'args.a.b == "x" && args.a.c == "y"',
    'args.a == "x" && args.b == "y"',
    'args.a * 1.0 > 5.0 && args.a * 2.0 < 3.0',
    '!(args.a / args.b > 5.0) && !(args.a / args.b <= 5.0)',
    'human.roles.exists(r, r == "a") && human.roles.exists(r, r == "b")',
    'args.l.exists(x, x == "a" || x == "b")',
    'args.l.filter(x, x > 1).size() > 0',
    'args.l.map(x, x.name) == ["a"]',
    'type(args.n) == double && args.n > 1',
    'human.binding == "mtls" || human.binding == "dpop"',
    'now.getHours() >= 8 && now.getHours() < 18',
    'called("files/*") > 3 && called("mail/*") == 0',
    'fromRequest(args.to) || fromTrusted(args.to)',
    '(has(args.a) ? args.a : "x") == "x"',
    '(has(args.a) ? true : false)',
    'args.a == args.b && args.a == args.c',
    'args.a["b"] == "x" && args.a["c"] == "y"',
    'args.a[0] == "x" && args.a[1] == "y"',
    'size(args.a) > 3 && size(args.a) < 4',
  ])('is not warned of: %s', (when) => {
    expect(conditionWarnings(when)).toEqual([]);
  });
});

describe('a part of a condition', () => {
  it('is pointed at, the smallest that is the mistake', () => {
    const when = 'tool.accepted && (args.a == "x" && args.a == "y" || tool.listed)';
    expect(warned(`{id: r, effect: allow, tools: ["a/b"], when: '${when}'}`)).toEqual([
      `4:${'  - {id: r, effect: allow, tools: ["a/b"], when: \''.length + when.indexOf('args.a') + 1} never-true r`,
    ]);
  });

  it('within a macro is found too', () => {
    expect(conditionWarnings('args.to.all(x, x == "a" || x != "b" || x != "c")')).toEqual(['always-true']);
    // It is true of an empty list.
    expect(conditionWarnings('args.to.all(x, x == "a" && x == "b")')).toEqual(['never-true']);
    expect(conditionWarnings('args.to.all(x, tool.listed || (x > 5 && x < 3))')).toEqual(['never-true']);
  });
});

it('a condition as deep as there may be is judged soon', () => {
  let when = 'args.a == 1';
  for (let depth = 0; depth < 44; depth++) when = `(${when} ? args.x == ${depth} : args.y == ${depth})`;
  const start = performance.now();
  expect(conditionWarnings(when)).toEqual([]);
  expect(performance.now() - start).toBeLessThan(2_000);
});

describe('what is said of a condition', () => {
  const fields = ['args.a', 'args.b', 'args.a.c', 'network.zone', 'args["a"]'];
  const literal = fc.constantFrom('"x"', '"y"', '"xy"', '""', '1', '2', '1.0', '-1', 'true', 'false', 'null');
  const field = fc.constantFrom(...fields);
  const compare = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
  const atom = fc.oneof(
    fc.tuple(field, compare, literal).map((parts) => parts.join(' ')),
    fc.tuple(literal, compare, field).map((parts) => parts.join(' ')),
    fc.tuple(field, literal, literal).map(([one, left, right]) => `${one} in [${left}, ${right}]`),
    fc
      .tuple(field, fc.constantFrom('startsWith', 'endsWith'), fc.constantFrom('"x"', '"y"', '""', '"xy"'))
      .map(([one, name, text]) => `${one}.${name}(${text})`),
    fc
      .tuple(field, fc.constantFrom('exists', 'all'), compare, literal)
      .map(([one, name, sign, value]) => `${one}.${name}(e, e ${sign} ${value} && e != "x")`),
    field.map((one) => `has(${one === 'args["a"]' ? 'args.a' : one})`),
    literal.filter((one) => one === 'true' || one === 'false'),
  );
  const { condition } = fc.letrec<{ condition: string }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc.tuple(tie('condition'), tie('condition')).map(([left, right]) => `(${left} && ${right})`),
      fc.tuple(tie('condition'), tie('condition')).map(([left, right]) => `(${left} || ${right})`),
      tie('condition').map((one) => `!(${one})`),
      fc
        .tuple(tie('condition'), tie('condition'), tie('condition'))
        .map(([one, yes, no]) => `(${one} ? ${yes} : ${no})`),
    ),
  }));
  const value = fc.constantFrom(
    'x',
    'y',
    'xy',
    '',
    1,
    2,
    1.5,
    -1,
    true,
    false,
    null,
    ['x', 'y'],
    [],
    { c: 'x' },
    { c: 1 },
  );

  it('holds for every call that could be thought of', () => {
    fc.assert(
      fc.property(
        condition,
        fc.array(fc.dictionary(fc.constantFrom('a', 'b'), value), { minLength: 1 }),
        (when, calls) => {
          const policy = loaded(when);
          if (policy === undefined) return;
          const { expr } = parseCondition(when);
          for (const args of calls) {
            const { code } = policy.decide({ ...input, network: { zone: 'x' }, args });
            if (code === 'RULE_ALLOWS') expect(canBe(expr, true)).toBe(true);
            if (code === 'NO_RULE_ALLOWS') expect(canBe(expr, false)).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  /** Undefined of what the lint refuses. */
  function loaded(when: string): Policy | undefined {
    try {
      return conditionPolicy(when);
    } catch {
      return undefined;
    }
  }
});
