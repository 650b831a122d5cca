import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { hex } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { createLedger } from '../../ledger/create-ledger.ts';
import type { Instance } from '../../ledger/instance.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { openReleasedCheckpoints } from '../../ledger/released-checkpoint-node.ts';
import { ed25519Signer } from '../../pki/signer-node.ts';
import type { SyncSigner } from '../../pki/signer.ts';
import { leafHash } from '../../tlog/merkle.ts';
import { keyId } from '../../tlog/vkey.ts';
import { keyFiles } from './home-layout.ts';
import { decideLogKeyChange, finishKeyChange } from '../keys/key-change.ts';
import { readKey, readKeyFile } from '../keys/key-store.ts';
import { ledgerPlace } from './ledger-place.ts';
import { assertNoLogChange } from '../former/log-change.ts';
import { assertLogNotMoved } from './moved-log.ts';
import type { Home } from './open-home.ts';

/** A home's ledger, opened by one process, which is an instance of its own for as long. */
export interface HomeLedger {
  readonly ledger: Ledger;
  /** The whole 32-byte id of the key that signs this log. */
  readonly logKeyId: Uint8Array;
  readonly instance: Instance;
  readonly isAlive: (instance: string) => boolean | Promise<boolean>;
  /** Forgets instances that are dead. After recovery: it looks for their sessions. */
  readonly sweep: () => Promise<void>;
  /** The ids of all that have the log open, this process too. */
  readonly living: () => Promise<readonly string[]>;
  /** Closes the ledger and gives the instance id back. */
  readonly close: () => Promise<void>;
}

/** Makes the ledger of a new home and opens it. */
export async function createHomeLedger(home: Home): Promise<HomeLedger> {
  const signer = logSigner(home);
  const place = await ledgerPlace(home);
  await place.create({ origin: home.config.origin, publicKey: signer.publicKey });
  return open(home, signer);
}

/**
 * Opens a home's ledger; throws with a `LEDGER_…` code when it is not the one that this home began, KEY_LOCKED when its key does
 * not open, KEY_ROTATED when another key signs it by now.
 */
export async function openHomeLedger(home: Home): Promise<HomeLedger> {
  const opened = await openWithItsKey(home);
  try {
    await assertGenesis(home, opened.ledger);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function logSigner(home: Home): SyncSigner {
  return ed25519Signer(readKey(home, 'log'));
}

/** After a crash the ledger may have its next key already, and the home not yet: the ledger decides. */
async function openWithItsKey(home: Home): Promise<HomeLedger> {
  try {
    return await open(home, logSigner(home));
  } catch (error) {
    const next = join(home.layout.logKeyChange, keyFiles.log);
    const isNext = error instanceof CountersignError && error.code === 'KEY_ROTATED' && existsSync(next);
    if (!isNext) throw error;
    const opened = await open(home, ed25519Signer(readKeyFile(next, home.passphrase)));
    decideLogKeyChange(home.layout);
    finishKeyChange(home.layout);
    return opened;
  }
}

/** The whole 32-byte id of the log's key. */
export function logKeyIdOf(origin: string, { publicKey }: SyncSigner): Uint8Array {
  // An Ed25519 SubjectPublicKeyInfo ends with the key's 32 bytes (RFC 8410 §4).
  return keyId(origin, publicKey.slice(-32));
}

async function open(home: Home, signer: SyncSigner): Promise<HomeLedger> {
  const { origin } = home.config;
  const place = await ledgerPlace(home);
  const { instance, isAlive, isAliveHere, sweep, living } = await place.claim();
  try {
    assertNoLogChange(home.layout);
    assertLogNotMoved(home.layout);
    const released = openReleasedCheckpoints({
      directory: home.layout.released,
      instance: instance.id,
      isAlive: isAliveHere,
    });
    const ledger = await createLedger({
      store: await place.openStore({ origin, publicKey: signer.publicKey }),
      signer,
      origin,
      released,
      ballast: place.ballast,
    });
    return {
      ledger,
      logKeyId: logKeyIdOf(origin, signer),
      instance,
      isAlive,
      sweep,
      living,
      async close() {
        await ledger.close();
        released.close();
        await sweep();
        await instance.release();
      },
    };
  } catch (error) {
    await instance.release();
    throw error;
  }
}

/** Origin, key and first entry together are the log's identity. */
async function assertGenesis({ config }: Home, ledger: Ledger): Promise<void> {
  const [first] = await ledger.entries(0, 1);
  if (!first || hex(leafHash(first.leaf)) !== config.genesis) {
    throw new CountersignError(
      'LEDGER_CORRUPT',
      'The ledger does not begin with the entry that this home began with.',
    );
  }
}
