import { limits } from './limits.ts';
import type { Rule } from './rule.ts';
import { isLiteral, matchesTool, type ToolPattern } from '../call/tool-pattern.ts';

/** The rules whose tools match one tool, each once, in the order of their ids. */
export interface Candidates {
  readonly deny: readonly Rule[];
  readonly allow: readonly Rule[];
  readonly readNow: boolean;
}

interface Placed {
  readonly rule: Rule;
  readonly pattern: ToolPattern;
}

/**
 * Rules by tool: literal names through a map, patterns one by one, and the answer remembered for the tools asked last.
 * A thousand rules on other tools cost a call nothing.
 */
export class RuleIndex {
  readonly #literal = new Map<string, Rule[]>();
  readonly #globs: Placed[] = [];
  readonly #remembered = new Map<string, Candidates>();
  #rulesHeld = 0;

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      for (const pattern of rule.tools) this.#place(rule, pattern);
    }
  }

  #place(rule: Rule, pattern: ToolPattern): void {
    if (!isLiteral(pattern)) {
      this.#globs.push({ rule, pattern });
      return;
    }
    const key = keyOf(pattern.server, pattern.tool);
    const rules = this.#literal.get(key);
    if (rules === undefined) this.#literal.set(key, [rule]);
    else rules.push(rule);
  }

  for(server: string, tool: string): Candidates {
    const key = keyOf(server, tool);
    const known = this.#remembered.get(key);
    if (known !== undefined) {
      this.#remembered.delete(key);
      this.#remembered.set(key, known);
      return known;
    }
    const candidates = this.#find(key, server, tool);
    if (key.length <= limits.cachedToolLength) this.#remember(key, candidates);
    return candidates;
  }

  #find(key: string, server: string, tool: string): Candidates {
    const found = new Set(this.#literal.get(key));
    for (const { rule, pattern } of this.#globs) {
      if (matchesTool(pattern, server, tool)) found.add(rule);
    }
    const rules = [...found].sort((left, right) => (left.id < right.id ? -1 : 1));
    return {
      deny: rules.filter((rule) => rule.effect === 'deny'),
      allow: rules.filter((rule) => rule.effect === 'allow'),
      readNow: rules.some((rule) => rule.readsNow),
    };
  }

  /** The map's first key is the one not asked for the longest. */
  #remember(key: string, candidates: Candidates): void {
    for (const [oldest, forgotten] of this.#remembered) {
      const full = this.#remembered.size >= limits.cachedTools || this.#rulesHeld > limits.cachedRules;
      if (!full) break;
      this.#remembered.delete(oldest);
      this.#rulesHeld -= sizeOf(forgotten);
    }
    this.#remembered.set(key, candidates);
    this.#rulesHeld += sizeOf(candidates);
  }
}

function sizeOf({ deny, allow }: Candidates): number {
  return deny.length + allow.length;
}

/** The server's length keeps `a/b` + `c` and `a` + `b/c` apart. */
function keyOf(server: string, tool: string): string {
  return `${server.length}/${server}/${tool}`;
}
