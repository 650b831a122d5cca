import { createPrivateKey } from 'node:crypto';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src/gate/parts.ts';
import { changeRecorder } from '../../src/runtime/changes.ts';
import { createHome } from '../../src/runtime/home/create-home.ts';
import { firstKeyFiles } from '../../src/runtime/home/home-layout.ts';
import { openHomeLedger } from '../../src/runtime/home/home-ledger.ts';
import { announceKeyEvent } from '../../src/runtime/keys/key-event.ts';
import { openNotary } from '../../src/runtime/home/notary.ts';
import { openHome } from '../../src/runtime/home/open-home.ts';
import type { Home } from '../../src/runtime/home/open-home.ts';
import { withHome } from '../../src/runtime/home/with-home.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';

/** A home in a folder of its own, removed with it. */
export interface MadeHome extends Disposable {
  readonly folder: string;
  readonly root: string;
  /** Opens it as a new process would. */
  open(passphrase?: string): Home;
  /** A copy of it as it is, opened. */
  copy(): Home;
}

/** With a passphrase its keys are encrypted. */
export async function madeHome(passphrase?: string): Promise<MadeHome> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-home-'));
  const root = join(folder, 'home');
  await createHome(root, undefined, () => undefined);
  if (passphrase !== undefined) encryptCheaply(root, passphrase);
  return {
    folder,
    root,
    // The environment of whoever runs the tests has no say in them.
    open: (other = passphrase) => openHome(root, '', () => other),
    copy() {
      const to = join(folder, 'copy');
      cpSync(root, to, { recursive: true });
      for (const path of [to, join(to, 'keys')]) chmodSync(path, 0o700);
      return openHome(to, '', () => passphrase);
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Encrypts the keys of a new home with PBKDF2 and few rounds, as other tools do. What we write ourselves takes a tenth of a second for
 * each key and each time that one is opened, which is the point of it, and not of most tests.
 */
export function encryptCheaply(root: string, passphrase: string): void {
  for (const path of Object.values(firstKeyFiles).map((file) => join(root, 'keys', file)))
    writeFileSync(path, encryptedCheaply(readFileSync(path, 'utf8'), passphrase));
}

export function encryptedCheaply(pem: string, passphrase: string): string {
  const format = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const;
  return createPrivateKey(pem).export(format).toString();
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Signs and logs something, as the next command would. */
export async function appendSomething(home: Home, clock = systemClock): Promise<void> {
  const opened = await openHomeLedger(home);
  try {
    const notary = openNotary(home, opened, clock);
    await announceKeyEvent(home.layout, notary);
    await changeRecorder(notary, 'same-user')({ change: { kind: 'test' }, expects: [], sets: [] });
  } finally {
    await opened.close();
  }
}

/** The envelopes of all entries, under the head of now. */
export function envelopesOf(
  home: Home,
): Promise<readonly { readonly kind: string; readonly text: string }[]> {
  return withHome(home, async ({ ledger, envelope }) => {
    const entries = await ledger.entries(0, 1_000);
    return Promise.all(entries.map(async (entry) => ({ kind: entry.kind, text: await envelope(entry) })));
  });
}

/** Why the envelopes do not verify with the trust root that the home would hand out now; empty when they do. */
export async function refusals(home: Home, ...envelopes: readonly string[]): Promise<readonly string[]> {
  const trust = await loadTrust(Uint8Array.from(readFileSync(home.layout.trustedRoot)));
  const inputs = envelopes.map((text, i) => ({ name: String(i), bytes: Uint8Array.from(Buffer.from(text)) }));
  const report = await verifyInputs(inputs, trust);
  const failures = [...report.failures, ...report.calls.flatMap((call) => call.failures)];
  return failures.map(({ code }) => code);
}
