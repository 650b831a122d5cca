import { celTimestamp } from './cel/functions.ts';
import { meterIsEmpty, refillMeter } from './cel/meter.ts';
import { absent, type Bindings } from './cel/program.ts';
import { wrapJson } from './cel/values.ts';
import { allowedBy, allowedByNone, deniedBy, failedAltogether, failedIn } from './messages.ts';
import type { Decision, PolicyInput } from './policy.ts';
import type { Rule } from './rule.ts';
import type { Candidates, RuleIndex } from './rule-index.ts';

/**
 * One decision. Any matching deny wins; else any error is a DENY; else a matching allow wins; else nothing does. All
 * candidate rules are asked, denies first and each kind in the order of ids, so neither the verdict nor the rule that
 * it names depends on where a rule stands in a file. Never throws.
 */
export function decide(index: RuleIndex, input: PolicyInput): Decision {
  try {
    const { server, name } = input.tool;
    if (typeof server !== 'string' || typeof name !== 'string') return unusable;
    return decideAmong(index.for(server, name), input);
  } catch {
    // Not reachable with JSON: an input whose own properties throw, or no stack left.
    return unusable;
  }
}

const unusable: Decision = Object.freeze({
  verdict: 'DENY',
  code: 'POLICY_ERROR',
  message: failedAltogether,
  controls: [],
});

function decideAmong(candidates: Candidates, input: PolicyInput): Decision {
  const { tool } = input;
  refillMeter();
  const bindings = bind(input, candidates.readNow);
  let failed: { readonly rule: Rule; readonly outOfSteps: boolean } | undefined;
  for (const rule of candidates.deny) {
    const answer = rule.ask(bindings);
    if (answer === 'match') return denial('RULE_DENIES', deniedBy(rule, tool), rule);
    if (answer === 'error') failed ??= { rule, outOfSteps: meterIsEmpty() };
  }
  let allowing: Rule | undefined;
  for (const rule of candidates.allow) {
    const answer = rule.ask(bindings);
    if (answer === 'match' && (allowing === undefined || isStricter(rule, allowing))) allowing = rule;
    if (answer === 'error') failed ??= { rule, outOfSteps: meterIsEmpty() };
  }
  if (failed !== undefined)
    return denial('POLICY_ERROR', failedIn(failed.rule, tool, failed.outOfSteps), failed.rule);
  if (allowing === undefined) return denial('NO_RULE_ALLOWS', allowedByNone(tool));
  return {
    verdict: 'ALLOW',
    code: 'RULE_ALLOWS',
    rule: allowing.id,
    message: allowedBy(allowing, tool),
    obligations: allowing.obligations,
    controls: allowing.controls,
  };
}

/** A rule that demands more decides before one that demands less: else a broad rule would undo what a narrow one obliges to. */
function isStricter({ obligations: [one] }: Rule, { obligations: [other] }: Rule): boolean {
  return (one?.count ?? 0) > (other?.count ?? 0);
}

function denial(
  code: 'RULE_DENIES' | 'POLICY_ERROR' | 'NO_RULE_ALLOWS',
  message: string,
  rule?: Rule,
): Decision {
  if (rule === undefined) return { verdict: 'DENY', code, message, controls: [] };
  return { verdict: 'DENY', code, rule: rule.id, message, controls: rule.controls };
}

/** Every declared variable is bound: to its value, or to an error when the input does not have it. */
function bind(input: PolicyInput, readNow: boolean): Bindings {
  const bindings = Object.create(null) as Bindings;
  bindings['agent'] = valueOf(input.agent);
  bindings['human'] = valueOf(input.human);
  bindings['device'] = valueOf(input.device);
  bindings['network'] = valueOf(input.network);
  bindings['session'] = valueOf(input.session);
  bindings['tool'] = valueOf(input.tool);
  bindings['args'] = valueOf(input.args);
  bindings['now'] = readNow ? timeOf(input.now) : absent;
  return bindings;
}

function valueOf(root: unknown): Bindings[string] {
  return typeof root === 'object' && root !== null && !Array.isArray(root) ? wrapJson(root) : absent;
}

function timeOf(now: string): Bindings[string] {
  try {
    return celTimestamp(now);
  } catch {
    return absent;
  }
}
