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
