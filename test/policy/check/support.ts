import { checkPolicy } from '../../../src/policy/check/check.ts';
import type { KnownTools } from '../../../src/policy/check/known-tool.ts';
import type { Warning } from '../../../src/policy/check/warning.ts';

/** A pack of rules in YAML flow form, one a line from the fourth line on. */
export function packOf(...rules: readonly string[]): string {
  return `version: 1\nname: test\nrules:\n${rules.map((rule) => `  - ${rule}\n`).join('')}`;
}

export function warningsOf(rules: readonly string[], known?: KnownTools): readonly Warning[] {
  return checkPolicy([{ name: 'test.yaml', text: packOf(...rules) }], known).warnings;
}

/** `line:column kind rule` of each. */
export function warned(...rules: readonly string[]): string[] {
  return warningsOf(rules).map(brief);
}

export function brief({ kind, place: { line, column }, rule }: Warning): string {
  return `${line}:${column} ${kind} ${rule ?? '-'}`;
}

/** The kinds of what is said about one condition. */
export function conditionWarnings(when: string): string[] {
  return warningsOf([`{id: only, effect: allow, tools: ["a/b"], when: ${JSON.stringify(when)}}`]).map(
    ({ kind }) => kind,
  );
}
