import { celTimestamp } from './cel/functions.ts';
import { meterIsEmpty, refillMeter } from './cel/meter.ts';
import { absent, type Bindings } from './cel/program.ts';
import { wrapJson } from './cel/values.ts';
import { allowedBy, allowedByNone, deniedBy, failedAltogether, failedIn, missingFor } from './messages.ts';
import type { Decision, PolicyInput } from './policy.ts';
import { evidenceRoots, type EvidenceRoot, type Rule } from './rule.ts';
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
  if (failed !== undefined) return failure(failed.rule, failed.outOfSteps, tool, bindings);
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

/** A rule that could not be evaluated, and reads what the call lacks, says so: that is what its caller can mend. */
function failure(rule: Rule, outOfSteps: boolean, tool: PolicyInput['tool'], bindings: Bindings): Decision {
  const isMissing = (root: EvidenceRoot): boolean => rule.reads.has(root) && bindings[root] === absent;
  const missing = outOfSteps ? undefined : evidenceRoots.find(isMissing);
  return missing === undefined
    ? denial('POLICY_ERROR', failedIn(rule, tool, outOfSteps), rule)
    : denial(missingCodes[missing], missingFor(rule, tool, missing), rule);
}

const missingCodes = {
  human: 'HUMAN_MISSING',
  device: 'DEVICE_MISSING',
  network: 'NETWORK_MISSING',
} as const satisfies Record<EvidenceRoot, string>;

/** A rule that demands more decides before one that demands less: else a broad rule would undo what a narrow one obliges to. */
function isStricter({ obligations: [one] }: Rule, { obligations: [other] }: Rule): boolean {
  return (one?.count ?? 0) > (other?.count ?? 0);
}

function denial(
  code: 'RULE_DENIES' | 'POLICY_ERROR' | 'NO_RULE_ALLOWS' | (typeof missingCodes)[EvidenceRoot],
  message: string,
  rule?: Rule,
): Decision {
  if (rule === undefined) return { verdict: 'DENY', code, message, controls: [] };
  return { verdict: 'DENY', code, rule: rule.id, message, controls: rule.controls };
}

function bind(input: PolicyInput, readNow: boolean): Bindings {
  const bindings = bindRoots(input);
  if (readNow) bindings['now'] = timeOf(input.now);
  return bindings;
}

type MaybePartOf<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** Every declared variable is bound: to its value, or to an error when the input does not have it. `now` is left out. */
export function bindRoots(input: MaybePartOf<PolicyInput>): Bindings {
  const bindings = Object.create(null) as Bindings;
  bindings['agent'] = valueOf(input.agent);
  bindings['human'] = valueOf(input.human);
  bindings['device'] = valueOf(input.device);
  bindings['network'] = valueOf(input.network);
  bindings['session'] = valueOf(input.session);
  bindings['tool'] = valueOf(input.tool);
  bindings['args'] = valueOf(input.args);
  bindings['now'] = absent;
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
