import { compilePolicy } from '../../../src/policy/compile.ts';
import type { Decision, Policy, PolicyInput } from '../../../src/policy/policy.ts';

export const input: PolicyInput = {
  agent: { id: 'spiffe://example.org/agent', issuer: 'example', binding: 'none' },
  human: {
    issuer: 'https://idp.example.org',
    subject: 'u1',
    tenant: 'acme',
    roles: ['ot.operator'],
    groups: [],
    authTime: 1_767_225_600,
  },
  device: { id: 'd1', trust: 'managed' },
  network: { ip: '10.0.0.8', zone: 'ot-control' },
  session: { id: 's1', tenant: 'acme', mode: 'same-user' },
  tool: { server: 'files', name: 'read_file', accepted: true, listed: true },
  args: {},
  now: '2026-01-01T12:00:00Z',
};

/** `input` without its optional roots: an API key alone. */
export const agentOnly: PolicyInput = {
  agent: input.agent,
  session: input.session,
  tool: input.tool,
  args: {},
  now: input.now,
};

/** A policy of rules in YAML flow or block form, one string a rule. */
export function policyOf(...rules: readonly string[]): Policy {
  const body = rules.map((rule) => `  - ${rule.replaceAll('\n', '\n    ')}`).join('\n');
  return compilePolicy([{ name: 'test.yaml', text: `version: 1\nname: test\nrules:\n${body}\n` }]);
}

/** One rule on every tool with this condition. */
export function conditionPolicy(when: string, effect: 'allow' | 'deny' = 'allow'): Policy {
  return policyOf(`{id: only, effect: ${effect}, tools: ["*/*"], when: ${JSON.stringify(when)}}`);
}

/** What a condition says of arguments: `true`, `false`, or `error`. Arguments are JSON text, as a wire brings them. */
export function ask(when: string, args: string | PolicyInput = '{}'): 'true' | 'false' | 'error' {
  const subject =
    typeof args === 'string' ? { ...input, args: JSON.parse(args) as PolicyInput['args'] } : args;
  return answerOf(conditionPolicy(when).decide(subject));
}

function answerOf(decision: Decision): 'true' | 'false' | 'error' {
  if (decision.verdict === 'ALLOW') return 'true';
  return /^POLICY_ERROR$|_MISSING$/.test(decision.code) ? 'error' : 'false';
}
