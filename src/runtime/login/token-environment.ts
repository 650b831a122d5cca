import { CountersignError } from '../../errors.ts';
import type { HumanTokenSource } from './human-token.ts';
import { variableFile } from './variable-file.ts';

export const humanTokenVariable = 'COUNTERSIGN_HUMAN_TOKEN';
export const humanTokenFileVariable = 'COUNTERSIGN_HUMAN_TOKEN_FILE';

/** What `identity/` would look at at most, with the line end behind it. */
const maxFileBytes = (16 << 10) + 2;

export function bringsToken(env: Readonly<Record<string, string | undefined>>): boolean {
  return env[humanTokenVariable] !== undefined || env[humanTokenFileVariable] !== undefined;
}

/**
 * The token that the environment brings, or names the file of; undefined where it does neither.
 *
 * @throws CountersignError `CONFIG_INVALID` when it does both.
 */
export function environmentToken(
  env: Readonly<Record<string, string | undefined>>,
): HumanTokenSource | undefined {
  const [token, file] = [env[humanTokenVariable], env[humanTokenFileVariable]];
  if (token !== undefined && file !== undefined)
    throw new CountersignError(
      'CONFIG_INVALID',
      `Set ${humanTokenVariable} or ${humanTokenFileVariable}, not both.`,
    );
  if (file !== undefined)
    return variableFile({
      file,
      variable: humanTokenFileVariable,
      maxBytes: maxFileBytes,
      code: 'LOGIN_FAILED',
    });
  if (token === undefined) return undefined;
  // Whoever sets it to what another variable lacked means to act for somebody.
  if (token === '') throw new CountersignError('CONFIG_INVALID', `${humanTokenVariable} is empty.`);
  const given = Promise.resolve(token);
  return () => given;
}
