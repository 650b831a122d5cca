import { CountersignError } from '../errors.ts';
import type { Json, JsonObject } from './json.ts';

/**
 * The one text of a JSON value: RFC 8785 (JCS). ECMAScript's own serialisation of strings and numbers is what the RFC
 * prescribes, so only the order of members and the refusals are ours.
 *
 * @throws CountersignError `ARGUMENTS_AMBIGUOUS` for a lone surrogate or a number that is not finite, anywhere in it:
 * neither has a canonical form.
 */
export function canonicalJson(value: Json): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      return canonicalNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? canonicalArray(value) : canonicalObject(value);
    default:
      throw new CountersignError('INTERNAL', 'A value that JSON does not have was to be made canonical.');
  }
}

function canonicalArray(elements: readonly Json[]): string {
  let text = '[';
  for (let i = 0; i < elements.length; i++) {
    if (i > 0) text += ',';
    text += canonicalJson(elements[i]!);
  }
  return text + ']';
}

/** Members in the order of their keys' UTF-16 code units, which is how `sort` compares strings by default. */
function canonicalObject(object: JsonObject): string {
  const keys = Object.keys(object).sort();
  let text = '{';
  for (let i = 0; i < keys.length; i++) {
    if (i > 0) text += ',';
    const key = keys[i]!;
    text += canonicalString(key) + ':' + canonicalJson(object[key]!);
  }
  return text + '}';
}

function canonicalString(text: string): string {
  if (!text.isWellFormed()) {
    throw new CountersignError(
      'ARGUMENTS_AMBIGUOUS',
      'A string holds a lone surrogate: it has no canonical form.',
    );
  }
  return JSON.stringify(text);
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) {
    throw new CountersignError('ARGUMENTS_AMBIGUOUS', 'A number is not finite: it has no canonical form.');
  }
  // Negative zero is "0" in both.
  return JSON.stringify(value);
}
