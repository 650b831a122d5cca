import { saltLength } from '../call/commitment.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { fail } from './codes.ts';
import { fieldsOf } from './fields.ts';

/** Salts that a caller gets with its call, so that whoever holds call and result can open the commitments. */
export interface Openings {
  readonly params: Uint8Array | undefined;
  /** JSON pointer of each declared argument → salt. */
  readonly arguments: ReadonlyMap<string, Uint8Array>;
  /** Of the params as the caller sent them, where policy changed the arguments. */
  readonly asked: Uint8Array | undefined;
  /** Id of each approval → salt of the document that was approved. */
  readonly approvals: ReadonlyMap<string, Uint8Array>;
  readonly result: { readonly raw: Uint8Array | undefined; readonly normalised: Uint8Array | undefined };
}

const fields = fieldsOf('UNBOUND', 'UNBOUND');

/** Decodes `_meta["dev.countersign/envelope"].openings`. Fails with UNBOUND: without salts nothing opens. */
export function readOpenings(value: Json | undefined): Openings {
  const openings = fields.object(
    value,
    'openings',
    [],
    ['params', 'action', 'arguments', 'asked', 'approvals', 'result'],
  );
  const result = fields.object(openings['result'] ?? {}, 'openings.result', [], ['raw', 'normalised']);
  return {
    params: optionalSalt(openings, 'params', 'openings'),
    arguments: saltsAt(openings, 'arguments'),
    asked: optionalSalt(openings, 'asked', 'openings'),
    approvals: saltsAt(openings, 'approvals'),
    result: {
      raw: optionalSalt(result, 'raw', 'openings.result'),
      normalised: optionalSalt(result, 'normalised', 'openings.result'),
    },
  };
}

function saltsAt(openings: JsonObject, name: 'arguments' | 'approvals'): ReadonlyMap<string, Uint8Array> {
  const salts = openings[name] ?? {};
  if (!isJsonObject(salts)) return fail('UNBOUND', `openings.${name}`, 'This must be an object.');
  return new Map(
    Object.entries(salts).map(([key, salt]) => [key, saltAt(salt, `openings.${name}["${key}"]`)]),
  );
}

function optionalSalt(object: JsonObject, name: string, path: string): Uint8Array | undefined {
  return object[name] === undefined ? undefined : saltAt(object[name], `${path}.${name}`);
}

function saltAt(value: Json | undefined, path: string): Uint8Array {
  const salt = fields.bytes(value, path, saltLength);
  return salt.length === saltLength ? salt : fail('UNBOUND', path, `A salt has ${saltLength} bytes.`);
}
