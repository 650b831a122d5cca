import { describe, expect, it } from 'vitest';
import { agentOnly, conditionPolicy, input, policyOf } from './support/inputs.ts';

const allowAll = '{id: allow-all, effect: allow, tools: ["*/*"]}';

describe('a decision', () => {
  it('is a denial where no rule is about the tool', () => {
    const policy = policyOf('{id: other, effect: allow, tools: ["other/*"]}');
    expect(policy.decide(input)).toEqual({
      verdict: 'DENY',
      code: 'NO_RULE_ALLOWS',
      message: 'files/read_file was refused: no rule allows this call.',
      controls: [],
    });
  });

  it('is a denial where the only condition is false', () => {
    expect(conditionPolicy('false').decide(input)).toMatchObject({ verdict: 'DENY', code: 'NO_RULE_ALLOWS' });
  });

  it('allows by a rule without a condition, and names it with its reason and controls', () => {
    const policy = policyOf(
      '{id: a, effect: allow, tools: [files/read_file], reason: Reading is fine, controls: ["NIST-800-53r5:AC-3"]}',
    );
    expect(policy.decide(input)).toEqual({
      verdict: 'ALLOW',
      code: 'RULE_ALLOWS',
      rule: 'a',
      message: 'files/read_file was allowed by the rule a: Reading is fine.',
      obligations: [],
      controls: ['NIST-800-53r5:AC-3'],
    });
  });

  it('carries what every allowing rule obliges to: a broad rule undoes nothing that a narrow one demands', () => {
    const obliging = (id: string, ...demands: readonly string[]): string =>
      `{id: ${id}, effect: allow, tools: ["*/*"], obligations: [${demands.join(', ')}]}`;
    const witness = '{type: witness, count: 1}';
    const rules = [
      allowAll,
      obliging('one', witness),
      obliging('two', '{type: notify, to: ops}', witness),
      obliging('two-too', '{type: rate, limit: 1, window: 1m, per: [agent]}', witness),
    ];
    const decided = policyOf(...rules).decide(input);
    expect(decided).toMatchObject({
      verdict: 'ALLOW',
      rule: 'two',
      obligations: [
        { type: 'rate', rule: 'two-too', limit: 1, window: 60_000, per: ['agent'] },
        { type: 'witness', rule: 'one' },
        { type: 'witness', rule: 'two' },
        { type: 'witness', rule: 'two-too' },
        { type: 'notify', rule: 'two', to: 'ops' },
      ],
    });
    expect(policyOf(...rules.toReversed()).decide(input)).toEqual(decided);
  });

  it('is free of what a rule obliges to that does not match', () => {
    const other = '{id: a, effect: allow, tools: ["x/*"], obligations: [{type: witness, count: 8}]}';
    expect(policyOf(allowAll, other).decide(input)).toMatchObject({ rule: 'allow-all', obligations: [] });
  });

  it('lets any matching deny win over any number of allows', () => {
    const policy = policyOf(allowAll, '{id: zz, effect: deny, tools: [files/*], reason: Not now.}');
    expect(policy.decide(input)).toEqual({
      verdict: 'DENY',
      code: 'RULE_DENIES',
      rule: 'zz',
      message: 'files/read_file was refused by the rule zz: Not now.',
      controls: [],
    });
  });

  it.each(['allow', 'deny'])(
    'is a POLICY_ERROR when the condition of a rule with effect %s fails',
    (effect) => {
      const policy = policyOf(
        allowAll,
        `{id: fails, effect: ${effect}, tools: ["*/*"], when: args.missing == 1.0}`,
      );
      expect(policy.decide(input)).toMatchObject({ verdict: 'DENY', code: 'POLICY_ERROR', rule: 'fails' });
    },
  );

  it('is RULE_DENIES where one rule fails and another denies', () => {
    const policy = policyOf(
      '{id: a, effect: deny, tools: ["*/*"], when: args.missing == 1.0}',
      '{id: b, effect: deny, tools: ["*/*"]}',
    );
    expect(policy.decide(input)).toMatchObject({ code: 'RULE_DENIES', rule: 'b' });
  });

  it('keeps what CEL absorbs: an error beside what decides is none', () => {
    expect(conditionPolicy('args.missing == 1.0 || true').decide(input).verdict).toBe('ALLOW');
    expect(conditionPolicy('args.missing == 1.0 && false').decide(input)).toMatchObject({
      code: 'NO_RULE_ALLOWS',
    });
  });

  it('is an error, and no match, for a condition whose value is not a boolean', () => {
    for (const value of ['"true"', '1', 'null', '[]', '{}']) {
      const policy = policyOf('{id: a, effect: allow, tools: ["*/*"], when: args.flag}');
      const args = { flag: JSON.parse(value) as string };
      expect(policy.decide({ ...input, args })).toMatchObject({ code: 'POLICY_ERROR' });
    }
    expect(conditionPolicy('args.flag').decide({ ...input, args: { flag: true } }).verdict).toBe('ALLOW');
  });

  it.each([
    ['human.subject == "u1"', 'HUMAN_MISSING'],
    ['has(human.authTime)', 'HUMAN_MISSING'],
    ['!has(human.authTime)', 'HUMAN_MISSING'],
    ['device.trust == "managed"', 'DEVICE_MISSING'],
    ['"ip" in network', 'NETWORK_MISSING'],
    ['network.zone == "office" && "x" in human.roles', 'HUMAN_MISSING'],
  ])('fails on %s when the call has neither human, device nor network, and says which', (when, code) => {
    expect(conditionPolicy(when).decide(input)).not.toMatchObject({ code });
    expect(conditionPolicy(when).decide(agentOnly)).toMatchObject({ verdict: 'DENY', code, rule: 'only' });
  });

  it('is a POLICY_ERROR when a condition fails and nothing that it reads is missing', () => {
    expect(conditionPolicy('human.subject == "u1" && args.missing').decide(input)).toMatchObject({
      code: 'POLICY_ERROR',
    });
  });

  it('fails on groups that the issuer did not tell, whichever way the condition asks', () => {
    const human = { issuer: 'i', subject: 's', tenant: 't', roles: [] };
    for (const when of ['"a" in human.groups', '!("a" in human.groups)'])
      expect(conditionPolicy(when).decide({ ...input, human })).toMatchObject({ code: 'POLICY_ERROR' });
  });

  it('says whether an optional field is there', () => {
    const noTime = { ...input, human: { issuer: 'i', subject: 's', tenant: 't', roles: [], groups: [] } };
    expect(conditionPolicy('has(human.authTime)').decide(noTime)).toMatchObject({ code: 'NO_RULE_ALLOWS' });
    expect(conditionPolicy('!has(tool.annotations)').decide(noTime)).toMatchObject({ verdict: 'ALLOW' });
  });

  it('reads now as a timestamp', () => {
    expect(conditionPolicy('now > timestamp("2026-01-01T00:00:00Z")').decide(input).verdict).toBe('ALLOW');
    expect(conditionPolicy('now.getHours() == 12').decide(input).verdict).toBe('ALLOW');
    expect(
      conditionPolicy('now - timestamp(int(human.authTime)) == duration("12h")').decide(input).verdict,
    ).toBe('ALLOW');
    expect(conditionPolicy('now.getHours() == 12').decide({ ...input, now: 'noon' })).toMatchObject({
      code: 'POLICY_ERROR',
    });
  });

  it('names the same rule in whatever order the rules stand', () => {
    const rules = [
      '{id: b, effect: allow, tools: ["*/*"]}',
      '{id: a, effect: allow, tools: [files/*]}',
      '{id: c, effect: allow, tools: [files/read_file], when: args.missing}',
    ];
    expect(policyOf(...rules).decide(input)).toEqual(policyOf(...rules.toReversed()).decide(input));
    expect(policyOf(...rules.slice(0, 2)).decide(input)).toMatchObject({ rule: 'a' });
  });
});

describe('what a decision says', () => {
  it('never contains an argument, also where the engine would quote it', () => {
    for (const when of [
      'timestamp(args.secret) == now',
      'args.secret in args',
      'int(args.secret) == 1',
      'args[args.secret]',
    ]) {
      const decision = conditionPolicy(when).decide({ ...input, args: { secret: 'hunter2' } });
      expect(JSON.stringify(decision)).not.toContain('hunter2');
    }
  });

  it('prints a name that the caller chose without control characters and cut short', () => {
    const tool = { ...input.tool, name: `a\u001b[2J\n\u202e${'x'.repeat(5000)}` };
    const { message } = policyOf(allowAll).decide({ ...input, tool });
    expect(message).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(message.length).toBeLessThan(250);
  });

  it('tells nothing about how to change policy', () => {
    const messages = [
      policyOf('{id: other, effect: allow, tools: ["other/*"]}').decide(input).message,
      conditionPolicy('args.missing').decide(input).message,
      conditionPolicy('true', 'deny').decide(input).message,
    ];
    for (const message of messages)
      expect(message).not.toMatch(/yaml|policy file|operator|countersign|accept|edit/i);
  });
});

describe('the memory of candidate rules', () => {
  it('stays bounded and right when a caller asks for one made-up tool after another', () => {
    const policy = policyOf('{id: a, effect: allow, tools: ["files/ok_*"]}');
    for (let round = 0; round < 3000; round++) {
      const tool = { ...input.tool, name: `${round % 2 === 0 ? 'ok' : 'no'}_${String(round)}` };
      expect(policy.decide({ ...input, tool }).verdict).toBe(round % 2 === 0 ? 'ALLOW' : 'DENY');
    }
  });

  it('keeps servers and tools apart whose joined names are the same', () => {
    const policy = policyOf('{id: a, effect: allow, tools: ["a/b/c"]}');
    const tool = (server: string, name: string) => ({ ...input, tool: { ...input.tool, server, name } });
    expect(policy.decide(tool('a', 'b/c')).verdict).toBe('ALLOW');
    expect(policy.decide(tool('a/b', 'c')).verdict).toBe('DENY');
    expect(policy.decide(tool('a', 'b/c')).verdict).toBe('ALLOW');
  });

  it('costs a call nothing for a thousand rules on other tools', () => {
    const others = Array.from(
      { length: 1000 },
      (_, at) => `{id: r${String(at)}, effect: allow, tools: ["s${String(at)}/*"], when: args.a == "b"}`,
    );
    const policy = policyOf(
      ...others,
      '{id: mine, effect: allow, tools: [files/read_file], when: tool.accepted}',
    );
    policy.decide(input);
    const start = performance.now();
    for (let round = 0; round < 2000; round++) policy.decide(input);
    // A scan of the rules would take at least a thousand times as long as one.
    expect((performance.now() - start) / 2000).toBeLessThan(0.5);
  });
});
