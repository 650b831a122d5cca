import { fromBase64 } from '../call/sha256.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { fail, type VerifyCode } from './codes.ts';

/** Reads the fields of one JSON document strictly: every refusal has the document's codes and the path of the field. */
export interface Fields {
  /** An object with exactly these members; a member that is not listed is refused, as protobuf readers in Go do. */
  object(
    value: Json | undefined,
    path: string,
    required: readonly string[],
    optional?: readonly string[],
  ): JsonObject;
  array(value: Json | undefined, path: string): Json[];
  string(value: Json | undefined, path: string): string;
  /** Canonical base64 of 1 to `max` bytes. */
  bytes(value: Json | undefined, path: string, max: number): Uint8Array;
  /** An int64 in protobuf's JSON: decimal digits in a string, without sign or leading zeros, at most 2^53 - 1. */
  count(value: Json | undefined, path: string): number;
}

/** `malformed` is the code for a wrong type or spelling, `unknown` the code for a member that no schema has. */
export function fieldsOf(malformed: VerifyCode, unknown: VerifyCode): Fields {
  const string = (value: Json | undefined, path: string): string =>
    typeof value === 'string' ? value : fail(malformed, path, 'This must be a string.');

  return {
    string,
    object(value, path, required, optional = []) {
      if (!isJsonObject(value)) return fail(malformed, path, 'This must be an object.');
      for (const name of Object.keys(value)) {
        if (!required.includes(name) && !optional.includes(name)) {
          fail(unknown, join(path, name), 'No schema has this field.');
        }
      }
      for (const name of required) {
        if (!Object.hasOwn(value, name)) fail(malformed, join(path, name), 'This field is missing.');
      }
      return value;
    },
    array(value, path) {
      return Array.isArray(value) ? value : fail(malformed, path, 'This must be an array.');
    },
    bytes(value, path, max) {
      const text = string(value, path);
      if (text.length > Math.ceil(max / 3) * 4)
        return fail('TOO_LARGE', path, `This may have at most ${max} bytes.`);
      const bytes = fromBase64(text);
      if (bytes === undefined || bytes.length === 0) {
        return fail(malformed, path, 'This must be canonical base64 of at least one byte.');
      }
      return bytes;
    },
    count(value, path) {
      const text = string(value, path);
      const number = Number(text);
      if (!/^(?:0|[1-9]\d{0,15})$/.test(text) || !Number.isSafeInteger(number)) {
        return fail(malformed, path, 'This must be a count in decimal digits.');
      }
      return number;
    },
  };
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
