import { celTimestamp } from './cel/functions.ts';
import { meterIsEmpty, refillMeter } from './cel/meter.ts';
import { absent, type Bindings } from './cel/program.ts';
import { wrapJson } from './cel/values.ts';
import { allowedBy, allowedByNone, deniedBy, failedAltogether, failedIn, missingFor } from './messages.ts';
import { obligationTypes, type Obligation } from './obligation.ts';
import type { Decision, Finding, PolicyInput } from './policy.ts';
import { evidenceRoots, type EvidenceRoot, type Rule } from './rule.ts';
import type { Candidates, RuleIndex } from './rule-index.ts';

/**
 * One decision. Any matching deny wins; else any error is a DENY; else a matching allow wins; else nothing does. All
 * candidate rules are asked, denies first and each kind in the order of ids, so neither the verdict nor the rule that
 * it names depends on where a rule stands in a file. Never throws.
 */
export function decide(index: RuleIndex, input: PolicyInput): Decision {
  return deciding(index, input, (candidates, bindings) => {
    const { enforced } = candidates;
    if (enforced === undefined) return decideAmong(candidates, input.tool, bindings);
    const decision = decideAmong(enforced, input.tool, bindings);
    refillMeter();
    return besideShadow(decision, decideAmong(candidates, input.tool, bindings));
  });
}

/** The same where no rule is enforced: what is decided is said, and nothing is held back because of it. */
export function decideInShadow(index: RuleIndex, input: PolicyInput): Decision {
  return deciding(index, input, (candidates, bindings) => ({
    ...decideAmong(candidates, input.tool, bindings),
    enforced: false,
  }));
}

function deciding(
  index: RuleIndex,
  input: PolicyInput,
  decideWith: (candidates: Candidates, bindings: Bindings) => Decision,
): Decision {
  try {
    const { server, name } = input.tool;
    if (typeof server !== 'string' || typeof name !== 'string') return unusable;
    refillMeter();
    const candidates = index.for(server, name);
    return decideWith(candidates, bind(input, candidates.readNow));
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

/** What the rules in shadow would have made of it, where that is something else. */
function besideShadow(decision: Decision, withShadow: Decision): Decision {
  if (decision.verdict === withShadow.verdict && decision.rule === withShadow.rule) return decision;
  return { ...decision, shadow: findingOf(withShadow) };
}

function findingOf(decision: Decision): Finding {
  if (decision.verdict === 'ALLOW') {
    const { verdict, code, rule, message } = decision;
    return { verdict, code, rule, message };
  }
  const { verdict, code, rule, message } = decision;
  return { verdict, code, message, ...(rule !== undefined && { rule }) };
}

function decideAmong(
  { deny, allow }: Pick<Candidates, 'deny' | 'allow'>,
  tool: PolicyInput['tool'],
  bindings: Bindings,
): Decision {
  let failed: { readonly rule: Rule; readonly outOfSteps: boolean } | undefined;
  const failing = (rule: Rule): void => {
    failed ??= { rule, outOfSteps: meterIsEmpty() };
  };
  for (const rule of deny) {
    const answer = rule.ask(bindings);
    if (answer === 'match') return denial('RULE_DENIES', deniedBy(rule, tool), rule);
    if (answer === 'error') failing(rule);
  }
  const allowing: Allowing[] = [];
  for (const rule of allow) {
    const answer = rule.ask(bindings);
    const obligations = answer === 'match' ? demandedBy(rule, bindings) : undefined;
    if (obligations !== undefined) allowing.push({ rule, obligations });
    else if (answer !== 'no-match') failing(rule);
  }
  if (failed !== undefined) return failure(failed.rule, failed.outOfSteps, tool, bindings);
  const [first] = allowing;
  if (first === undefined) return denial('NO_RULE_ALLOWS', allowedByNone(tool));
  const { rule } = allowing.reduce(demandingMost, first);
  return {
    verdict: 'ALLOW',
    code: 'RULE_ALLOWS',
    rule: rule.id,
    message: allowedBy(rule, tool),
    obligations: allOf(allowing),
    controls: rule.controls,
  };
}

interface Allowing {
  readonly rule: Rule;
  readonly obligations: readonly Obligation[];
}

/** Undefined when one of them cannot be told for this call. */
function demandedBy({ obligations }: Rule, bindings: Bindings): readonly Obligation[] | undefined {
  if (obligations.length === 0) return none;
  const demanded = obligations.map((one) => one.of(bindings));
  if (demanded.includes(undefined)) return undefined;
  return demanded.filter((one): one is Obligation => typeof one === 'object');
}

const none: readonly Obligation[] = Object.freeze([]);

/** The verdict names the rule that demands most; of equals the first, which has the smallest id. */
function demandingMost(one: Allowing, other: Allowing): Allowing {
  return other.obligations.length > one.obligations.length ? other : one;
}

/** Whatever any allowing rule demands: a broad rule beside a narrow one never undoes what the narrow one obliges to. */
function allOf(allowing: readonly Allowing[]): readonly Obligation[] {
  const [only, second] = allowing;
  if (only !== undefined && second === undefined && only.obligations.length < 2) return only.obligations;
  const all = allowing.flatMap(({ obligations }) => obligations);
  if (all.length === 0) return none;
  return obligationTypes.flatMap((type) => all.filter((one) => one.type === type));
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
  bindings['request'] = valueOf(input.request);
  bindings['history'] = valueOf(input.history);
  bindings['origins'] = valueOf(input.origins);
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
