import { utf8 } from '../call/bytes.ts';
import { ambiguityWithin } from '../call/json-node.ts';
import { parseJson } from '../call/json-scan.ts';
import { isJsonObject, type Json, type JsonObject } from '../call/json.ts';
import { CountersignError } from '../errors.ts';

/** What the child's standard input is. */
export type CommandStdin =
  | { readonly kind: 'none' }
  /** `sha256` is hex. */
  | { readonly kind: 'bytes'; readonly bytes: number; readonly sha256: string }
  /** Whoever sits there answers: nothing of that was decided on. */
  | { readonly kind: 'terminal' };

/** What both tools are told. */
interface CommandSurroundings {
  /** The working directory's real path. */
  readonly cwd: string;
  /** The child's whole environment but for `secrets`. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables whose values are for the child alone: hex digests stand for them. */
  readonly secrets: Readonly<Record<string, { readonly sha256: string }>>;
  readonly stdin: CommandStdin;
}

/** The arguments of `exec`: one program with its words, and no shell that would read them. */
export interface ExecArguments extends CommandSurroundings {
  /** The executable's real path. */
  readonly command: string;
  /** The name that it is called by, and its words. */
  readonly argv: readonly string[];
}

/** The arguments of `shell`: a script, and what `$1` and on are in it. */
export interface ShellArguments extends CommandSurroundings {
  /** The shell's real path. */
  readonly shell: string;
  readonly script: string;
  readonly args: readonly string[];
}

export type CommandArguments = ExecArguments | ShellArguments;

/** What is started in the end. */
export interface CommandStart {
  readonly file: string;
  readonly argv0: string;
  readonly args: readonly string[];
}

/** The shell is called by this name, which makes every one of them a POSIX shell. */
export const shellName = 'sh';

export function startOf(given: CommandArguments): CommandStart {
  if ('script' in given) {
    const args = ['-c', given.script, shellName, ...given.args];
    return { file: given.shell, argv0: shellName, args };
  }
  const [argv0 = given.command, ...args] = given.argv;
  return { file: given.command, argv0, args };
}

/** The arguments as they were decided on. ARGUMENTS_INVALID for anything else. */
export function readCommandArguments(payload: Uint8Array): CommandArguments {
  const { root } = parseJson(payload);
  return commandArgumentsOf(root.value);
}

export function commandArgumentsOf(value: Json): CommandArguments {
  if (!isJsonObject(value)) throw wrong();
  const { command, argv, shell, script, args, cwd, env, secrets, stdin } = value;
  const surroundings = {
    cwd: text(cwd),
    env: record(env, text),
    secrets: record(secrets, (each) => ({ sha256: text(memberOf(each, 'sha256')) })),
    stdin: stdinOf(stdin),
  };
  return script === undefined
    ? { command: text(command), argv: texts(argv), ...surroundings }
    : { shell: text(shell), script: text(script), args: texts(args), ...surroundings };
}

function stdinOf(value: Json | undefined): CommandStdin {
  const kind = memberOf(value, 'kind');
  if (kind === 'none' || kind === 'terminal') return { kind };
  const bytes = memberOf(value, 'bytes');
  if (kind !== 'bytes' || typeof bytes !== 'number') throw wrong();
  return { kind, bytes, sha256: text(memberOf(value, 'sha256')) };
}

function memberOf(value: Json | undefined, name: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** What no operating system could be given is no text here. */
function text(value: Json | undefined): string {
  if (typeof value !== 'string' || value.includes('\0')) throw wrong();
  return value;
}

function texts(value: Json | undefined): string[] {
  if (!Array.isArray(value)) throw wrong();
  return value.map(text);
}

function record<T>(value: Json | undefined, of: (value: Json) => T): Readonly<Record<string, T>> {
  if (!isJsonObject(value)) throw wrong();
  // No prototype: a variable may be called `__proto__`.
  const found = Object.create(null) as Record<string, T>;
  for (const [name, each] of Object.entries(value)) {
    if (name === '' || /[=\0]/.test(name)) throw wrong();
    found[name] = of(each);
  }
  return found;
}

function wrong(): CountersignError {
  return new CountersignError('ARGUMENTS_INVALID', 'These are not the arguments of a command.');
}

/**
 * What the tools are known as. The executable stands in the definition, so that a gate which is only told of it, and cannot look,
 * notices another one under the same name too.
 */
export function commandDefinition(given: CommandArguments): JsonObject {
  return 'script' in given
    ? definition('shell', 'Runs a script with a shell.', {
        shell: { const: given.shell },
        script: { type: 'string' },
        args: { type: 'array', items: { type: 'string' } },
      })
    : definition('exec', 'Runs one program, without a shell.', {
        command: { const: given.command },
        argv: { type: 'array', items: { type: 'string' } },
      });
}

const surroundings: JsonObject = {
  cwd: { type: 'string' },
  env: { type: 'object', additionalProperties: { type: 'string' } },
  secrets: { type: 'object' },
  stdin: { type: 'object' },
};

function definition(name: 'exec' | 'shell', description: string, own: JsonObject): JsonObject {
  const properties = { ...own, ...surroundings };
  return {
    name,
    description,
    inputSchema: {
      type: 'object',
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    },
  };
}

/** Arguments as they are decided on: the exact bytes, and what policy reads of them. */
export interface CommandPayload {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly value: JsonObject;
}

/** ARGUMENTS_AMBIGUOUS for what two readers could take for two things: variables that differ in case alone, half a character. */
export function payloadOf(given: CommandArguments): CommandPayload {
  const bytes = utf8(JSON.stringify(given));
  const parsed = parseJson(bytes);
  const { root } = parsed;
  if (root.kind !== 'object') throw wrong();
  const ambiguity = ambiguityWithin(parsed, root);
  if (ambiguity === undefined) return { bytes, value: root.value };
  const what = ambiguity.key === undefined ? ambiguity.kind : `${ambiguity.kind} ${ambiguity.key}`;
  throw new CountersignError(
    'ARGUMENTS_AMBIGUOUS',
    `The command could be read in two ways: ${what}. Variables must differ in more than case.`,
  );
}
