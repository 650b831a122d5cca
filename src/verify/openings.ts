import { saltLength } from '../call/commitment.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { fail } from './codes.ts';
import { fieldsOf } from './fields.ts';

/** Salts that a caller gets with its call, so that whoever holds call and result can open the commitments. */
export interface Openings {
  readonly params: Uint8Array | undefined;
  /** JSON pointer of each declared argument → salt. */
  readonly arguments: ReadonlyMap<string, Uint8Array>;
  readonly result: { readonly raw: Uint8Array | undefined; readonly normalised: Uint8Array | undefined };
}

const fields = fieldsOf('UNBOUND', 'UNBOUND');

/** Decodes `_meta["dev.countersign/envelope"].openings`. Fails with UNBOUND: without salts nothing opens. */
export function readOpenings(value: Json | undefined): Openings {
  const openings = fields.object(value, 'openings', [], ['params', 'action', 'arguments', 'result']);
  const byPointer = openings['arguments'] ?? {};
  if (!isJsonObject(byPointer)) return fail('UNBOUND', 'openings.arguments', 'This must be an object.');
  const result = fields.object(openings['result'] ?? {}, 'openings.result', [], ['raw', 'normalised']);
  return {
    params: optionalSalt(openings, 'params', 'openings'),
    arguments: new Map(
      Object.entries(byPointer).map(([path, salt]) => [path, saltAt(salt, `openings.arguments["${path}"]`)]),
    ),
    result: {
      raw: optionalSalt(result, 'raw', 'openings.result'),
      normalised: optionalSalt(result, 'normalised', 'openings.result'),
    },
  };
}

function optionalSalt(object: JsonObject, name: string, path: string): Uint8Array | undefined {
  return object[name] === undefined ? undefined : saltAt(object[name], `${path}.${name}`);
}

function saltAt(value: Json | undefined, path: string): Uint8Array {
  const salt = fields.bytes(value, path, saltLength);
  return salt.length === saltLength ? salt : fail('UNBOUND', path, `A salt has ${saltLength} bytes.`);
}
