import { CountersignError } from '../../errors.ts';
import { finishKeyChange, stageKeyChange } from './key-change.ts';
import { asKeyChanger } from './key-changers.ts';
import { isEncryptedHome, keyFileTexts, readAllKeys } from './key-store.ts';
import type { Home } from '../home/open-home.ts';
import { newPassphraseVariable, passphraseVariable, type PassphraseSource } from './passphrase.ts';

/** How the keys of a home lie on its disk. Each of these changes all files or none, also over a crash. */

/** CONFIG_INVALID when they are encrypted already, or there is no passphrase to encrypt them with. */
export function encryptKeys(home: Home): Promise<void> {
  return asKeyChanger(home.layout, async () => {
    if (isEncryptedHome(home.layout)) throw invalid('The keys of this home are encrypted already.');
    rewrite(home, required(home.passphrase, passphraseVariable));
  });
}

/** CONFIG_INVALID when they are not encrypted, KEY_LOCKED when the passphrase does not open them. */
export function decryptKeys(home: Home): Promise<void> {
  return asKeyChanger(home.layout, async () => {
    requireEncrypted(home);
    rewrite(home, undefined);
  });
}

/** As `decryptKeys`, and encrypts them anew. Gates that run keep what they have opened, until their keys are rotated. */
export function changePassphrase(home: Home, next: PassphraseSource): Promise<void> {
  return asKeyChanger(home.layout, async () => {
    requireEncrypted(home);
    rewrite(home, required(next, newPassphraseVariable));
  });
}

function rewrite(home: Home, passphrase: string | undefined): void {
  stageKeyChange(home.layout, { keys: keyFileTexts(readAllKeys(home), passphrase) });
  finishKeyChange(home.layout);
}

function requireEncrypted({ layout }: Home): void {
  if (!isEncryptedHome(layout)) throw invalid('The keys of this home are not encrypted.');
}

function required(source: PassphraseSource | undefined, variable: string): string {
  const passphrase = source?.();
  if (passphrase !== undefined) return passphrase;
  throw invalid(`Set ${variable}, or ${variable}_FILE to a file that holds the passphrase.`);
}

function invalid(message: string): CountersignError {
  return new CountersignError('CONFIG_INVALID', message);
}
