import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KnownInput, PolicyInput } from '../../src/policy/policy.ts';
import { couldAllow } from '../../src/policy/visibility.ts';
import { agentOnly, conditionPolicy, input, policyOf } from './support/inputs.ts';

const knownOf = ({ args: _args, now: _now, session: _session, ...rest }: PolicyInput): KnownInput => rest;
const known = knownOf(input);
const see = (...rules: readonly string[]): boolean => couldAllow(policyOf(...rules), known);
const seeIf = (when: string, subject: KnownInput = known): boolean =>
  couldAllow(conditionPolicy(when), subject);

describe('what a principal could ever be allowed', () => {
  it('is what some allow rule speaks of', () => {
    expect(see('{id: a, effect: allow, tools: ["files/*"]}')).toBe(true);
    expect(see('{id: a, effect: allow, tools: ["other/*"]}')).toBe(false);
  });

  it('is the same after a decision that took all the steps there are', () => {
    const costly = conditionPolicy('args.list.all(x, x in args.list)');
    const list = Array.from({ length: 1_000 }, (_, at) => at);
    expect(costly.decide({ ...input, args: { list } }).code).toBe('POLICY_ERROR');
    expect(see('{id: a, effect: allow, tools: ["other/*"]}')).toBe(false);
  });

  it('is nothing that a deny rule without a condition refuses', () => {
    const allow = '{id: a, effect: allow, tools: ["*/*"]}';
    expect(see(allow, '{id: d, effect: deny, tools: ["files/read_file"]}')).toBe(false);
    expect(see(allow, '{id: d, effect: deny, tools: ["files/*"], when: "size(args) > 2"}')).toBe(true);
    expect(see(allow, `{id: d, effect: deny, tools: ["*/*"], when: '"ot.operator" in human.roles'}`)).toBe(
      false,
    );
  });

  it('hangs on what is known of the principal, and not on what only a call brings', () => {
    expect(seeIf('human.roles.exists(r, r == "ot.operator")')).toBe(true);
    expect(seeIf('human.roles.exists(r, r == "root")')).toBe(false);
    expect(seeIf('human.roles.exists(r, r == "root") && args.value <= 100.0')).toBe(false);
    expect(seeIf('args.value <= 100.0 && human.roles.exists(r, r == "root")')).toBe(false);
    expect(seeIf('args.value <= 100.0 && network.zone == "ot-control"')).toBe(true);
    expect(seeIf('args.value <= 100.0 || network.zone == "elsewhere"')).toBe(true);
    expect(seeIf('now < timestamp("2001-01-01T00:00:00Z")')).toBe(true);
    expect(seeIf('session.mode == "isolated"')).toBe(true);
  });

  it('is nothing where a rule that every call must answer cannot be answered', () => {
    expect(seeIf('human.roles.exists(r, r == "x")', knownOf(agentOnly))).toBe(false);
    expect(seeIf('has(args.x) || device.trust == "managed"', knownOf(agentOnly))).toBe(true);
    expect(
      see(
        '{id: a, effect: allow, tools: ["*/*"]}',
        '{id: b, effect: allow, tools: ["*/*"], when: "human.authTime / 0.0 == tool.annotations.x"}',
      ),
    ).toBe(false);
  });

  it('is a matter of what an operator accepted where a rule asks for that', () => {
    const when = 'tool.accepted && tool.annotations.readOnlyHint';
    const tool = { ...known.tool, accepted: true, annotations: { readOnlyHint: true } };
    expect(seeIf(when, { ...known, tool })).toBe(true);
    expect(seeIf(when, { ...known, tool: { ...tool, accepted: false } })).toBe(false);
  });

  it('is a matter of the rules that are enforced: one in shadow neither hides nor shows a tool', () => {
    const allow = '{id: a, effect: allow, tools: ["*/*"]}';
    const elsewhere = '{id: a, effect: allow, tools: ["other/*"]}';
    const shadowDeny = '{id: d, effect: deny, tools: ["files/*"], shadow: true}';
    const shadowAllow = '{id: s, effect: allow, tools: ["files/*"], shadow: true}';
    expect(see(allow, shadowDeny)).toBe(true);
    expect(see(shadowDeny)).toBe(true);
    expect(see(elsewhere, shadowAllow)).toBe(false);
  });

  it('looks at a policy that cannot say as at one that allows everything', () => {
    const { couldAllow: _, ...silent } = conditionPolicy('false');
    expect(couldAllow(silent, known)).toBe(true);
  });
});

const atoms = fc.constantFrom(
  'args.x == 1.0',
  'has(args.x)',
  '!has(args.y.z)',
  'args.l.exists(e, e == "a")',
  'args.l.all(e, size(e) > 1)',
  '[1.0, args.x].exists(e, e == 1.0)',
  'size(args) == 0',
  'args.x > args.y',
  '(args.x == 1.0 ? human.authTime > 5.0 : true)',
  '(has(human.authTime) ? args.x == 1.0 : args.y == 2.0)',
  '["a", "b"].exists(e, e == args.s)',
  '["a", "b"].all(e, e != args.s)',
  '["a", "b"].filter(e, e == args.s).size() == 1',
  '["a", "b"].exists_one(e, e == args.s)',
  'args.s.startsWith("a")',
  'type(args.x) == double',
  '"x" in args',
  'now > timestamp("2026-01-01T11:00:00Z")',
  'now.getHours() < 8',
  'session.mode == "isolated"',
  'has(session.id)',
  'human.roles.exists(r, r == "ot.operator")',
  'human.roles.exists(r, r == args.s)',
  'device.trust == "managed"',
  'network.zone == "ot-control"',
  'has(network.ip)',
  'tool.accepted',
  'tool.name == "read_file"',
  'has(tool.annotations)',
  'tool.annotations.readOnlyHint == true',
  'true',
  'false',
  '1 / 0 == 1',
);
const condition = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    atoms,
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a} && ${b})`),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a} || ${b})`),
    tie('any').map((a) => `!(${a})`),
    fc.tuple(tie('any'), tie('any'), tie('any')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
})).any;
const rule = fc.record({
  effect: fc.constantFrom('allow', 'allow', 'deny'),
  tools: fc.constantFrom('*/*', 'files/*', 'files/read_file', 'other/*'),
  when: fc.option(condition, { nil: undefined }),
});
const json = fc.constantFrom(1, 2, 'a', 'ab', true, null, ['a'], ['ab', 'b'], { z: 1 });
const inputs: fc.Arbitrary<PolicyInput> = fc
  .record({
    human: fc.boolean(),
    device: fc.boolean(),
    network: fc.boolean(),
    tool: fc.constantFrom(
      input.tool,
      { ...input.tool, accepted: false },
      { ...input.tool, annotations: { readOnlyHint: true } },
    ),
    args: fc.dictionary(fc.constantFrom('x', 'y', 'l', 's'), json),
    now: fc.constantFrom(input.now, '2026-01-01T01:00:00Z'),
    mode: fc.constantFrom('same-user', 'isolated'),
  })
  .map(({ human, device, network, tool, args, now, mode }) => ({
    ...agentOnly,
    ...(human && { human: input.human! }),
    ...(device && { device: input.device! }),
    ...(network && { network: input.network! }),
    session: { ...input.session, mode },
    tool,
    args,
    now,
  }));

describe('a tool that is hidden', () => {
  it('is one that no call is allowed', () => {
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 1, maxLength: 4 }),
        fc.array(inputs, { minLength: 1, maxLength: 6 }),
        (rules, subjects) => {
          const policy = policyOf(
            ...rules.map(({ effect, tools, when }, at) =>
              JSON.stringify({ id: `r${at}`, effect, tools: [tools], ...(when !== undefined && { when }) }),
            ),
          );
          for (const subject of subjects)
            if (policy.decide(subject).verdict === 'ALLOW')
              expect(couldAllow(policy, knownOf(subject))).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });
});
