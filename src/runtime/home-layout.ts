import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** Where things are in a home. The folder is 0700; everything that is secret is 0600. */
export interface HomeLayout {
  readonly root: string;
  readonly config: string;
  readonly trustedRoot: string;
  readonly policy: string;
  readonly keys: string;
  readonly apiKeys: string;
  readonly peppers: string;
  readonly ledger: string;
  /** Space held back so that outcomes can be recorded on a full disk. */
  readonly ballast: string;
  /** The last released checkpoints, one file an instance: outside the ledger, so that a rolled-back one is noticed. */
  readonly released: string;
  readonly instances: string;
}

export function homeLayout(root: string): HomeLayout {
  const at = (...parts: string[]): string => join(root, ...parts);
  return {
    root,
    config: at('home.json'),
    trustedRoot: at('trusted_root.json'),
    policy: at('policy.yaml'),
    keys: at('keys'),
    apiKeys: at('api-keys.json'),
    peppers: at('keys', 'api-key-peppers.json'),
    ledger: at('ledger.sqlite'),
    ballast: at('ledger.ballast'),
    released: at('released'),
    instances: at('instances'),
  };
}

/** The keys' files under `keys/`: PKCS#8, PEM. */
export const keyFiles = {
  root: 'root.key.pem',
  issuing: 'issuing.key.pem',
  timestampRoot: 'timestamp-root.key.pem',
  timestamp: 'timestamp.key.pem',
  ct: 'ct.key.pem',
  log: 'log.key.pem',
} as const;

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
