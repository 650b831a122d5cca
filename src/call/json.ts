/** A JSON value whose numbers are doubles. Objects are null-prototype. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** `never` for what JSON does not have. */
type PlainData<T> = T extends Json | undefined
  ? T
  : T extends bigint | symbol | Uint8Array | Date | ((...args: never[]) => unknown)
    ? never
    : { readonly [K in keyof T]: PlainData<T[K]> };

/** Plain data, as the JSON that it is: an interface and a readonly list are not of the type above, whatever they hold. */
export function asJson<T extends object>(data: T & PlainData<T>): Json {
  return data as unknown as Json;
}

/** Whether a JSON value is an object, and so neither a list nor null. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}
