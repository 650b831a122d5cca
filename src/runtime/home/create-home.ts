import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { base64, hex } from '../../call/sha256.ts';
import { logOpen } from '../../envelope/statements.ts';
import { CountersignError, systemCode } from '../../errors.ts';
import { createTrustSystem, type TrustSystem } from '../../pki/authority.ts';
import { parsePostgresUrl } from '../../ledger/store-postgres-url.ts';
import { ed25519Signer } from '../../pki/signer-node.ts';
import { trustedRoot } from '../../pki/trusted-root.ts';
import { leafHash } from '../../tlog/merkle.ts';
import { mintApiKey } from './api-key-mint.ts';
import { firstKeyFiles, homeLayout, type HomeLayout } from './home-layout.ts';
import { keyFileTexts } from '../keys/key-store.ts';
import type { Home, HomeConfig } from './open-home.ts';
import { createHomeLedger, logKeyIdOf } from './home-ledger.ts';
import { notarise } from '../../gate/notary.ts';
import { openNotary } from './notary.ts';
import { passphraseFrom, passphraseVariable, type PassphraseSource } from '../keys/passphrase.ts';
import { starterPolicy } from '../starter-policy.ts';

/** The authority starts a little before its first certificate, which states whole seconds only. */
const validBeforeMs = 60_000;

export interface NewHome {
  readonly home: string;
  /** Shown once: only its digest is stored. */
  readonly apiKey: string;
  readonly trustedRoot: string;
}

/**
 * Makes a home: keys, certificates, trust root, starter policy, ledger with its first entry, and one API key. It is
 * made beside its place and moved there whole, so that a crash leaves no half of one. Never overwrites. With `ledger`, a URL
 * that may hold a password, the ledger is made there; the home remembers the URL without what is secret in it. With a passphrase
 * its keys are encrypted.
 */
export async function createHome(
  root: string,
  ledger?: string,
  passphrase: PassphraseSource = passphraseFrom(process.env, passphraseVariable),
): Promise<NewHome> {
  assertFree(root);
  const building = `${root}.new-${hex(crypto.getRandomValues(new Uint8Array(6)))}`;
  makeFolder(building, root);
  try {
    const apiKey = await fill(homeLayout(building), ledger, passphrase);
    renameSync(building, root);
    return { home: root, apiKey, trustedRoot: homeLayout(root).trustedRoot };
  } catch (error) {
    rmSync(building, { recursive: true, force: true });
    throw error;
  }
}

function makeFolder(path: string, root: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = systemCode(error);
    throw new CountersignError('HOME_INVALID', `A home cannot be made at ${root} (${why}).`, {
      cause: error,
    });
  }
}

function assertFree(root: string): void {
  if (!existsSync(root)) return;
  if (!statSync(root).isDirectory()) {
    throw new CountersignError('HOME_INVALID', `${root} is a file: choose another place.`);
  }
  if (readdirSync(root).length === 0) return;
  if (existsSync(homeLayout(root).config)) {
    throw new CountersignError('HOME_EXISTS', `There is a home at ${root} already; nothing was changed.`);
  }
  throw new CountersignError('HOME_INVALID', `${root} is not empty, and not a home: choose another folder.`);
}

async function fill(
  layout: HomeLayout,
  ledger: string | undefined,
  passphrase: PassphraseSource,
): Promise<string> {
  const now = Date.now();
  const id = hex(crypto.getRandomValues(new Uint8Array(8)));
  const trustDomain = `${id}.countersign.internal`;
  const trust = await createTrustSystem({ trustDomain, now: now - validBeforeMs });
  const config = {
    version: 1,
    trustDomain,
    origin: `log.${trustDomain}`,
    issuerUrl: `https://ca.${trustDomain}`,
    tenant: 'default',
    gate: 'local',
    createdAt: new Date(now).toISOString(),
    ...(ledger === undefined ? {} : { ledger: parsePostgresUrl(ledger).shown }),
  } as const;
  for (const folder of [layout.keys, layout.released, layout.instances]) mkdirSync(folder, { mode: 0o700 });
  writeKeys(layout, trust, passphrase());
  writeJson(layout.trustedRoot, trustedRootOf(trust, config));
  writeSecret(layout.policy, starterPolicy());
  const apiKey = writeApiKey(layout, config);
  writeJson(layout.config, {
    ...config,
    genesis: await writeGenesis({
      layout,
      config: { ...config, genesis: '' },
      passphrase,
      ...(ledger && { ledger }),
    }),
  });
  return apiKey;
}

function writeKeys({ keys }: HomeLayout, trust: TrustSystem, passphrase: string | undefined): void {
  const names = Object.keys(firstKeyFiles) as (keyof typeof firstKeyFiles)[];
  const plain = Object.fromEntries(names.map((name) => [name, trust[name].privateKey]));
  for (const [file, text] of Object.entries(keyFileTexts(plain, passphrase))) {
    writeSecret(join(keys, file), text);
  }
}

function trustedRootOf(trust: TrustSystem, { trustDomain, origin, issuerUrl }: Omit<HomeConfig, 'genesis'>) {
  return trustedRoot({
    trustDomain,
    issuerUrl,
    logOrigin: origin,
    logPublicKey: trust.log.publicKey,
    logKeyId: logKeyIdOf(origin, ed25519Signer(trust.log.privateKey)),
    ctPublicKey: trust.ct.publicKey,
    certificateAuthority: [trust.issuing.certificate, trust.root.certificate],
    timestampAuthority: [trust.timestamp.certificate, trust.timestampRoot.certificate],
    validFrom: trust.validFrom,
  });
}

function writeApiKey(layout: HomeLayout, { tenant, createdAt }: Omit<HomeConfig, 'genesis'>): string {
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const scope = { tenant, agents: ['default'] };
  const { apiKey, record } = mintApiKey(scope, { version: 1, secret }, Date.parse(createdAt));
  writeJson(layout.peppers, { peppers: [{ version: 1, secret: base64(secret) }] });
  writeJson(layout.apiKeys, { keys: [record] });
  return apiKey;
}

/** Entry 0 says whose log this is; its leaf hash goes into the home, so that another ledger is not taken for it. */
async function writeGenesis(home: Home): Promise<string> {
  const opened = await createHomeLedger(home);
  const { ledger, close } = opened;
  try {
    const notary = openNotary(home, opened);
    const time = notary.clock.now();
    const statement = logOpen({
      origin: home.config.origin,
      keyId: hex(notary.logKeyId),
      openedAt: time,
      mode: 'same-user',
    });
    const { signed } = await notarise(notary, 'logOpen', statement, time);
    await ledger.append({ signed, time, expects: [], sets: [], side: [] });
    return hex(leafHash(signed.leaf));
  } finally {
    await close();
  }
}

function writeJson(path: string, value: unknown): void {
  writeSecret(path, `${JSON.stringify(value, null, 2)}\n`);
}

function writeSecret(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600, flag: 'wx', flush: true });
}
