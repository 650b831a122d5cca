import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ActingConfig } from '../config/read-acting.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import { childEnvironment } from '../../targets/depth.ts';
import { effectiveUser, whoElseMayReplace } from '../file-guard.ts';
import { environmentToken } from './token-environment.ts';

/**
 * The token of the person that a call is made for, good at this moment; undefined where there is nobody. It is asked before each
 * call, and keeps what it can. Rejects with LOGIN_MISSING when a login has ended, and LOGIN_FAILED when there should be a token and
 * none can be had.
 */
export type HumanTokenSource = () => Promise<string | undefined>;

export interface HumanTokenOptions {
  /** The folder with `countersign.yaml` and `login.json`: a home, or only these two. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly fetch?: typeof fetch;
}

/**
 * Where the token comes from: the first of `COUNTERSIGN_HUMAN_TOKEN`, `COUNTERSIGN_HUMAN_TOKEN_FILE`, the command of the section
 * `human`, and the login of the section `login`. Undefined where none of them is set.
 *
 * @param acting What `countersign.yaml` says of it; read unless given.
 * @throws CountersignError `CONFIG_INVALID`
 */
export async function openHumanToken(
  { root, env, cwd, fetch = globalThis.fetch }: HumanTokenOptions,
  acting?: ActingConfig,
): Promise<HumanTokenSource | undefined> {
  const given = environmentToken(env);
  if (given) return given;
  const config = acting ?? (await readActingAt(root, env));
  const { human, login } = config ?? {};
  if (human) {
    assertOwn(root);
    const { commandToken } = await import('./token-command.ts');
    return commandToken({ command: human.command, env: childEnvironment(env), cwd });
  }
  if (config === undefined || login === undefined) return undefined;
  const { resourceOf } = await import('../config/read-acting.ts');
  const { loginTokens } = await import('./login-tokens.ts');
  const { loginPath } = await import('./login-file.ts');
  return loginTokens({ path: loginPath(root), config: login, resource: resourceOf(config), fetch });
}

/** What is run from a configuration is run as this user: nobody else may have written it. */
function assertOwn(root: string): void {
  const user = effectiveUser();
  const why = user === undefined ? undefined : whoElseMayReplace(root, [user]);
  if (why !== undefined)
    throw new CountersignError('CONFIG_INVALID', `The command of the section human is not run: ${why}`);
}

/** What the folder's configuration says of people; undefined where it has none. Strict: throws CONFIG_INVALID. */
export async function readActingAt(
  root: string,
  env: HumanTokenOptions['env'],
): Promise<ActingConfig | undefined> {
  const name = join(root, 'countersign.yaml');
  let text: string;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    const why = systemCode(error);
    if (why === 'ENOENT') return undefined;
    throw new CountersignError('CONFIG_INVALID', `${name} cannot be read (${why}).`, { cause: error });
  }
  const { readActing } = await import('../config/read-acting.ts');
  return readActing({ name, text, env });
}
