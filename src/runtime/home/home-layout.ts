import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** Where things are in a home. The folder is 0700; everything that is secret is 0600. */
export interface HomeLayout {
  readonly root: string;
  readonly config: string;
  readonly trustedRoot: string;
  readonly policy: string;
  /** What else an operator sets: see `home-config.ts`. Absent while there is nothing to set. */
  readonly settings: string;
  readonly keys: string;
  readonly apiKeys: string;
  /** Who changes API keys holds a lock on this file. */
  readonly apiKeyLock: string;
  readonly peppers: string;
  /** Whose grants count, beside those of the configuration. Absent while there is nobody. */
  readonly granters: string;
  readonly ledger: string;
  /** Space held back so that outcomes can be recorded on a full disk. */
  readonly ballast: string;
  /** The last released checkpoints, one file an instance: outside the ledger, so that a rolled-back one is noticed. */
  readonly released: string;
  readonly instances: string;
  /** Keys whose holder may be somebody else: what verifiers are told with `--compromised`. Absent while there is none. */
  readonly compromised: string;
  /** The logs that this home began before its present one, a folder each: `<origin>/ledger.sqlite`. */
  readonly former: string;
  /** What a change of logs does, while it is under way: see `log-change.ts`. */
  readonly logChange: string;
  /** What a change of keys does, while it is under way: see `key-change.ts`. */
  readonly keyChange: string;
  /** The same for the log's key: the ledger decides whether it happens. */
  readonly logKeyChange: string;
  /** A change of keys that the log does not state yet. */
  readonly keyEvent: string;
  /** Who changes keys holds a lock here. */
  readonly keyChangers: string;
  /** The authority that certifies agents, PEM. Absent while there is none. */
  readonly workloadAuthority: string;
  /** That the log went on in a Worker, and how it began. Absent while it is kept here. */
  readonly movedLog: string;
}

export function homeLayout(root: string): HomeLayout {
  const at = (...parts: string[]): string => join(root, ...parts);
  return {
    root,
    config: at('home.json'),
    trustedRoot: at('trusted_root.json'),
    policy: at('policy.yaml'),
    settings: at('countersign.yaml'),
    keys: at('keys'),
    apiKeys: at('api-keys.json'),
    apiKeyLock: at('api-keys.lock'),
    peppers: at('keys', 'api-key-peppers.json'),
    granters: at('granters.json'),
    ledger: at('ledger.sqlite'),
    ballast: at('ledger.ballast'),
    released: at('released'),
    instances: at('instances'),
    compromised: at('compromised.json'),
    former: at('former'),
    logChange: at('log.next'),
    keyChange: at('keys.next'),
    logKeyChange: at('keys.log-next'),
    keyEvent: at('key-event.json'),
    keyChangers: at('key-changers'),
    workloadAuthority: at('workload-ca.pem'),
    movedLog: at('moved-log.json'),
  };
}

/** Files of keys that a home has from the beginning. */
export const firstKeyFiles = {
  root: 'root.key.pem',
  issuing: 'issuing.key.pem',
  timestampRoot: 'timestamp-root.key.pem',
  timestamp: 'timestamp.key.pem',
  ct: 'ct.key.pem',
  log: 'log.key.pem',
} as const;

/**
 * The keys' files under `keys/`: PKCS#8, PEM; encrypted where a passphrase was set. What certifies agents is made when the first is
 * to be enrolled.
 */
export const keyFiles = { ...firstKeyFiles, workload: 'workload.key.pem' } as const;

export type KeyName = keyof typeof keyFiles;

/** `--home`, else `$COUNTERSIGN_HOME`, else `~/.countersign`; absolute. */
export function homePath(
  flag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string {
  const chosen = flag ?? env['COUNTERSIGN_HOME'];
  return chosen ? resolve(cwd, chosen) : join(userHome(env), '.countersign');
}

/** An empty `HOME` is none: the current folder would become a home without anyone having said so. */
function userHome(env: Readonly<Record<string, string | undefined>>): string {
  return env['HOME'] || homedir() || userInfo().homedir;
}
