import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Json, JsonObject } from '../call/json.ts';
import type { YamlSource } from './yaml-source.ts';

/**
 * A node as the JSON value that it stands for; refuses, with the place, what JSON cannot say. Objects have no prototype, so that
 * a key named `__proto__` is a key.
 */
export function readJson(yaml: YamlSource, node: Node): Json {
  if (isMap(node)) return readJsonObject(yaml, node);
  if (isSeq(node)) return (node.items as Node[]).map((item) => readJson(yaml, item));
  if (!isScalar(node)) return yaml.refuse(node, 'this is no JSON value');
  const { value } = node;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value) && fitsDouble(value)) return value;
  return yaml.refuse(
    node,
    'this is no JSON value: put it into quotes, or write a number that a double can hold',
  );
}

/** The same of a node that must be a map. */
export function readJsonObject(yaml: YamlSource, node: Node, what = 'this'): JsonObject {
  if (!isMap(node)) return yaml.refuse(node, `${what} must be a map`);
  const object = Object.create(null) as JsonObject;
  for (const { key, value } of node.items) {
    if (!isScalar(key) || typeof key.value !== 'string')
      return yaml.refuse(key as Node, 'the keys of JSON are strings; put it into quotes');
    object[key.value] = value === null ? null : readJson(yaml, value as Node);
  }
  return object;
}

/** A whole number that a double only rounds to is refused on a wire too. */
function fitsDouble(value: number): boolean {
  return !Number.isInteger(value) || Number.isSafeInteger(value);
}
