import { realpathSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { usage } from './report.ts';

/**
 * The file that this program was started from, for configurations that start it again. Throws USAGE for one that is not installed, or
 * does not stay; `advice` says what else can be done, and ends the sentence.
 */
export function ownProgram(advice: string): string {
  const script = realpathSync(resolve(process.argv[1] ?? ''));
  if (basename(script) !== 'countersign.js') throw usage(`This program is not the installed one: ${advice}.`);
  if (/[\\/]_npx[\\/]/.test(script)) throw usage(`This is npx’s copy, which does not stay: ${advice}.`);
  return script;
}
