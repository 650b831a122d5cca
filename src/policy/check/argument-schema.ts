import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import type { JsonType } from './argument-use.ts';

/** What an input schema says of one field. */
export type Declared =
  /** The part `at` of the path is not among the properties there, which are `names`. */
  | { readonly kind: 'absent'; readonly at: number; readonly names: readonly string[] }
  /** The schema leaves open what may stand there, or says it in a way that is not read here. */
  | { readonly kind: 'open' }
  | { readonly kind: 'declared'; readonly schema: JsonObject };

const open: Declared = { kind: 'open' };

/** Words of JSON Schema by which a value may be more than `properties` says. */
const wider = [
  '$ref',
  '$dynamicRef',
  'allOf',
  'anyOf',
  'oneOf',
  'if',
  'dependentSchemas',
  'patternProperties',
  'unevaluatedProperties',
];

/** The field at the end of a path. A schema that says nothing of other properties is taken to mean those that it names. */
export function declaredAt(schema: JsonObject, path: readonly string[], at = 0): Declared {
  const name = path[at];
  if (name === undefined) return { kind: 'declared', schema };
  const properties = schema['properties'];
  if (!isJsonObject(properties) || wider.some((word) => Object.hasOwn(schema, word))) return open;
  const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (isJsonObject(field)) return declaredAt(field, path, at + 1);
  if (field !== undefined) return open;
  const more = schema['additionalProperties'];
  return more === undefined || more === false ? { kind: 'absent', at, names: Object.keys(properties) } : open;
}

/** The JSON types that a schema names; undefined when it may be any. */
export function typesOf(schema: JsonObject): ReadonlySet<string> | undefined {
  const type = schema['type'];
  if (wider.some((word) => Object.hasOwn(schema, word)) || type === undefined) return undefined;
  const names = (Array.isArray(type) ? type : [type]).map((one) => (one === 'integer' ? 'number' : one));
  return names.every((one) => typeof one === 'string') ? new Set(names) : undefined;
}

/** The texts that a schema lists, with whatever else it lists left out; undefined when it lists nothing. */
export function valuesOf(schema: JsonObject): readonly string[] | undefined {
  const listed: Json | undefined = Object.hasOwn(schema, 'const')
    ? [schema['const'] ?? null]
    : schema['enum'];
  return Array.isArray(listed) ? listed.filter((one) => typeof one === 'string') : undefined;
}

export function fitsTypes(schema: JsonObject, types: readonly JsonType[]): boolean {
  const named = typesOf(schema);
  return named === undefined || types.some((type) => named.has(type));
}
