import { celTimestamp } from '../cel/functions.ts';
import { meterIsEmpty, refillMeter } from '../cel/meter.ts';
import { absent, type Bindings } from '../cel/program.ts';
import { compilePolicy } from '../compile.ts';
import { bindRoots } from '../decide.ts';
import type { Obligation } from '../obligation.ts';
import { readPack, type RuleText } from '../pack.ts';
import type { Decision, Policy, PolicyInput, PolicySource } from '../policy.ts';
import type { Answer, Rule } from '../rule.ts';
import { RuleIndex } from '../rule-index.ts';
import type { Place } from '../yaml-source.ts';
import { explainCondition } from './explain-expression.ts';
import type { Explained } from './explained.ts';

/** Why a call is decided as it is: JSON all through. */
export interface Explanation {
  readonly policy: Pick<Policy, 'id' | 'digest' | 'engine'>;
  readonly decision: Decision;
  /** The rules that are about this tool, in the order in which they are asked: denies first, each kind by id. */
  readonly rules: readonly ExplainedRule[];
  /** How many rules are about other tools. */
  readonly others: number;
}

export interface ExplainedRule {
  readonly id: string;
  readonly effect: Rule['effect'];
  /** Where its text is: of the file that it came from. */
  readonly place: Place;
  readonly shadow: boolean;
  readonly answer: Answer;
  /** The answer is an error since the decision had no steps left, whatever the parts say. */
  readonly outOfSteps?: true;
  /** The verdict names it. */
  readonly decided: boolean;
  /** Absent of a rule that matches by its tools alone. */
  readonly when?: Explained;
  /** What its obligations come to for this call; null for one that cannot be told, which is an error of the rule. */
  readonly obligations: readonly {
    readonly type: Obligation['type'];
    readonly comesTo: Obligation | 'none' | null;
  }[];
}

/** A policy that can say why. */
export interface ExplainablePolicy {
  readonly policy: Policy;
  /** Pure and total: the decision is what `policy.decide` says. */
  explain(input: PolicyInput): Explanation;
}

interface Written {
  readonly place: Place;
  readonly when: string | undefined;
}

/** The same sources as `compilePolicy`, with the same refusals. */
export function explainablePolicy(sources: readonly PolicySource[]): ExplainablePolicy {
  const policy = compilePolicy(sources);
  const texts = new Map<Rule, Written>();
  const taken = new Map<string, string>();
  for (const source of sources) readPack(source, taken, (rule, text) => texts.set(rule, writtenOf(text)));
  const index = new RuleIndex([...texts.keys()]);
  return {
    policy,
    explain(input) {
      const decision = policy.decide(input);
      const rules = explainRules(index, texts, input, decision);
      const { id, digest, engine } = policy;
      return { policy: { id, digest, engine }, decision, rules, others: texts.size - rules.length };
    },
  };
}

function writtenOf({ yaml, node, fields }: RuleText): Written {
  const when = fields.get('when');
  return { place: yaml.placeOf(node), when: when && yaml.string(when, 'when') };
}

function explainRules(
  index: RuleIndex,
  texts: ReadonlyMap<Rule, Written>,
  input: PolicyInput,
  decision: Decision,
): readonly ExplainedRule[] {
  const { server, name } = (input as Partial<PolicyInput> | null)?.tool ?? {};
  if (typeof server !== 'string' || typeof name !== 'string') return [];
  const { deny, allow } = index.for(server, name);
  const rules = [...deny, ...allow];
  refillMeter();
  const bindings = bindingsOf(input);
  const answers = answersOf(rules, bindings, decision.enforced !== false);
  return rules.map((rule) => {
    const { place, when } = texts.get(rule) as Written;
    const { answer, outOfSteps, obligations } = answers.get(rule) as Asked;
    return {
      id: rule.id,
      effect: rule.effect,
      place,
      shadow: rule.shadow,
      answer,
      ...(outOfSteps && { outOfSteps: true as const }),
      decided: decision.rule === rule.id || decision.shadow?.rule === rule.id,
      ...(when !== undefined && { when: explainCondition(when, bindings) }),
      obligations,
    };
  });
}

type Asked = Pick<ExplainedRule, 'answer' | 'obligations'> & { readonly outOfSteps: boolean };

/**
 * As `decide` asks: the enforced rules with one decision's steps, then all of them with as many again. What it would not have
 * asked, since a deny matched, is asked with steps of its own.
 */
function answersOf(rules: readonly Rule[], bindings: Bindings, enforces: boolean): ReadonlyMap<Rule, Asked> {
  const answers = new Map<Rule, Asked>();
  const askAll = (asked: readonly Rule[]): void => {
    for (const rule of asked) {
      const answer = ask(rule, bindings);
      if (!answers.has(rule)) answers.set(rule, answer);
      if (rule.effect === 'deny' && answer.answer === 'match') refillMeter();
    }
  };
  const enforced = rules.filter(({ shadow }) => !shadow);
  if (enforces && enforced.length < rules.length) {
    askAll(enforced);
    refillMeter();
  }
  askAll(rules);
  return answers;
}

/** An allow that demands what cannot be told does not allow. */
function ask(rule: Rule, bindings: Bindings): Asked {
  const condition = rule.ask(bindings);
  const obligations =
    condition === 'match'
      ? rule.obligations.map((demand) => ({ type: demand.type, comesTo: demand.of(bindings) ?? null }))
      : [];
  const answer = obligations.some(({ comesTo }) => comesTo === null) ? 'error' : condition;
  return { answer, obligations, outOfSteps: answer === 'error' && meterIsEmpty() };
}

function bindingsOf(input: PolicyInput): Bindings {
  const bindings = bindRoots(input);
  bindings['now'] = timeOf(input.now);
  return bindings;
}

function timeOf(now: string): Bindings[string] {
  try {
    return celTimestamp(now);
  } catch {
    return absent;
  }
}
