import { readFileSync } from 'node:fs';
import { CountersignError, systemCode } from '../../errors.ts';
import { grantLimits } from '../../identity/grants/grant.ts';

/** The grant in a file: one line. */
export function readGrantText(file: string): string {
  try {
    return grantIn(readFileSync(file));
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('USAGE', `${file} cannot be read (${systemCode(cause)}).`, { cause });
  }
}

export function grantIn(bytes: Uint8Array): string {
  if (bytes.length > grantLimits.length + 2)
    throw new CountersignError('TOO_LARGE', `A grant has at most ${grantLimits.length} characters.`);
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/\r?\n$/, '');
}
