import { compilePolicy } from '../compile.ts';
import type { Policy, PolicySource } from '../policy.ts';
import type { Place } from '../yaml-source.ts';
import { argumentWarnings } from './argument-warnings.ts';
import { broadRules } from './broad-rules.ts';
import { readRules, type CheckedRule } from './checked-rule.ts';
import { constantConditions } from './constant-conditions.ts';
import type { KnownTools } from './known-tool.ts';
import { overlappingRules } from './overlapping-rules.ts';
import { deadPatterns, unmentionedTools } from './tool-patterns.ts';
import type { Warning } from './warning.ts';

export interface CheckedPolicy {
  readonly policy: Policy;
  readonly rules: readonly CheckedRule[];
  /** By source, line and column. */
  readonly warnings: readonly Warning[];
}

/**
 * Compiles the sources and says what in them is hardly meant. Pure. Throws POLICY_INVALID for what does not load; a warning
 * refuses nothing. Without `known` tools, what hangs on them is left out.
 */
export function checkPolicy(sources: readonly PolicySource[], known?: KnownTools): CheckedPolicy {
  const policy = compilePolicy(sources);
  const rules = readRules(sources);
  const start = { name: sources[0]?.name ?? '', line: 1, column: 1 };
  const warnings = [
    ...overlappingRules(rules),
    ...constantConditions(rules),
    ...broadRules(rules),
    ...(known === undefined ? [] : warningsOnTools(rules, known, start)),
  ];
  const order = new Map(sources.map(({ name }, index) => [name, index]));
  return { policy, rules, warnings: warnings.sort((one, other) => byPlace(order, one.place, other.place)) };
}

function warningsOnTools(rules: readonly CheckedRule[], known: KnownTools, start: Place): Warning[] {
  return [
    ...unmentionedTools(rules, known, start),
    ...deadPatterns(rules, known),
    ...argumentWarnings(rules, known),
  ];
}

function byPlace(order: ReadonlyMap<string, number>, one: Place, other: Place): number {
  const sources = (order.get(one.name) ?? 0) - (order.get(other.name) ?? 0);
  return sources || one.line - other.line || one.column - other.column;
}
