import { isSeq, type Node } from 'yaml';
import { canonicalJson } from '../../call/canonical-json.ts';
import type { ToolPattern } from '../../call/tool-pattern.ts';
import { parseCondition, type Expr } from '../cel/syntax.ts';
import { readPack, type RuleText } from '../pack.ts';
import type { PolicySource } from '../policy.ts';
import type { Rule } from '../rule.ts';
import { readJson } from '../yaml-json.ts';
import type { Place } from '../yaml-source.ts';
import { textOf } from './expression-text.ts';

/** A rule with what its source says and where. */
export interface CheckedRule {
  readonly rule: Rule;
  /** Counted over all sources. */
  readonly index: number;
  readonly place: Place;
  readonly tools: readonly { readonly pattern: ToolPattern; readonly place: Place }[];
  readonly condition: CheckedCondition | undefined;
  /** The obligations as JSON text; empty without any. */
  readonly obligations: string;
}

export interface CheckedCondition {
  readonly expr: Expr;
  /** The same for the same tree. */
  readonly text: string;
  readonly place: Place;
  placeOf(expr: Expr): Place;
}

/** The rules of sources that compile, in their order. */
export function readRules(sources: readonly PolicySource[]): readonly CheckedRule[] {
  const rules: CheckedRule[] = [];
  const taken = new Map<string, string>();
  for (const source of sources)
    readPack(source, taken, (rule, text) => rules.push(checkedRule(rule, text, rules.length)));
  return rules;
}

function checkedRule(rule: Rule, { yaml, node, fields }: RuleText, index: number): CheckedRule {
  const tools = fields.get('tools');
  const places = isSeq(tools) ? (tools.items as Node[]).map((item) => yaml.placeOf(item)) : [];
  const place = yaml.placeOf(fields.get('id') ?? node);
  const obligations = rule.obligations.length === 0 ? undefined : fields.get('obligations');
  return {
    rule,
    index,
    place,
    tools: rule.tools.map((pattern, at) => ({ pattern, place: places[at] ?? place })),
    condition: checkedCondition(yaml, fields.get('when')),
    obligations: obligations === undefined ? '' : canonicalJson(readJson(yaml, obligations)),
  };
}

function checkedCondition(yaml: RuleText['yaml'], node: Node | undefined): CheckedCondition | undefined {
  if (node === undefined) return undefined;
  const { expr, offsetOf } = parseCondition(yaml.string(node, 'when'));
  return {
    expr,
    text: textOf(expr),
    place: yaml.placeOf(node),
    placeOf: (part) => yaml.placeOf(yaml.offsetWithin(node, offsetOf(part))),
  };
}
