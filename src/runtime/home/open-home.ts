import { existsSync, readFileSync, statSync } from 'node:fs';
import { CountersignError, toCountersignError } from '../../errors.ts';
import { homeLayout, type HomeLayout } from './home-layout.ts';
import { finishKeyChange } from '../keys/key-change.ts';
import { finishLogChange } from '../former/log-change.ts';
import { passphraseFrom, passphraseVariable, type PassphraseSource } from '../keys/passphrase.ts';

/** What `home.json` says. Nothing in it is secret. */
export interface HomeConfig {
  readonly version: 1;
  readonly trustDomain: string;
  /** The log's origin: random per home. */
  readonly origin: string;
  readonly issuerUrl: string;
  readonly tenant: string;
  readonly gate: string;
  readonly createdAt: string;
  /** Where the ledger is, without a password; absent when it is the home's own file. */
  readonly ledger?: string;
  /** Hex leaf hash of the log's first entry: origin, key and genesis together are the log's identity. */
  readonly genesis: string;
}

export interface Home {
  readonly layout: HomeLayout;
  readonly config: HomeConfig;
  /** The address of the ledger as the operator gave it, with its password. Never written anywhere. */
  readonly ledger?: string;
  /** Opens the home's keys where they are encrypted. Asked for only then. */
  readonly passphrase?: PassphraseSource;
}

/**
 * Opens a home, with its ledger at `$COUNTERSIGN_LEDGER` and its passphrase in `$COUNTERSIGN_KEY_PASSPHRASE` unless told. A change
 * of keys that a crash interrupted is finished. Throws HOME_MISSING or HOME_INVALID.
 */
export function openHome(
  root: string,
  ledger = process.env['COUNTERSIGN_LEDGER'],
  passphrase: PassphraseSource = passphraseFrom(process.env, passphraseVariable),
): Home {
  const layout = homeLayout(root);
  if (!existsSync(layout.config)) {
    throw new CountersignError(
      'HOME_MISSING',
      `There is no Countersign home at ${root}. Make one with: countersign init${flagFor(root)}`,
    );
  }
  assertPrivate(layout.root);
  assertPrivate(layout.keys);
  finishLog(layout);
  finishKeys(layout);
  return { layout, config: readConfig(layout), passphrase, ...(ledger && { ledger }) };
}

function finishLog(layout: HomeLayout): void {
  try {
    finishLogChange(layout);
  } catch (error) {
    const message = `What was restored into ${layout.logChange} cannot be moved to its place.`;
    throw toCountersignError(error, 'HOME_INVALID', message);
  }
}

function finishKeys(layout: HomeLayout): void {
  try {
    finishKeyChange(layout);
  } catch (error) {
    const message = `The keys in ${layout.keyChange} cannot be moved to their places.`;
    throw toCountersignError(error, 'HOME_INVALID', message);
  }
}

function readConfig(layout: HomeLayout): HomeConfig {
  let config: Partial<HomeConfig> | null;
  try {
    config = JSON.parse(readFileSync(layout.config, 'utf8')) as Partial<HomeConfig> | null;
  } catch (error) {
    throw new CountersignError('HOME_INVALID', `${layout.config} cannot be read as JSON.`, { cause: error });
  }
  const texts = ['trustDomain', 'origin', 'issuerUrl', 'tenant', 'gate', 'createdAt', 'genesis'] as const;
  if (
    config?.version !== 1 ||
    texts.some((field) => typeof config[field] !== 'string') ||
    !['string', 'undefined'].includes(typeof config.ledger)
  ) {
    throw new CountersignError('HOME_INVALID', `${layout.config} is not one that this version understands.`);
  }
  return config as HomeConfig;
}

/** As with SSH keys: what others can read is no secret, so it is not used. */
export function assertPrivate(path: string): void {
  if (process.platform === 'win32') return;
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new CountersignError(
      'HOME_INVALID',
      `Others can read ${path}. Make it private with: chmod 700 ${path}`,
    );
  }
}

function flagFor(root: string): string {
  return root.endsWith('.countersign') ? '' : ` --home ${root}`;
}
