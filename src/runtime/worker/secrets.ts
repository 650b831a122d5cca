import { base64 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../identity/api-key.ts';
import type { TrustedRootJson } from '../../pki/trusted-root.ts';
import { readSecret } from './secret-reader.ts';
import { readApiKeySecret } from './secret-api-keys.ts';
import { readTrustedRoot } from './secret-records.ts';

/**
 * A home as the secrets of a Worker: four, since one may have 5 KB. The roots' private keys are not among them: they sign nothing
 * that a gate needs.
 */
export const secretNames = {
  home: 'COUNTERSIGN_HOME',
  keys: 'COUNTERSIGN_KEYS',
  genesis: 'COUNTERSIGN_GENESIS',
  apiKeys: 'COUNTERSIGN_API_KEYS',
} as const;

/** https://developers.cloudflare.com/workers/platform/limits/#environment-variables */
export const longestSecret = 5_000;

export interface WorkerHome {
  readonly trustDomain: string;
  /** The log's origin: random per home, and this log's alone. */
  readonly origin: string;
  readonly issuerUrl: string;
  readonly gate: string;
  /** Hex leaf hash of the log's first entry. */
  readonly genesis: string;
  readonly trustedRoot: TrustedRootJson;
}

export interface WorkerSecrets {
  readonly home: WorkerHome;
  /** PKCS#8, DER; of the log's Ed25519 key the 32 bytes alone. */
  readonly keys: {
    readonly issuing: Uint8Array;
    readonly timestamp: Uint8Array;
    readonly ct: Uint8Array;
    readonly log: Uint8Array;
  };
  /** The log's first entry, which the home wrote: the object begins with it. */
  readonly genesis: {
    readonly time: number;
    readonly leaf: Uint8Array;
    readonly payload: Uint8Array;
    readonly timestamp: Uint8Array;
  };
  readonly apiKeys: {
    readonly peppers: readonly { readonly version: number; readonly secret: Uint8Array }[];
    readonly keys: readonly ApiKeyRecord[];
  };
}

/** The secrets' texts, by name. TOO_LARGE when one is longer than the platform takes. */
export function writeSecrets({
  home,
  keys,
  genesis,
  apiKeys,
}: WorkerSecrets): Readonly<Record<string, string>> {
  const texts = {
    [secretNames.home]: JSON.stringify(home),
    [secretNames.keys]: JSON.stringify({
      issuing: base64(keys.issuing),
      timestamp: base64(keys.timestamp),
      ct: base64(keys.ct),
      log: base64(keys.log),
    }),
    [secretNames.genesis]: JSON.stringify({
      time: genesis.time,
      leaf: base64(genesis.leaf),
      payload: base64(genesis.payload),
      timestamp: base64(genesis.timestamp),
    }),
    [secretNames.apiKeys]: JSON.stringify({
      peppers: apiKeys.peppers.map(({ version, secret }) => ({ version, secret: base64(secret) })),
      keys: apiKeys.keys,
    }),
  };
  for (const [name, text] of Object.entries(texts)) {
    if (text.length > longestSecret)
      throw new CountersignError(
        'TOO_LARGE',
        `${name} would have ${text.length} bytes, and a Worker’s secret has at most ${longestSecret}.`,
      );
  }
  return texts;
}

/** Reads them back. CONFIG_INVALID, with the secret's name and never a part of it. */
export function readSecrets(env: Readonly<Record<string, unknown>>): WorkerSecrets {
  const home = readSecret(env, secretNames.home);
  const keys = readSecret(env, secretNames.keys);
  const genesis = readSecret(env, secretNames.genesis);
  return {
    home: {
      trustDomain: home.text('trustDomain'),
      origin: home.text('origin'),
      issuerUrl: home.text('issuerUrl'),
      gate: home.text('gate'),
      genesis: home.text('genesis'),
      trustedRoot: readTrustedRoot(home.object('trustedRoot')),
    },
    keys: {
      issuing: keys.bytes('issuing'),
      timestamp: keys.bytes('timestamp'),
      ct: keys.bytes('ct'),
      log: keys.bytes('log'),
    },
    genesis: {
      time: genesis.integer('time'),
      leaf: genesis.bytes('leaf'),
      payload: genesis.bytes('payload'),
      timestamp: genesis.bytes('timestamp'),
    },
    apiKeys: readApiKeySecret(env, secretNames.apiKeys),
  };
}
