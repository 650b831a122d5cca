import { cannotFail } from './cannot-fail.ts';
import type { CheckedRule } from './checked-rule.ts';
import { coversTools, ToolCover } from './tool-cover.ts';
import type { Warning } from './warning.ts';

/** Rules that another rule makes pointless: without them every call would be decided alike. */
export function overlappingRules(rules: readonly CheckedRule[]): Warning[] {
  const covers = groupByCondition(rules);
  const first = new Map<string, CheckedRule>();
  return rules.flatMap((rule) => {
    const key = keyOf(rule);
    const same = first.get(key);
    if (same !== undefined) return [duplicateOf(rule, same)];
    first.set(key, rule);
    const found = neverDecides(rule, covers) ?? covered(rule, covers);
    return found === undefined ? [] : [found];
  });
}

/** Rules of one effect, condition and mode, by their tools. */
type Covers = ReadonlyMap<string, ToolCover>;

function groupByCondition(rules: readonly CheckedRule[]): Covers {
  const groups = new Map<string, ToolCover>();
  for (const one of rules) {
    const group = groupOf(one.rule.effect, one.rule.shadow, one.condition?.text);
    const cover = groups.get(group) ?? new ToolCover();
    cover.add(one);
    groups.set(group, cover);
  }
  return groups;
}

function groupOf(effect: 'allow' | 'deny', shadow: boolean, condition = ''): string {
  return `${effect} ${shadow} ${condition}`;
}

/** A rule in shadow changes nothing of what is enforced, and so makes only another one in shadow pointless. */
function groupsOver({ rule, condition }: CheckedRule, effect: 'allow' | 'deny', covers: Covers): ToolCover[] {
  const modes = rule.shadow ? [false, true] : [false];
  return [...new Set([undefined, condition?.text])].flatMap((text) =>
    modes.flatMap((shadow) => covers.get(groupOf(effect, shadow, text)) ?? []),
  );
}

function keyOf({ rule, condition, obligations }: CheckedRule): string {
  const tools = rule.tools.map(({ server, tool }) => `${server}/${tool}`).sort();
  return JSON.stringify([
    rule.effect,
    rule.shadow,
    [...new Set(tools)],
    condition?.text ?? null,
    obligations,
  ]);
}

function duplicateOf({ rule, place }: CheckedRule, same: CheckedRule): Warning {
  return {
    kind: 'duplicate',
    rule: rule.id,
    place,
    sentence: `the rule ${rule.id} says what ${same.rule.id} says already`,
  };
}

function neverDecides(one: CheckedRule, covers: Covers): Warning | undefined {
  if (one.rule.effect === 'deny') return undefined;
  const groups = groupsOver(one, 'deny', covers);
  const denying = one.rule.tools.map((pattern) =>
    firstOf(groups, (group) => group.find(pattern, () => true)),
  );
  const [first] = denying;
  if (first === undefined || denying.includes(undefined)) return undefined;
  return {
    kind: 'never-decides',
    rule: one.rule.id,
    place: one.place,
    sentence: `the rule ${one.rule.id} can allow nothing: ${first.rule.id} denies every call that it is about`,
  };
}

function covered(one: CheckedRule, covers: Covers): Warning | undefined {
  const { rule, place } = one;
  const [pattern] = rule.tools;
  if (pattern === undefined) return undefined;
  const accepts = (other: CheckedRule): boolean => isCoveredBy(one, other);
  const wide = firstOf(groupsOver(one, rule.effect, covers), (group) => group.find(pattern, accepts));
  if (wide === undefined) return undefined;
  const does = rule.effect === 'allow' ? 'allows' : 'denies';
  return {
    kind: 'covered',
    rule: rule.id,
    place,
    sentence: `the rule ${rule.id} changes nothing: ${wide.rule.id} ${does} every call that it ${does}`,
  };
}

/** `other` has no condition, or the same. Of two that cover each other the first stays, so that never both are called pointless. */
function isCoveredBy(one: CheckedRule, other: CheckedRule): boolean {
  if (one === other || !coversTools(other, one)) return false;
  if (one.obligations !== '' && one.obligations !== other.obligations) return false;
  // What fails denies: an allow that can fail beside one that cannot is more than the other.
  const failsAlike = one.rule.effect === 'deny' || one.condition?.text === other.condition?.text;
  if (!failsAlike && one.condition !== undefined && !cannotFail(one.condition.expr)) return false;
  return other.index < one.index || !isSameReach(one, other);
}

function isSameReach(one: CheckedRule, other: CheckedRule): boolean {
  return (
    coversTools(one, other) &&
    one.condition?.text === other.condition?.text &&
    one.obligations === other.obligations &&
    one.rule.shadow === other.rule.shadow
  );
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
