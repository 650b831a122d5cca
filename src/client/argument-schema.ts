import { Validator } from '@cfworker/json-schema';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { CountersignError } from '../errors.ts';

/** What a validator's library offers that follows Standard Schema v1 (https://standardschema.dev): zod, Valibot, ArkType and others. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validated<Output> | Promise<Validated<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    /** Of those that can also say what they are in JSON Schema. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => unknown };
  };
}

type Validated<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly unknown[] | undefined;
      }[];
    };

/** How the arguments of a function are checked before the gate is asked, and what the gate is told of them. */
export interface ArgumentSchema {
  /** JSON Schema 2020-12; absent where the validator cannot say it. */
  readonly inputSchema?: JsonObject;
  /** What is decided on. Rejects with ARGUMENTS_INVALID; the message says where, and repeats no value. */
  check(given: unknown): Promise<JsonObject>;
}

export function argumentSchema(schema: StandardSchema | JsonObject | undefined): ArgumentSchema {
  if (schema === undefined) return { check: async (given) => objectOf(given) };
  return isStandard(schema) ? standardSchema(schema) : jsonSchema(schema);
}

function isStandard(schema: StandardSchema | JsonObject): schema is StandardSchema {
  return '~standard' in schema;
}

function standardSchema({ '~standard': standard }: StandardSchema): ArgumentSchema {
  const inputSchema = inJsonSchema(standard);
  return {
    ...(inputSchema && { inputSchema }),
    async check(given) {
      const checked = await standard.validate(given);
      const [issue] = checked.issues ?? [];
      if (issue !== undefined) throw misfit(pathOf(issue.path));
      return objectOf('value' in checked ? checked.value : undefined);
    },
  };
}

/** A validator may have checks that JSON Schema cannot say: it throws then, and the tool is declared without a schema. */
function inJsonSchema({ jsonSchema: own }: StandardSchema['~standard']): JsonObject | undefined {
  try {
    const said = own?.input({ target: 'draft-2020-12' });
    return isJsonObject(said as Json) ? (said as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function jsonSchema(schema: JsonObject): ArgumentSchema {
  const validator = new Validator(schema, '2020-12');
  return {
    inputSchema: schema,
    async check(given) {
      const args = objectOf(given);
      const { valid, errors } = validator.validate(args);
      if (!valid) throw misfit(errors.at(-1)?.instanceLocation.slice(1) ?? '');
      return args;
    },
  };
}

function pathOf(path: readonly unknown[] = []): string {
  const keys = path.map((part) =>
    typeof part === 'object' && part !== null && 'key' in part ? part.key : part,
  );
  return keys.length === 0 ? '' : `/${keys.map(String).join('/')}`;
}

function misfit(path: string): CountersignError {
  return new CountersignError(
    'ARGUMENTS_INVALID',
    `The arguments do not fit the schema${path === '' ? '' : ` at ${path}`}; nothing ran.`,
  );
}

function objectOf(given: unknown): JsonObject {
  const args = given as Json;
  if (isJsonObject(args)) return args;
  throw new CountersignError('ARGUMENTS_INVALID', 'The arguments of a call are a JSON object; nothing ran.');
}
