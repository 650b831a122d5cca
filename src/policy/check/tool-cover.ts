import { isLiteral, matchesTool, type ToolPattern } from '../../call/tool-pattern.ts';
import type { CheckedRule } from './checked-rule.ts';

/** Whether every tool that `narrow` matches is matched by `wide`: a `*` of a name is met by a `*` alone. */
export function coversPattern(wide: ToolPattern, narrow: ToolPattern): boolean {
  return matchesTool(wide, narrow.server, narrow.tool);
}

/** Whether one rule is about every tool that another is about. Of single patterns: what only several cover together counts not. */
export function coversTools(wide: CheckedRule, narrow: CheckedRule): boolean {
  return narrow.rule.tools.every((pattern) => wide.rule.tools.some((one) => coversPattern(one, pattern)));
}

/** Rules by the tools that they cover; like the index of a policy, a literal name costs one look. */
export class ToolCover {
  readonly #literal = new Map<string, CheckedRule[]>();
  readonly #globs: { readonly pattern: ToolPattern; readonly rule: CheckedRule }[] = [];

  add(rule: CheckedRule): void {
    for (const pattern of rule.rule.tools) {
      if (isLiteral(pattern)) {
        const key = keyOf(pattern);
        const rules = this.#literal.get(key);
        if (rules === undefined) this.#literal.set(key, [rule]);
        else rules.push(rule);
      } else this.#globs.push({ pattern, rule });
    }
  }

  /** The first rule, of those that `accepts` takes, that is about every tool of the pattern. */
  find(narrow: ToolPattern, accepts: (rule: CheckedRule) => boolean): CheckedRule | undefined {
    const named = isLiteral(narrow) ? this.#literal.get(keyOf(narrow))?.find(accepts) : undefined;
    return (
      named ?? this.#globs.find(({ pattern, rule }) => coversPattern(pattern, narrow) && accepts(rule))?.rule
    );
  }
}

/** No server's name has a slash. */
function keyOf({ server, tool }: ToolPattern): string {
  return `${server}/${tool}`;
}
