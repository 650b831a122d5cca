import { readFileSync, statSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What opens a home's keys, when it is asked for and not before. Undefined when none was set. */
export type PassphraseSource = () => string | undefined;

/** The variable with the passphrase of a home's keys; with `_FILE` behind it, the path of a file that holds it. */
export const passphraseVariable = 'COUNTERSIGN_KEY_PASSPHRASE';
/** The same for the passphrase that is to take its place. */
export const newPassphraseVariable = 'COUNTERSIGN_NEW_KEY_PASSPHRASE';

/**
 * Reads a passphrase where the environment says. CONFIG_INVALID, which never quotes it: both variables are set, it is empty, or
 * its file cannot be read or is readable for others.
 */
export function passphraseFrom(environment: Environment, variable: string): PassphraseSource {
  return () => {
    const [given, file] = [environment[variable], environment[`${variable}_FILE`]];
    if (given !== undefined && file !== undefined)
      throw invalid(`Set ${variable} or ${variable}_FILE, not both.`);
    const passphrase = file === undefined ? given : readPassphrase(file, `${variable}_FILE`);
    // Whoever sets it to what another variable lacked means to have one.
    if (passphrase === '') throw invalid(`The passphrase in ${variable} (or its file) is empty.`);
    return passphrase;
  };
}

/** One trailing line end is not part of it: editors and `echo` put it there. */
function readPassphrase(path: string, variable: string): string {
  let text: string;
  let mode: number;
  try {
    mode = statSync(path).mode;
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`The file that ${variable} names cannot be read.`, error);
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw invalid(`Others can read the file that ${variable} names. Make it private with: chmod 600`);
  return text.replace(/\r?\n$/, '');
}

function invalid(message: string, cause?: unknown): CountersignError {
  return new CountersignError('CONFIG_INVALID', message, { cause });
}
