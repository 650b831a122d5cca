import type { Node } from 'yaml';
import { limits } from './limits.ts';
import { parseToolPattern, type ToolPattern } from '../call/tool-pattern.ts';
import type { YamlSource } from './yaml-source.ts';

/** What every kind of rule in a pack reads alike. */

export function required(
  yaml: YamlSource,
  parent: Node | null,
  node: Node | undefined,
  what: string,
  example: string,
): Node {
  return node ?? yaml.refuse(parent, `${what} needs ${example}`);
}

export function readTools(yaml: YamlSource, node: Node, what: string): ToolPattern[] {
  const nodes = yaml.list(node, 'tools');
  if (nodes.length === 0) yaml.refuse(node, `${what} names no tool; "*/*" is every tool`);
  if (nodes.length > limits.patternsPerRule) yaml.refuse(node, `more than ${limits.patternsPerRule} tools`);
  return nodes.map((one) => {
    const text = yaml.string(one, 'a tool');
    try {
      return parseToolPattern(text);
    } catch (thrown) {
      return yaml.refuse(one, `the tool ${JSON.stringify(text)} ${(thrown as Error).message}`);
    }
  });
}

export function wholeNumberIn(
  yaml: YamlSource,
  node: Node | undefined,
  what: string,
  least: number,
  most: number,
): number {
  const number = node === undefined ? NaN : yaml.number(node, what);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  return yaml.refuse(node, `${what} must be a whole number from ${least} to ${most}`);
}

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `30s`, `15m`, `2h` or `7d`. */
export function durationIn(
  yaml: YamlSource,
  node: Node | undefined,
  what: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const text = node === undefined ? '' : yaml.string(node, what);
  const [, count = '', unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (unit === undefined) return yaml.refuse(node, `${what} is a time such as 30s, 15m, 2h or 7d`);
  const milliseconds = Number(count) * units[unit as keyof typeof units];
  if (milliseconds >= least && milliseconds <= most) return milliseconds;
  return yaml.refuse(node, `${what} is between ${least / 1_000}s and ${most / units.d}d`);
}
