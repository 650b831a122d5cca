import { existsSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import { readKey } from '../keys/key-store.ts';
import { readTrustRoot } from '../keys/trust-root.ts';
import { writeSecrets } from '../worker/secrets.ts';
import { readApiKeyFiles } from './api-key-file.ts';
import { openHomeLedger } from './home-ledger.ts';
import type { KeyName } from './home-layout.ts';
import { forgetUndecidedMove, moveLog, readMovedLog, type FirstEntry } from './moved-log.ts';
import type { Home } from './open-home.ts';

/**
 * Hands the log of a home that was never used to a Worker: the secrets by name, ready for `wrangler secret bulk`. From the first
 * time on the home's own ledger is closed for good; asked again, it gives the same log, with the API keys as they are then.
 *
 * HOME_IN_USE when the log has more than its first entry, or somebody has it open.
 */
export async function workerSecrets(home: Home): Promise<Readonly<Record<string, string>>> {
  const { trustDomain, origin, issuerUrl, gate, genesis } = home.config;
  const first = readMovedLog(home.layout) ?? (await moveToWorker(home));
  return writeSecrets({
    home: { trustDomain, origin, issuerUrl, gate, genesis, trustedRoot: readTrustRoot(home.layout) },
    keys: {
      issuing: pkcs8(home, 'issuing'),
      timestamp: pkcs8(home, 'timestamp'),
      ct: pkcs8(home, 'ct'),
      // An Ed25519 key in PKCS#8 ends with its 32 bytes (RFC 8410 §7).
      log: pkcs8(home, 'log').slice(-32),
    },
    genesis: first,
    apiKeys: readApiKeyFiles({ peppers: home.layout.peppers, keys: home.layout.apiKeys }),
  });
}

async function moveToWorker(home: Home): Promise<FirstEntry> {
  const { layout, config } = home;
  if (config.ledger !== undefined)
    throw new CountersignError('CONFIG_INVALID', 'A Worker takes a home that keeps its ledger in a file.');
  forgetUndecidedMove(layout);
  const { ledger, living, close } = await openHomeLedger(home);
  try {
    const [first] = await ledger.entries(0, 1);
    if (first === undefined) throw new CountersignError('LEDGER_CORRUPT', 'The ledger has no first entry.');
    await moveLog(layout, first, async () => {
      const size = (await ledger.checkpoint())?.size ?? 0;
      if (size > 1 || existsSync(layout.keyEvent)) throw inUse('it was used before');
      if ((await living()).length > 1) throw inUse('a gate or command has it open');
    });
    return first;
  } finally {
    await close();
  }
}

function inUse(why: string): CountersignError {
  return new CountersignError(
    'HOME_IN_USE',
    `A Worker begins a log of its own, and this home’s cannot be it: ${why}. Make another home: countersign init --home DIR`,
  );
}

function pkcs8(home: Home, name: KeyName): Uint8Array {
  return new Uint8Array(readKey(home, name).export({ type: 'pkcs8', format: 'der' }));
}
