import { homePath } from '../runtime/home/home-layout.ts';
import { openHome, type Home } from '../runtime/home/open-home.ts';
import { passphraseFrom, passphraseVariable } from '../runtime/keys/passphrase.ts';
import type { HomeOptions } from './home-options.ts';
import type { Io } from './io.ts';

/** Opens the home that a command is about; throws HOME_MISSING or HOME_INVALID. */
export function homeOf({ home, ledger }: HomeOptions, { env, cwd }: Pick<Io, 'env' | 'cwd'>): Home {
  return openHome(
    homePath(home, env, cwd),
    ledger ?? env['COUNTERSIGN_LEDGER'],
    passphraseFrom(env, passphraseVariable),
  );
}
