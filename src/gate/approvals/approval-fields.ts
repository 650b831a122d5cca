import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { CountersignError } from '../../errors.ts';

/** Readers of a head's fields. Each throws LEDGER_CORRUPT for what no gate has written. */

export function corrupt(): CountersignError {
  return new CountersignError(
    'LEDGER_CORRUPT',
    'The ledger holds a request for approval that cannot be read. Look who else writes to it.',
  );
}

/** What a head says: JSON of at most so many UTF-16 units. */
export function parsedHead(text: string, maxLength: number): Json {
  if (text.length > maxLength) throw corrupt();
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw corrupt();
  }
}

/** An object with exactly these members. */
export function objectWith(
  value: Json | undefined,
  required: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  if (!isJsonObject(value)) throw corrupt();
  const keys = Object.keys(value);
  if (keys.some((key) => !required.includes(key) && !optional.includes(key))) throw corrupt();
  if (required.some((key) => !Object.hasOwn(value, key))) throw corrupt();
  return value;
}

export function textAt(object: JsonObject, name: string, pattern: RegExp): string {
  const value = object[name];
  if (typeof value !== 'string' || !value.isWellFormed() || !pattern.test(value)) throw corrupt();
  return value;
}

export function numberAt(object: JsonObject, name: string, least: number, most: number): number {
  const value = object[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most)
    throw corrupt();
  return value;
}

export function choiceAt<T extends string>(object: JsonObject, name: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === object[name]);
  if (found === undefined) throw corrupt();
  return found;
}

export function listAt<T>(
  object: JsonObject,
  name: string,
  most: number,
  read: (value: Json) => T,
): readonly T[] {
  const value = object[name];
  if (!Array.isArray(value) || value.length > most) throw corrupt();
  return value.map(read);
}

/** `{ [name]: … }`, or nothing where the member is absent. */
export function given<K extends string, T>(
  object: JsonObject,
  name: K,
  read: (value: Json) => T,
): { readonly [P in K]?: T } {
  const value = object[name];
  return (value === undefined ? {} : { [name]: read(value) }) as { readonly [P in K]?: T };
}
