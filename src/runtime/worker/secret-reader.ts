import { fromBase64 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';

/** Reads one object of a secret, field by field. What does not fit is CONFIG_INVALID, with the secret's name and never a part of it. */
export interface SecretReader {
  has(field: string): boolean;
  text(field: string): string;
  oneOf<const Text extends string>(field: string, known: readonly Text[]): Text;
  integer(field: string): number;
  /** Of base64. */
  bytes(field: string): Uint8Array;
  object(field: string): SecretReader;
  list(field: string): readonly SecretReader[];
}

/** The secret of this name, which is the JSON of an object. CONFIG_INVALID when there is none, too. */
export function readSecret(env: Readonly<Record<string, unknown>>, name: string): SecretReader {
  const text = secretText(env, name);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes what it read.
    value = undefined;
  }
  return reader(name, value);
}

/** The text of the secret of this name. CONFIG_INVALID when there is none. */
export function secretText(env: Readonly<Record<string, unknown>>, name: string): string {
  const text = env[name];
  if (typeof text !== 'string')
    throw new CountersignError('CONFIG_INVALID', `The Worker has no secret ${name}.`);
  return text;
}

function reader(name: string, value: unknown): SecretReader {
  const unfit = (): CountersignError =>
    new CountersignError('CONFIG_INVALID', `The secret ${name} is not one that this version understands.`);
  const fields = fieldsOf(value);
  if (fields === undefined) throw unfit();

  const text = (found: unknown): string => {
    if (typeof found !== 'string') throw unfit();
    return found;
  };
  return {
    has: (field) => fields.has(field),
    text: (field) => text(fields.get(field)),
    oneOf(field, known) {
      const found = known.find((each) => each === fields.get(field));
      if (found === undefined) throw unfit();
      return found;
    },
    integer(field) {
      const found = fields.get(field);
      if (typeof found !== 'number' || !Number.isSafeInteger(found)) throw unfit();
      return found;
    },
    bytes(field) {
      const found = fromBase64(text(fields.get(field)));
      if (found === undefined) throw unfit();
      return found;
    },
    object: (field) => reader(name, fields.get(field)),
    list(field) {
      const found: unknown = fields.get(field);
      if (!Array.isArray(found)) throw unfit();
      return found.map((one) => reader(name, one));
    },
  };
}

/** The fields of an object by name, and nothing that it inherits; undefined for everything else. */
function fieldsOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value));
}
