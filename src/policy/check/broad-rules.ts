import type { CheckedRule } from './checked-rule.ts';
import type { Warning } from './warning.ts';

/** Rules that allow every call of every tool to everyone, with nobody asked. */
export function broadRules(rules: readonly CheckedRule[]): Warning[] {
  return rules.flatMap(({ rule, condition, tools }) => {
    if (rule.effect === 'deny' || rule.shadow || condition !== undefined) return [];
    if (rule.obligations.some(({ type, isConditional }) => type === 'approval' && !isConditional)) return [];
    return tools
      .filter(({ pattern }) => pattern.server === '*' && pattern.tool === '*')
      .slice(0, 1)
      .map(({ place }) => ({
        kind: 'allows-everything' as const,
        rule: rule.id,
        place,
        sentence: `the rule ${rule.id} allows every tool of every server, whatever the call; name tools, or give it a condition`,
      }));
  });
}
