import { preparsePolicySet, statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs';
import { compilePolicy } from '../src/policy/compile.ts';
import type { Policy, PolicyInput, PolicySource } from '../src/policy/policy.ts';
import {
  inputOf,
  server,
  type Answer,
  type Engine,
  type Question,
  type RuleSpec,
} from './policy-question.ts';

/** A source has a limit to its length; this many rules stay below it. */
const rulesPerPack = 1_000;

export function packsOf(rules: readonly RuleSpec[]): readonly PolicySource[] {
  return Array.from({ length: Math.ceil(rules.length / rulesPerPack) }, (_, pack) => {
    const lines = rules.slice(pack * rulesPerPack, (pack + 1) * rulesPerPack).map(yamlOf);
    return { name: `p${pack}.yaml`, text: `version: 1\nname: p${pack}\nrules:\n${lines.join('\n')}\n` };
  });
}

function yamlOf({ id, effect, tool, zone, most, role }: RuleSpec): string {
  const when = `network.zone == "${zone}" && args.value <= ${most} && "${role}" in human.roles`;
  return `  - id: ${id}\n    effect: ${effect}\n    tools: ['${server}/${tool}']\n    when: '${when}'`;
}

export function ours(rules: readonly RuleSpec[]): Engine {
  return engineOf(compilePolicy(packsOf(rules)));
}

export function engineOf(policy: Policy): Engine {
  return {
    name: 'countersign',
    prepare(question) {
      const input = inputOf(question);
      return () => answerOf(policy.decide(input));
    },
  };
}

function answerOf(decision: ReturnType<Policy['decide']>): Answer {
  if (decision.verdict === 'ALLOW') return 'allow';
  if (decision.code === 'RULE_DENIES') return 'deny';
  if (decision.code === 'NO_RULE_ALLOWS') return 'no rule';
  throw new Error(`The policy could not decide: ${decision.code}`);
}

type Condition = (input: PolicyInput) => boolean;

/** What one would write without any policy language: functions in lists by tool, denies first. The least that it can cost. */
export function native(rules: readonly RuleSpec[]): Engine {
  const byTool = new Map<string, { readonly deny: Condition[]; readonly allow: Condition[] }>();
  for (const rule of rules) {
    const key = `${server}/${rule.tool}`;
    const lists = byTool.get(key) ?? { deny: [], allow: [] };
    lists[rule.effect].push(conditionOf(rule));
    byTool.set(key, lists);
  }
  const decide = (input: PolicyInput): Answer => {
    const lists = byTool.get(`${input.tool.server}/${input.tool.name}`);
    if (lists?.deny.some((holds) => holds(input)) === true) return 'deny';
    // Like the others it asks every rule: which one decides is part of the answer.
    let allowed = false;
    for (const holds of lists?.allow ?? []) allowed = holds(input) || allowed;
    return allowed ? 'allow' : 'no rule';
  };
  return {
    name: 'native function',
    prepare(question) {
      const input = inputOf(question);
      return () => decide(input);
    },
  };
}

function conditionOf({ zone, most, role }: RuleSpec): Condition {
  return ({ network, args, human }) => {
    if (network?.['zone'] !== zone) return false;
    const value = args['value'];
    if (typeof value !== 'number' || value > most) return false;
    const roles = human?.['roles'];
    return Array.isArray(roles) && roles.includes(role);
  };
}

let policySets = 0;

/**
 * Cedar's fastest way in: policies parsed once (`preparsePolicySet`) and named in each call (`statefulIsAuthorized`), without a schema,
 * so that nothing is validated. Entities and context can only be handed over with the call; their objects are made before.
 */
export function cedar(rules: readonly RuleSpec[]): Engine {
  const preparsedPolicySetId = `rules-${(policySets += 1)}`;
  const staticPolicies = Object.fromEntries(rules.map((rule) => [rule.id, cedarOf(rule)]));
  const parsed = preparsePolicySet(preparsedPolicySetId, { staticPolicies });
  if (parsed.type === 'failure') throw new Error('Cedar refuses the rules.');
  return {
    name: 'Cedar',
    prepare(question) {
      const call = { ...cedarCall(question), preparsedPolicySetId };
      return () => cedarAnswer(statefulIsAuthorized(call));
    },
  };
}

function cedarOf({ effect, tool, zone, most, role }: RuleSpec): string {
  const head = effect === 'allow' ? 'permit' : 'forbid';
  const scope = `principal, action == Action::"call", resource == Tool::"${server}/${tool}"`;
  const when = `context.network.zone == "${zone}" && context.args.value <= ${most} && principal in Role::"${role}"`;
  return `${head}(${scope}) when { ${when} };`;
}

function cedarCall({ tool, zone, value, roles }: Question) {
  const principal = { type: 'User', id: 'u1' };
  const parents = roles.map((id) => ({ type: 'Role', id }));
  return {
    principal,
    action: { type: 'Action', id: 'call' },
    resource: { type: 'Tool', id: `${server}/${tool}` },
    context: { network: { ip: '10.0.0.8', zone }, args: { value, unit: 'kPa' } },
    entities: [{ uid: principal, attrs: {}, parents }],
  };
}

function cedarAnswer(answer: ReturnType<typeof statefulIsAuthorized>): Answer {
  if (answer.type === 'failure' || answer.response.diagnostics.errors.length > 0) {
    throw new Error('Cedar could not decide.');
  }
  if (answer.response.decision === 'allow') return 'allow';
  return answer.response.diagnostics.reason.length > 0 ? 'deny' : 'no rule';
}
