import { resolve } from '../call/pointer.ts';
import type { Json, JsonObject } from '../call/json.ts';

/**
 * What of a principal may be committed to instead of stated: personal data, which an erasure must be able to take out of reach. The
 * agent and its key are not: who answers for a call has to be readable.
 */
export const committableFields = [
  'human.issuer',
  'human.subject',
  'human.tenant',
  'human.roles',
  'human.groups',
  'human.authTime',
  'human.issuedAt',
  'human.clientId',
  'human.scopes',
  'human.acr',
  'human.amr',
  'human.sid',
  'human.act',
  'device.id',
  'device.trust',
  'network.ip',
  'network.zone',
] as const;

export type CommittableField = (typeof committableFields)[number];

/** One field of a stated principal. */
export interface PrincipalField {
  /** JSON pointer into the stated principal: `/human/subject`. */
  readonly pointer: `/${string}`;
  readonly value: Json;
}

/** Those of the fields that this stated principal has. */
export function fieldsOf(stated: JsonObject, fields: readonly CommittableField[]): readonly PrincipalField[] {
  return fields.flatMap((field) => {
    const pointer = `/${field.replace('.', '/')}` as const;
    const value = resolve(stated, pointer);
    return value === undefined ? [] : [{ pointer, value }];
  });
}

/** The stated principal without these fields. */
export function withoutFields(stated: JsonObject, pointers: readonly string[]): JsonObject {
  const kept: JsonObject = { ...stated };
  for (const pointer of pointers) {
    const [, part = '', name = ''] = pointer.split('/');
    const { [name]: _, ...rest } = kept[part] as JsonObject;
    kept[part] = rest;
  }
  return kept;
}
