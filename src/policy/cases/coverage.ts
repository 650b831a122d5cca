import { matchesTool } from '../../call/tool-pattern.ts';
import type { CheckedRule } from '../check/checked-rule.ts';
import type { Place } from '../yaml-source.ts';
import type { JudgedCase } from './judge-case.ts';

/** What the cases show of one rule. */
export interface RuleCoverage {
  readonly rule: string;
  readonly place: Place;
  /** How many cases it decides: they are allowed or denied by it. */
  readonly decides: number;
  /** How many cases about one of its tools it does not decide. */
  readonly spares: number;
  /** A rule without one decides every call of its tools, as far as no other rule comes first. */
  readonly hasCondition: boolean;
}

/** Whether there is a case that the rule decides, and, as far as there can be one, a case that it does not. */
export function isCovered({ decides, spares, hasCondition }: RuleCoverage): boolean {
  return decides > 0 && (spares > 0 || !hasCondition);
}

/** What cases show of the rules of their policy. Of those of several files, add them up with `addCoverage`. */
export function coverageOf(rules: readonly CheckedRule[], judged: readonly JudgedCase[]): RuleCoverage[] {
  return rules.map((one) => {
    const { rule, place, condition } = one;
    const about = judged.filter((each) => isAbout(one, each));
    const decides = about.filter(({ decision }) => isDecidedBy(rule.id, decision)).length;
    const spares = about.length - decides;
    return { rule: rule.id, place, decides, spares, hasCondition: condition !== undefined };
  });
}

/** The same rules under the cases of several files, by pack and id. */
export function addCoverage(parts: readonly (readonly RuleCoverage[])[]): RuleCoverage[] {
  const sums = new Map<string, RuleCoverage>();
  for (const part of parts.flat()) {
    const key = JSON.stringify([part.place.name, part.rule]);
    const { decides, spares } = sums.get(key) ?? { decides: 0, spares: 0 };
    sums.set(key, { ...part, decides: part.decides + decides, spares: part.spares + spares });
  }
  return [...sums.values()];
}

function isAbout({ rule }: CheckedRule, { case: { input } }: JudgedCase): boolean {
  return rule.tools.some((pattern) => matchesTool(pattern, input.tool.server, input.tool.name));
}

/** An error of the rule is no decision by its condition. */
function isDecidedBy(id: string, decision: JudgedCase['decision']): boolean {
  return [decision, decision.shadow].some(
    (finding) => finding?.rule === id && (finding.code === 'RULE_ALLOWS' || finding.code === 'RULE_DENIES'),
  );
}
