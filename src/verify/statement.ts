import type { Json, JsonObject } from '../call/json.ts';
import { inTotoStatementType, predicateTypes } from '../names.ts';
import type { StatementKind } from '../names.ts';
import { fail } from './codes.ts';
import { fieldsOf } from './fields.ts';
import { readUnambiguous } from './read-json.ts';

/** An in-toto Statement v1 whose signature was checked. */
export interface Statement {
  readonly subject: readonly { readonly name: string; readonly sha256: string }[];
  readonly predicateType: string;
  /** Undefined for a predicate type that is not ours: it is carried, and says nothing to us. */
  readonly kind: StatementKind | undefined;
  readonly predicate: JsonObject;
}

const code = 'STATEMENT_MALFORMED';
const fields = fieldsOf(code, code);

/** Reads a payload. Call it only once the signature over these bytes held. */
export function readStatement(payload: Uint8Array): Statement {
  const { root } = readUnambiguous(payload, code, 'payload', sayingNothing);
  const statement = fields.object(root.value, 'payload', ['_type', 'subject', 'predicateType', 'predicate']);
  if (statement['_type'] !== inTotoStatementType)
    fail(code, 'payload._type', `Only ${inTotoStatementType} is read.`);
  const predicateType = fields.string(statement['predicateType'], 'payload.predicateType');
  return {
    subject: readSubject(statement['subject']),
    predicateType,
    kind: kindOf(predicateType),
    predicate: objectAt(statement['predicate'], 'payload.predicate'),
  };
}

/** What a client says of itself is carried as it said it, and nobody relies on it. */
const sayingNothing = ['predicate', 'session', 'client'];

function readSubject(value: Json | undefined): Statement['subject'] {
  const subjects = fields.array(value, 'payload.subject');
  if (subjects.length === 0) fail(code, 'payload.subject', 'A statement is about something.');
  return subjects.map((entry, i) => {
    const path = `payload.subject[${i}]`;
    const subject = fields.object(entry, path, ['digest'], ['name']);
    const digest = fields.object(subject['digest'], `${path}.digest`, ['sha256']);
    return {
      name: subject['name'] === undefined ? '' : fields.string(subject['name'], `${path}.name`),
      sha256: hexDigest(digest['sha256'], `${path}.digest.sha256`),
    };
  });
}

function kindOf(predicateType: string): StatementKind | undefined {
  const kinds = Object.keys(predicateTypes) as StatementKind[];
  return kinds.find((kind) => predicateTypes[kind] === predicateType);
}

// Readers of predicates: what we rely on is typed, what we do not know is left alone.

export function objectAt(value: Json | undefined, path: string): JsonObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? value : fail(code, path, 'This must be an object.');
}

export function stringAt(value: Json | undefined, path: string): string {
  return fields.string(value, path);
}

export function hexDigest(value: Json | undefined, path: string): string {
  const text = fields.string(value, path);
  return /^[0-9a-f]{64}$/.test(text)
    ? text
    : fail(code, path, 'This must be a SHA-256 in lower-case hexadecimal.');
}

/** `read`, unless the field is absent. */
export function optional<T>(
  object: JsonObject,
  name: string,
  path: string,
  read: (value: Json, path: string) => T,
): T | undefined {
  const value = object[name];
  return value === undefined ? undefined : read(value, `${path}.${name}`);
}
