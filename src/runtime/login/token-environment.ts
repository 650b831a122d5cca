import { readFileSync, statSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import type { HumanTokenSource } from './human-token.ts';

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
  if (file !== undefined) return fileToken(file);
  if (token === undefined) return undefined;
  // Whoever sets it to what another variable lacked means to act for somebody.
  if (token === '') throw new CountersignError('CONFIG_INVALID', `${humanTokenVariable} is empty.`);
  const given = Promise.resolve(token);
  return () => given;
}

/** Whoever writes the file renews the token: it is looked at before each call, and read when it has changed. */
function fileToken(file: string): HumanTokenSource {
  let read: { readonly stamp: string; readonly token: string } | undefined;
  const current = (): string => {
    const stamp = stampOf(file);
    if (read?.stamp !== stamp) read = { stamp, token: readToken(file) };
    return read.token;
  };
  return () => new Promise((resolve) => resolve(current()));
}

function stampOf(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) throw unusable('is not there');
  if (found.size > maxFileBytes) throw unusable('is longer than a token');
  if (process.platform !== 'win32' && (found.mode & 0o022n) !== 0n)
    throw unusable('could have been written by others; take that from them with: chmod go-w');
  return `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
}

function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw unusable('cannot be read');
  }
  const token = text.replace(/\r?\n$/, '');
  if (token === '') throw unusable('is empty');
  return token;
}

function unusable(what: string): CountersignError {
  return new CountersignError('LOGIN_FAILED', `The file that ${humanTokenFileVariable} names ${what}.`);
}
