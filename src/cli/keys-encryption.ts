import { parseArgs } from 'node:util';
import { changePassphrase, decryptKeys, encryptKeys } from '../runtime/keys/key-encryption.ts';
import type { Home } from '../runtime/home/open-home.ts';
import { newPassphraseVariable, passphraseFrom } from '../runtime/keys/passphrase.ts';
import { homeOf } from './home.ts';
import type { Io } from './io.ts';

/** `keys encrypt`: from here on the home opens with its passphrase only. */
export async function keysEncrypt(args: readonly string[], io: Io): Promise<number> {
  await encryptKeys(onlyHome(args, io));
  io.stdout.write(
    'The keys are encrypted. Gates need COUNTERSIGN_KEY_PASSPHRASE (or …_FILE) from now on. Backups may hold the plain ones.\n',
  );
  return 0;
}

/** `keys decrypt`: the home opens without a passphrase again. */
export async function keysDecrypt(args: readonly string[], io: Io): Promise<number> {
  await decryptKeys(onlyHome(args, io));
  io.stdout.write('The keys are not encrypted any more.\n');
  return 0;
}

/** `keys passphrase`: another passphrase. */
export async function keysPassphrase(args: readonly string[], io: Io): Promise<number> {
  await changePassphrase(onlyHome(args, io), passphraseFrom(io.env, newPassphraseVariable));
  io.stdout.write(
    'The keys are encrypted with the new passphrase. What has the old one needs it before its next start.\n',
  );
  return 0;
}

/** These commands take the home and nothing else. */
function onlyHome(args: readonly string[], io: Io): Home {
  const { values } = parseArgs({ args: [...args], options: { home: { type: 'string' } } });
  return homeOf(values, io);
}
