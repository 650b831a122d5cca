import { Validator } from '@cfworker/json-schema';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';

/** A compiled schema: why it does not admit a value, undefined when it does. */
export type Misfit = (value: JsonObject) => string | undefined;

/** Keywords of JSON Schema 2020-12 that are enforced here. Another one is a slip of the pen that would enforce nothing. */
const keywords: ReadonlySet<string> = new Set([
  ...[
    '$schema',
    '$id',
    '$defs',
    '$ref',
    '$comment',
    'title',
    'description',
    'default',
    'examples',
    'deprecated',
  ],
  ...['type', 'enum', 'const', 'format', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else'],
  ...[
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
    'propertyNames',
    'minProperties',
  ],
  ...[
    'maxProperties',
    'dependentRequired',
    'dependentSchemas',
    'unevaluatedProperties',
    'items',
    'prefixItems',
  ],
  ...['contains', 'minContains', 'maxContains', 'minItems', 'maxItems', 'uniqueItems', 'unevaluatedItems'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  'pattern',
]);

/** Where a keyword's value is schemas: by name, in a list, or itself. */
const schemasByName = ['properties', 'patternProperties', '$defs', 'dependentSchemas'];
const schemaLists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const schemaValues = [
  ...['not', 'if', 'then', 'else', 'items', 'contains', 'additionalProperties', 'propertyNames'],
  ...['unevaluatedProperties', 'unevaluatedItems'],
];

/**
 * Compiles the schema of an action's parameters: JSON Schema 2020-12, an object at the top.
 *
 * @throws CountersignError `CONFIG_INVALID`; the message says where in the schema.
 */
export function compileParameters(schema: JsonObject): Misfit {
  if (schema['type'] !== 'object')
    throw new CountersignError(
      'CONFIG_INVALID',
      'The parameters of an action are an object: type must be "object".',
    );
  requireKnown(schema, '#');
  const validator = new Validator(schema, '2020-12', true);
  const declared = objectAt(schema, 'properties');
  return (value) => {
    const errors = validator.validate(value).errors;
    const innermost = errors.at(-1);
    if (innermost === undefined) return undefined;
    const { instanceLocation, keyword } = innermost;
    // A name of the caller's own making may be personal data, and the sentence is signed: only declared ones are told.
    const [, name = ''] = instanceLocation.split('/');
    return Object.hasOwn(declared, name)
      ? `The parameters do not fit the action: “${name}” fails “${keyword}”.`
      : `The parameters do not fit the action: they fail “${errors[0]?.keyword ?? keyword}”.`;
  };
}

function requireKnown(schema: Json | undefined, at: string): void {
  if (typeof schema === 'boolean') return;
  if (!isJsonObject(schema)) throw wrong(at, 'a schema is an object, or true or false');
  for (const key of Object.keys(schema))
    if (!keywords.has(key)) throw wrong(`${at}/${key}`, 'this keyword is not known here');
  for (const key of ['pattern', ...Object.keys(objectAt(schema, 'patternProperties'))])
    requirePattern(key === 'pattern' ? schema[key] : key, at);
  const ref = schema['$ref'];
  if (ref !== undefined && !(typeof ref === 'string' && /^#(\/|$)/.test(ref)))
    throw wrong(`${at}/$ref`, 'only references into the same schema are followed');
  for (const name of schemasByName)
    for (const [key, value] of Object.entries(objectAt(schema, name)))
      requireKnown(value, `${at}/${name}/${key}`);
  for (const name of schemaLists) {
    const list = schema[name];
    if (list === undefined) continue;
    if (!Array.isArray(list)) throw wrong(`${at}/${name}`, 'this is a list of schemas');
    for (const [i, value] of list.entries()) requireKnown(value, `${at}/${name}/${i}`);
  }
  for (const name of schemaValues)
    if (schema[name] !== undefined) requireKnown(schema[name], `${at}/${name}`);
}

function requirePattern(pattern: Json | undefined, at: string): void {
  if (pattern === undefined) return;
  if (typeof pattern !== 'string') throw wrong(`${at}/pattern`, 'a pattern is a text');
  try {
    new RegExp(pattern, 'u');
  } catch {
    throw wrong(`${at}/pattern`, 'this is no regular expression');
  }
}

function objectAt(schema: JsonObject, name: string): JsonObject {
  const value = schema[name];
  return isJsonObject(value) ? value : {};
}

function wrong(at: string, what: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', `The schema of the parameters, at ${at}: ${what}.`);
}
