import { CountersignError } from '../../errors.ts';
import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { depthVariable, isWithheld, nextDepth } from '../../targets/depth.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What `--env` and `--secret` say, in their order. */
export interface EnvironmentWishes {
  /** `NAME` passes one on, `NAME=VALUE` sets one. */
  readonly env: readonly string[];
  /** `NAME` passes one on, and states its digest alone. */
  readonly secret: readonly string[];
}

export interface CommandEnvironment {
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, { readonly sha256: string }>>;
  /** Values of `secrets`. */
  readonly values: Readonly<Record<string, string>>;
}

const passedOn =
  process.platform === 'win32'
    ? /^(?:PATH|PATHEXT|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|TEMP|TMP|USERPROFILE|USERNAME|USERDOMAIN|HOMEDRIVE|HOMEPATH|APPDATA|LOCALAPPDATA|PROGRAMDATA|PROGRAMFILES|PROGRAMFILES\(X86\)|NUMBER_OF_PROCESSORS|PROCESSOR_ARCHITECTURE)$/i
    : /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_[A-Z]+|TZ|TERM|TMPDIR)$/;

/**
 * The child's whole environment: a few variables that say where and for whom it runs, and those that were asked for. Whatever else
 * stands around (what a loader or an interpreter heeds, credentials of other steps) does not get in unseen. Throws USAGE, and CONFIG_INVALID for
 * what is not set.
 */
export function commandEnvironment(own: Environment, wishes: EnvironmentWishes): CommandEnvironment {
  const asked = [...wishes.env, ...wishes.secret].map((wish) => wish.split('=', 1)[0] ?? '');
  asked.forEach((name, at) => requireAskable(name, asked.indexOf(name) === at));
  const env = nothing<string>();
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && passedOn.test(name)) env[name] = value;
  }
  for (const wish of wishes.env) {
    const at = wish.indexOf('=');
    const name = at < 0 ? wish : wish.slice(0, at);
    env[name] = at < 0 ? ownValue(own, name) : withoutNul(name, wish.slice(at + 1));
  }
  env[depthVariable] = String(nextDepth(own[depthVariable]));
  return { env, ...secretsOf(own, wishes.secret, env) };
}

function secretsOf(
  own: Environment,
  names: readonly string[],
  env: Record<string, string>,
): Pick<CommandEnvironment, 'secrets' | 'values'> {
  const secrets = nothing<{ readonly sha256: string }>();
  const values = nothing<string>();
  for (const name of names) {
    if (name.includes('='))
      throw misuse('--secret takes a name alone: its value comes from the environment.');
    const value = ownValue(own, name);
    // An unset secret of a pipeline comes as this.
    if (value === '') throw missing(`The secret ${name} is empty here.`);
    Reflect.deleteProperty(env, name);
    secrets[name] = { sha256: hex(sha256(utf8(value))) };
    values[name] = value;
  }
  return { secrets, values };
}

function requireAskable(name: string, isFirst: boolean): void {
  if (name === '' || name.includes('\0')) throw misuse('A variable has a name, without “=” and NUL.');
  if (!isFirst) throw misuse(`${name} was asked for twice.`);
  // What no wrapped server gets either.
  if (name.toUpperCase() === depthVariable || isWithheld(name))
    throw misuse(`${name} is for countersign alone, and never for a command.`);
}

function ownValue(own: Environment, name: string): string {
  const value = Object.hasOwn(own, name) ? own[name] : undefined;
  if (value === undefined) throw missing(`${name} is not set here, so it cannot be passed on.`);
  return value;
}

function withoutNul(name: string, value: string): string {
  if (value.includes('\0')) throw misuse(`The value of ${name} has a NUL.`);
  return value;
}

/** No prototype: a variable may be called `__proto__`. */
function nothing<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** Not a wrong word of whoever calls, but something about where they do. */
function missing(message: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', message);
}

function misuse(message: string): CountersignError {
  return new CountersignError('USAGE', message);
}
