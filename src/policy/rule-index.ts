import { limits } from './limits.ts';
import type { Rule } from './rule.ts';
import { isLiteral, matchesTool, type ToolPattern } from '../call/tool-pattern.ts';

/** The rules whose tools match one tool, each once, in the order of their ids. */
export interface Candidates {
  readonly deny: readonly Rule[];
  readonly allow: readonly Rule[];
  /** `now` is bound only where one of them reads it. */
  readonly readNow: boolean;
  /** Those that are enforced; absent where all of them are. */
  readonly enforced?: Pick<Candidates, 'deny' | 'allow'>;
}

interface Placed {
  readonly rule: Rule;
  readonly pattern: ToolPattern;
}

/**
 * Rules by tool: literal names through a map, a server's patterns one by one, and the answer remembered for the tools asked last.
 * A thousand rules on other tools cost a call nothing, nor do a thousand patterns of other servers one that is asked first.
 */
export class RuleIndex {
  readonly #literal = new Map<string, Rule[]>();
  readonly #ofServer = new Map<string, Placed[]>();
  /** Those whose server has a star in it: every tool is held against them. */
  readonly #ofServers: Placed[] = [];
  readonly #remembered = new Map<string, Candidates>();
  #rulesHeld = 0;

  constructor(rules: readonly Rule[]) {
    for (const rule of rules) {
      for (const pattern of rule.tools) this.#place(rule, pattern);
    }
  }

  #place(rule: Rule, pattern: ToolPattern): void {
    const { server, tool } = pattern;
    if (isLiteral(pattern)) addTo(this.#literal, keyOf(server, tool), rule);
    else if (server.includes('*')) this.#ofServers.push({ rule, pattern });
    else addTo(this.#ofServer, server, { rule, pattern });
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
    for (const { rule, pattern } of [...(this.#ofServer.get(server) ?? []), ...this.#ofServers]) {
      if (matchesTool(pattern, server, tool)) found.add(rule);
    }
    const rules = [...found].sort((left, right) => (left.id < right.id ? -1 : 1));
    const enforced = rules.filter((rule) => !rule.shadow);
    return {
      ...byEffect(rules),
      readNow: rules.some((rule) => rule.reads.has('now')),
      ...(enforced.length < rules.length && { enforced: byEffect(enforced) }),
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

function addTo<T>(lists: Map<string, T[]>, key: string, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function byEffect(rules: readonly Rule[]): Pick<Candidates, 'deny' | 'allow'> {
  return {
    deny: rules.filter((rule) => rule.effect === 'deny'),
    allow: rules.filter((rule) => rule.effect === 'allow'),
  };
}

function sizeOf({ deny, allow }: Candidates): number {
  return deny.length + allow.length;
}

/** The server's length keeps `a/b` + `c` and `a` + `b/c` apart. */
function keyOf(server: string, tool: string): string {
  return `${server.length}/${server}/${tool}`;
}
