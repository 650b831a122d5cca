import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { engine } from '../../src/policy/compile.ts';
import { agentOnly, ask, conditionPolicy, input } from './support/inputs.ts';
import { conditionRefusal } from './support/refusals.ts';

/**
 * What let calls through in CEL engines for JavaScript, this one without its wrapping included. The wrapping leans on
 * two symbols that the engine does not document.
 */
it('is the engine whose version these tests were written for', () => {
  const { version } = JSON.parse(readFileSync('node_modules/@bufbuild/cel/package.json', 'utf8')) as {
    version: string;
  };
  expect(engine).toBe(`cel/@bufbuild-${version}`);
});

describe('what JavaScript inherits', () => {
  it.each([
    ['has(args.p.constructor)', '{"p":{}}', 'false'],
    ['has(args.p.__proto__)', '{"p":{}}', 'false'],
    ['has(args.constructor)', '{}', 'false'],
    ['has(args.toString)', '{}', 'false'],
    ['"constructor" in args', '{}', 'false'],
    ['"__proto__" in args.p', '{"p":{}}', 'false'],
    ['args.grants[args.user] != null', '{"grants":{},"user":"__proto__"}', 'error'],
    ['args.grants[args.user] != null', '{"grants":{},"user":"constructor"}', 'error'],
    ['args.__proto__ != null', '{}', 'error'],
    ['args["hasOwnProperty"] != null', '{}', 'error'],
    ['has(human.constructor)', '{}', 'refused'],
    ['human["__proto__"] != null', '{}', 'refused'],
    ['human[args.f] != null', '{"f":"constructor"}', 'error'],
    ['size(args.p) == 0', '{"p":{}}', 'true'],
    ['args.l.length > 0.0', '{"l":[1]}', 'error'],
    ['has(args.l.length)', '{"l":[1]}', 'error'],
    ['has(args.s.length)', '{"s":"abc"}', 'error'],
  ])('%s with %s is %s', (when, args, answer) => {
    if (answer === 'refused') conditionRefusal(when);
    else expect(ask(when, args)).toBe(answer);
  });

  it.each([
    '__proto__ != null',
    'constructor != null',
    'toString != null',
    'globalThis != null',
    'this != null',
  ])('has no variable: %s', (when) => {
    expect(conditionRefusal(when)).toMatch(/no variable|not valid CEL/);
  });

  it('takes an own key that is called __proto__ for what it is', () => {
    const args = '{"__proto__":{"tenant":"acme"},"filter":{"__proto__":{}}}';
    expect(ask('args.tenant == "acme"', args)).toBe('error');
    expect(ask('args["__proto__"].tenant == "acme"', args)).toBe('true');
    expect(ask('args.filter == {"tenant":"acme"}', args)).toBe('false');
    expect(ask('{"tenant":"acme"} == args.filter', args)).toBe('false');
  });
});

describe('objects that look like the engine’s own', () => {
  it('are plain maps when they have a $typeName', () => {
    const wrapped = '{"path":{"$typeName":"google.protobuf.StringValue","value":"/safe/x"}}';
    expect(ask('args.path.startsWith("/safe/")', wrapped)).toBe('error');
    expect(ask('args.path == "/safe/x"', wrapped)).toBe('false');
    expect(ask('args.path.value == "/safe/x"', wrapped)).toBe('true');
    expect(ask('type(args.path) == map', wrapped)).toBe('true');
    expect(ask('args.l[0].startsWith("/safe/")', `{"l":[${JSON.stringify(JSON.parse(wrapped).path)}]}`)).toBe(
      'error',
    );
  });

  it('are plain maps also where they would be a boolean, a timestamp or an Any', () => {
    for (const typeName of ['BoolValue', 'Any', 'Struct', 'Value', 'Timestamp']) {
      const args = JSON.stringify({ x: { $typeName: `google.protobuf.${typeName}`, value: true } });
      expect(ask('args.x', args)).toBe('error');
      expect(ask('args.x == true', args)).toBe('false');
    }
  });

  it('are errors when they are not JSON at all', () => {
    for (const odd of [
      new Map([['a', 1]]),
      new Date(0),
      10n,
      Symbol('x'),
      () => true,
      NaN,
      new Uint8Array(2),
    ]) {
      expect(ask('args.x == args.x', { ...input, args: { x: odd as unknown as string } })).toBe('error');
    }
  });
});

describe('null and absence', () => {
  it.each([
    ['!args.verified', '{"verified":null}', 'error'],
    ['!!args.verified', '{"verified":null}', 'error'],
    ['!!args.verified || false', '{"verified":null}', 'error'],
    ['args.verified', '{"verified":null}', 'error'],
    ['args.verified && true', '{"verified":null}', 'error'],
    ['args.verified == false', '{"verified":null}', 'false'],
    ['has(args.k)', '{"k":null}', 'true'],
    ['"k" in args', '{"k":null}', 'true'],
    ['has(args.o.k)', '{"o":{"k":null}}', 'true'],
    ['has(args.k)', '{}', 'false'],
    ['"k" in args', '{}', 'false'],
    ['args.k == null', '{"k":null}', 'true'],
    ['args.k == null', '{}', 'error'],
    ['"k" in {"k": null}', '{}', 'true'],
    ['has({"k": null}.k)', '{}', 'true'],
    ['has(args.o.k)', '{}', 'error'],
    ['!has(args.o.force)', '{"o":"text"}', 'error'],
    ['!has(args.o.force)', '{"o":null}', 'error'],
    ['!has(args.o.force)', '{"o":[]}', 'error'],
    ['args.l.exists(x, x.admin)', '{"l":[{"admin":"no"}]}', 'error'],
    ['args.l.exists(x, x.admin)', '{"l":[{"admin":"no"},{"admin":true}]}', 'true'],
    ['args.l.all(x, x.ok)', '{"l":[{"ok":null}]}', 'error'],
    ['args.l.all(x, x.ok)', '{"l":[]}', 'true'],
  ])('%s with %s is %s', (when, args, answer) => {
    expect(ask(when, args)).toBe(answer);
  });

  it('never grants by the absence of a person', () => {
    for (const when of [
      '!("blocked" in human.groups)',
      '!has(human.authTime)',
      'human.subject != "mallory"',
    ]) {
      expect(ask(when, agentOnly)).toBe('error');
    }
  });
});

describe('numbers', () => {
  it.each([
    ['args.n == 9007199254740992', '{"n":9007199254740992}', 'true'],
    ['args.n == 9007199254740993', '{"n":9007199254740992}', 'false'],
    ['9007199254740993 == 9007199254740992', '{}', 'false'],
    ['args.n <= 100', '{"n":1e400}', 'error'],
    ['args.n <= 100', '{"n":"5"}', 'error'],
    ['args.n <= 100', '{"n":[5]}', 'error'],
    ['args.n <= 100', '{"n":true}', 'error'],
    ['args.n == 5', '{"n":"5"}', 'false'],
    ['args.n == 1', '{"n":true}', 'false'],
    ['args.n <= 100', '{"n":-0}', 'true'],
    ['args.l[1.5] == 1.0', '{"l":[1,2]}', 'error'],
    ['args.l[-1] == 2.0', '{"l":[1,2]}', 'error'],
    ['args.l[2] == 2.0', '{"l":[1,2]}', 'error'],
    ['2 in args.l', '{"l":[1,2]}', 'true'],
    ['int(args.n) % 2 == 0', '{"n":4}', 'true'],
  ])('%s with %s is %s', (when, args, answer) => {
    expect(ask(when, args)).toBe(answer);
  });

  it.each(['', ' ', '0x1F', ' 7', '7 ', '1_0', '1e3', '٣', '99999999999999999999', '--1'])(
    'int(%j) is an error: a tool that reads decimal would take it for something else',
    (text) => {
      expect(ask('int(args.s) < 1000', JSON.stringify({ s: text }))).toBe('error');
    },
  );

  it.each(['', ' ', '0x10', 'Infinity', 'NaN', '1_0', '0b1'])('double(%j) is an error', (text) => {
    expect(ask('double(args.s) < 1000.0', JSON.stringify({ s: text }))).toBe('error');
  });

  it('reads plain decimals', () => {
    expect(ask('int(args.s) == -12 && double(args.d) == 1.5e3', '{"s":"-12","d":"1.5e3"}')).toBe('true');
  });
});

describe('text', () => {
  it('is no code: quotes in an argument stay data', () => {
    expect(ask('args.s == "x"', '{"s":"x\\" || true || \\""}')).toBe('false');
  });

  it('is compared with nothing to fold it: typographic quotes, case and look-alikes differ', () => {
    expect(ask('args.s == "admin"', '{"s":"Admin"}')).toBe('false');
    expect(ask('args.s == "admin"', '{"s":"аdmin"}')).toBe('false');
    expect(ask('args.s.startsWith("/srv/")', '{"s":"/SRV/"}')).toBe('false');
  });

  it.each(['^(a+)+$', '(a|a)*b$', '^([a-z]+.)+[A-Z]$', '(.*a){20}$'])(
    'matches(%j) does not backtrack',
    (pattern) => {
      const start = performance.now();
      ask(`args.s.matches(${JSON.stringify(pattern)})`, JSON.stringify({ s: `${'a'.repeat(5000)}!` }));
      expect(performance.now() - start).toBeLessThan(2000);
    },
  );
});

describe('dates', () => {
  it('do not depend on the time zone of the process', () => {
    const zone = process.env['TZ'];
    try {
      for (const tz of ['America/New_York', 'Asia/Kolkata', 'UTC']) {
        process.env['TZ'] = tz;
        // 02:30 on that day does not exist in New York.
        expect(ask('timestamp(args.t).getHours() == 2', '{"t":"2026-03-08T02:30:00Z"}')).toBe('true');
        expect(ask('timestamp(args.t).getDayOfYear() == 66', '{"t":"2026-03-08T02:30:00Z"}')).toBe('true');
        expect(
          ask('timestamp(args.t).getHours("America/New_York") == 3', '{"t":"2026-03-08T07:30:00Z"}'),
        ).toBe('true');
        expect(ask('timestamp(args.t).getHours("-02:30") == 5', '{"t":"2026-03-08T07:30:00Z"}')).toBe('true');
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('count seconds, as CEL says', () => {
    expect(ask('timestamp(1767225600) == timestamp("2026-01-01T00:00:00Z")')).toBe('true');
  });
});

describe('work that a caller could ask for', () => {
  const big = (length: number) => Array.from({ length }, (_, at) => at);

  it.each([
    ['args.a.all(x, !(x in args.b))', { a: big(20_000), b: big(20_000).map((at) => at + 100_000) }],
    ['args.a.map(x, x).map(x, x).map(x, x).size() == 1', { a: big(60_000) }],
    ['args.s.contains(args.t)', { s: 'a'.repeat(1_000_000), t: `${'a'.repeat(400_000)}b` }],
    [
      'args.a.all(x, args.s != args.t)',
      { a: big(1000), s: 'a'.repeat(500_000), t: `${'a'.repeat(499_999)}b` },
    ],
    ['args.a.all(x, size(args.s) > 0)', { a: big(1000), s: 'a'.repeat(500_000) }],
    ['args.s.matches("(([a-z])+.)+[A-Z]")', { s: 'a'.repeat(2_000_000) }],
    ['args.a.all(x, args.b == args.c)', { a: big(10_000), b: big(10_000), c: big(10_000) }],
  ])('is cut off: %s', (when, args) => {
    const policy = conditionPolicy(when);
    const start = performance.now();
    expect(policy.decide({ ...input, args })).toMatchObject({
      verdict: 'DENY',
      code: 'POLICY_ERROR',
      rule: 'only',
    });
    expect(performance.now() - start).toBeLessThan(3000);
  });

  const literal = `[${big(60).join()}]`;

  it.each([
    ['a loop over a list of the policy’s own', `args.a.all(x, ${literal}.exists(y, y == 59))`, big(20_000)],
    ['such a list that is looked through', `args.a.all(x, !(x in ${literal}))`, big(40_000).map(() => 60)],
    [
      'a row of comparisons',
      `args.a.all(x, x != 0 && ${'x != 1 && '.repeat(60)} true)`,
      big(40_000).map(() => 60),
    ],
    ['loops that read nothing', `${literal}.all(x, ${literal}.all(y, ${literal}.all(z, z >= 0)))`, []],
  ])('is counted by the turns of a macro, and what is evaluated in each: %s', (_, when, a) => {
    expect(ask(when, { ...input, args: { a } })).toBe('error');
  });

  it('is enough for a large but honest call, and a decision takes nothing from the next', () => {
    const policy = conditionPolicy(
      'args.a.map(x, x.v).filter(v, v > 1.0).size() == 3998 && args.s.contains("needle")',
    );
    const args = { a: big(4000).map((v) => ({ v })), s: `${'hay '.repeat(200_000)}needle` };
    for (let round = 0; round < 5; round++) expect(policy.decide({ ...input, args }).verdict).toBe('ALLOW');
  });

  it('is a denial, not a crash, for arguments nested by the ten thousand', () => {
    let deep: unknown[] = [];
    let other: unknown[] = [];
    for (let depth = 0; depth < 50_000; depth++) {
      deep = [deep];
      other = [other];
    }
    const args = { a: deep as string[], b: other as string[] };
    expect(conditionPolicy('args.a == args.b').decide({ ...input, args }).verdict).toBe('DENY');
  });
});

describe('lists that grow', () => {
  it('share nothing that a later append could change', () => {
    expect(ask('[1, 2].map(x, [x] + [3]) == [[1, 3], [2, 3]]')).toBe('true');
    expect(ask('[[1] + [2]].all(l, l + [3] == [1, 2, 3] && l + [4] == [1, 2, 4] && l == [1, 2])')).toBe(
      'true',
    );
    expect(ask('(args.l + args.l).size() == 4 && args.l.size() == 2', '{"l":[1,2]}')).toBe('true');
  });
});
