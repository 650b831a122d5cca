import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CountersignError } from '../../errors.ts';
import { encryptPrivateKey, isEncryptedPem } from '../../pki/encrypted-key-node.ts';
import { keyFiles, type HomeLayout, type KeyName } from '../home/home-layout.ts';
import { finishKeyChange, stageKeyChange } from './key-change.ts';
import type { Home } from '../home/open-home.ts';
import { passphraseVariable, type PassphraseSource } from './passphrase.ts';

/** The private keys of a home: the one place that reads and writes their files. */

type HomeKeys = Pick<Home, 'layout' | 'passphrase'>;

/** PKCS#8, PEM, not encrypted. */
export type PlainKeys = Readonly<Partial<Record<KeyName, string>>>;

/** How a key's file is there. `missing`: it was taken elsewhere, as the roots may be. */
export type KeyFileState = 'missing' | 'plain' | 'encrypted';

export function keyFileState(layout: HomeLayout, name: KeyName): KeyFileState {
  const path = join(layout.keys, keyFiles[name]);
  if (!existsSync(path)) return 'missing';
  return isEncryptedPem(readPem(path)) ? 'encrypted' : 'plain';
}

/** Whether the home's keys open with a passphrase only. */
export function isEncryptedHome(layout: HomeLayout): boolean {
  return keyFileState(layout, 'log') === 'encrypted';
}

/** Keys that were opened, by home: opening one that is encrypted takes some tens of milliseconds. */
const opened = new WeakMap<HomeKeys, Map<KeyName, OpenedKey>>();

interface OpenedKey {
  readonly pem: string;
  readonly key: KeyObject;
}

/**
 * Opens a key, once for each home that was opened, and again after its file changed. HOME_INVALID when it cannot be read, KEY_LOCKED
 * when its passphrase is missing or wrong.
 */
export function readKey(home: HomeKeys, name: KeyName): KeyObject {
  const path = join(home.layout.keys, keyFiles[name]);
  const pem = readPem(path);
  const known = opened.get(home) ?? new Map<KeyName, OpenedKey>();
  opened.set(home, known);
  const before = known.get(name);
  if (before?.pem === pem) return before.key;
  const key = openPem(pem, path, home.passphrase);
  known.set(name, { pem, key });
  return key;
}

/** A key file that is elsewhere. */
export function readKeyFile(path: string, passphrase: PassphraseSource | undefined): KeyObject {
  return openPem(readPem(path), path, passphrase);
}

function openPem(pem: string, path: string, passphrase: PassphraseSource | undefined): KeyObject {
  return isEncryptedPem(pem) ? unlock(pem, path, passphrase?.()) : importPem(pem, path);
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CountersignError('HOME_INVALID', `The key ${path} cannot be read.`, { cause: error });
  }
}

function importPem(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The parser's own message may quote what it read.
    throw new CountersignError('HOME_INVALID', `The key ${path} is no private key in PEM.`);
  }
}

function unlock(pem: string, path: string, passphrase: string | undefined): KeyObject {
  if (passphrase === undefined) {
    throw new CountersignError(
      'KEY_LOCKED',
      `The key ${path} is encrypted: set ${passphraseVariable}, or ${passphraseVariable}_FILE to a file that holds its passphrase.`,
    );
  }
  try {
    return createPrivateKey({ key: pem, passphrase });
  } catch {
    throw new CountersignError(
      'KEY_LOCKED',
      `The passphrase in ${passphraseVariable} (or its file) does not open the key ${path}.`,
    );
  }
}

/** The text of key files: encrypted when there is a passphrase. */
export function keyFileTexts(keys: PlainKeys, passphrase: string | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(keys).map(([name, pem]) => [
      keyFiles[name as KeyName],
      passphrase === undefined ? pem : encryptPrivateKey(createPrivateKey(pem), passphrase),
    ]),
  );
}

/**
 * Replaces keys of a home, all of them or none, also over a crash. They are encrypted when the home's are: KEY_LOCKED without its
 * passphrase. Who changes keys holds the lock of `key-changers.ts`.
 */
export function replaceKeys(home: HomeKeys, keys: PlainKeys): void {
  stageKeyChange(home.layout, { keys: keyFileTexts(keys, passphraseOf(home)) });
  finishKeyChange(home.layout);
}

/** What new keys of this home are encrypted with: undefined when its keys are not. */
export function passphraseOf(home: HomeKeys): string | undefined {
  if (!isEncryptedHome(home.layout)) return undefined;
  // A wrong one would make a set that no single passphrase opens.
  readKey(home, 'log');
  return home.passphrase?.();
}

/** Every key of the home as it is, opened. */
export function readAllKeys(home: HomeKeys): PlainKeys {
  const names = (Object.keys(keyFiles) as KeyName[]).filter(
    (name) => keyFileState(home.layout, name) !== 'missing',
  );
  return Object.fromEntries(
    names.map((name) => [name, readKey(home, name).export({ type: 'pkcs8', format: 'pem' }).toString()]),
  );
}
