import { readFileSync } from 'node:fs';
import { homePath } from '../runtime/home/home-layout.ts';
import type { HumanTokenSource } from '../runtime/login/human-token.ts';
import type { Io } from './io.ts';
import { usage } from './report.ts';

/** The token of whoever is logged in, or of the environment. Opened when it is first asked for, so that what is wrong with it is an answer to whoever asks. */
export function humanTokenFrom(
  { env, cwd }: Pick<Io, 'env' | 'cwd'>,
  root = homePath(undefined, env, cwd),
): HumanTokenSource {
  let opened: Promise<HumanTokenSource | undefined> | undefined;
  return async () => {
    opened ??= import('../runtime/login/human-token.ts').then(({ openHumanToken }) =>
      openHumanToken({ root, env, cwd }),
    );
    const source = await opened;
    return source?.();
  };
}

/** Authorities that are believed of a gate, PEM. Throws USAGE for a file that cannot be read. */
export function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw usage(`${file} cannot be read (${code}).`);
  }
}
