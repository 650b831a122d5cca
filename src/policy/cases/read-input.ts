import type { Node } from 'yaml';
import type { Json, JsonObject } from '../../call/json.ts';
import { celTimestamp } from '../cel/functions.ts';
import type { PolicyInput } from '../policy.ts';
import { roots, type Shape } from '../shapes.ts';
import { readJson, readJsonObject } from '../yaml-json.ts';
import type { YamlSource } from '../yaml-source.ts';
import { defaultInput, withDefaults } from './default-input.ts';

const rootNames = [
  ...(['agent', 'human', 'device', 'network', 'session', 'tool'] as const),
  ...(['args', 'request', 'history', 'origins', 'now'] as const),
];

/**
 * The `input` of a case: what is written, over a call by an agent alone. Refuses, with the place, names and kinds of values that
 * no call has: a case about `human.role` would otherwise say nothing about `human.roles`.
 */
export function readInput(yaml: YamlSource, node: Node | undefined): PolicyInput {
  if (node === undefined) return defaultInput;
  const fields = yaml.fields(node, 'an input', rootNames);
  const input: Partial<Record<keyof PolicyInput, Json>> = {};
  for (const [root, value] of fields)
    input[root] = root === 'now' ? readTime(yaml, value) : readRoot(yaml, value, root);
  // Each root was read by its declared shape.
  return { ...defaultInput, ...(input as Partial<PolicyInput>) };
}

function readTime(yaml: YamlSource, node: Node): string {
  const text = yaml.string(node, 'now');
  try {
    celTimestamp(text);
    return text;
  } catch {
    return yaml.refuse(node, 'now is a time such as "2026-01-01T12:00:00Z"');
  }
}

function readRoot(yaml: YamlSource, node: Node, root: keyof PolicyInput): JsonObject {
  const shape = roots.get(root) ?? 'json';
  checkShape(yaml, node, shape, root);
  return withDefaults(root, readJsonObject(yaml, node, root));
}

/** Refuses what no call brings: a field that is not declared, or a value of another kind. */
function checkShape(yaml: YamlSource, node: Node, shape: Shape, what: string): void {
  if (typeof shape === 'string') return checkScalar(yaml, node, shape, what);
  if (shape.kind === 'list') {
    for (const item of yaml.list(node, what)) checkShape(yaml, item, shape.of, `an element of ${what}`);
    return;
  }
  if (shape.kind === 'map') return;
  for (const [name, value] of yaml.fields(node, what, [...shape.fields.keys()]))
    checkShape(yaml, value, shape.fields.get(name) ?? 'json', `${what}.${name}`);
}

function checkScalar(yaml: YamlSource, node: Node, scalar: string, what: string): void {
  if (scalar === 'string') yaml.string(node, what);
  if (scalar === 'double') yaml.number(node, what);
  if (scalar === 'bool' && typeof readJson(yaml, node) !== 'boolean')
    yaml.refuse(node, `${what} must be true or false`);
}
