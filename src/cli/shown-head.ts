import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { systemCode } from '../errors.ts';
import { anchorAt, type Anchor } from '../runtime/log/anchor.ts';
import type { ReadLog } from '../runtime/former/former.ts';
import type { Home } from '../runtime/home/open-home.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** The options that say which log is read, and under which head. */
export const headOptions = {
  former: { type: 'string' },
  checkpoint: { type: 'string' },
} as const;

/** For `--checkpoint FILE`: the head that the operator kept. Undefined where none was named. */
export async function keptHead(
  home: Home,
  { ledger, origin }: ReadLog,
  file: string | undefined,
  { cwd }: Pick<Io, 'cwd'>,
): Promise<Anchor | undefined> {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    const why = systemCode(error);
    throw usage(`${file} cannot be read (${why}).`);
  }
  return anchorAt(home, ledger, origin, text);
}

/** Witnesses cosign the newest head of the log that the home has now. */
export function requireNewest(values: {
  readonly witnessed: boolean;
  readonly former?: string | undefined;
  readonly checkpoint?: string | undefined;
}): void {
  if (values.witnessed && (values.former ?? values.checkpoint) !== undefined)
    throw usage(
      '--witnessed is about the newest head of the present log: not with --former or --checkpoint.',
    );
}
