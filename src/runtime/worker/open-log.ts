import { hex, utf8 } from '../../call/sha256.ts';
import { parseLeafBody } from '../../envelope/leaf-body.ts';
import { CountersignError } from '../../errors.ts';
import { createLedger } from '../../ledger/create-ledger.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { createObjectLedger, hasObjectLedger, openObjectStore } from '../../ledger/store-durable-object.ts';
import { rawPublicKey } from '../../tlog/checkpoint.ts';
import { leafHash } from '../../tlog/merkle.ts';
import { seedSigner } from '../../tlog/seed-signer.ts';
import { keyId, signatureTypes } from '../../tlog/vkey.ts';
import { periodOfLog } from '../keys/trusted-keys.ts';
import type { Bucket, ObjectState } from './platform.ts';
import { openPublicCopy, type PublicCopy } from './public-copy.ts';
import type { TrustedRootJson } from '../../pki/trusted-root.ts';
import type { WorkerSecrets } from './secrets.ts';

/** A log as its object has it open. */
export interface WorkerLog {
  readonly ledger: Ledger;
  /** The whole 32-byte id of the key that signs this log. */
  readonly logKeyId: Uint8Array;
  readonly publicCopy: PublicCopy;
}

export interface WorkerLogOptions {
  readonly state: ObjectState;
  readonly bucket: Bucket;
  readonly secrets: Pick<WorkerSecrets, 'home' | 'keys' | 'genesis'>;
  /** Called in the turn of each commit: see `ObjectStoreOptions`. */
  readonly onCommit: () => void;
}

/**
 * Opens the object's log, and begins it where there is none: with the entry that the home began with, so that origin, key and first
 * entry stay one identity. LEDGER_MISSING when the bucket shows that this log was begun before, somewhere else or here;
 * LEDGER_ROLLED_BACK when it shows a head that this log does not continue.
 */
export async function openWorkerLog(options: WorkerLogOptions): Promise<WorkerLog> {
  const { state, bucket, secrets, onCommit } = options;
  const { storage } = state;
  const { home } = secrets;
  const signer = seedSigner(secrets.keys.log);
  const publicKey = rawPublicKey(signer);
  if (periodOfLog(home.trustedRoot.tlogs, signer.publicKey) === undefined)
    throw new CountersignError('CONFIG_INVALID', 'The trust root does not name the log’s key.');
  const publicCopy = openPublicCopy({
    bucket,
    storage,
    key: { name: home.origin, type: signatureTypes.ed25519, publicKey },
    trustedRoot: trustRootFile(home.trustedRoot),
  });
  const released = await publicCopy.released();
  const identity = { origin: home.origin, publicKey: signer.publicKey };
  const objectId = state.id.toString();
  if (!hasObjectLedger(storage)) {
    if (released.length > 0) throw begunElsewhere();
    createObjectLedger({ storage, objectId, identity });
  }
  const ledger = await createLedger({
    store: openObjectStore({ storage, objectId, identity, onCommit }),
    signer,
    origin: home.origin,
    // What this object has shown since the bucket was written is in its own storage, and nowhere else.
    released: { load: () => Promise.resolve(released), store: () => undefined },
  });
  await beginWithGenesis(ledger, secrets);
  // The first to put a checkpoint has the log: before it has shown one, it answers no call.
  if (released.length === 0) await publicCopy.publish(ledger);
  return { ledger, logKeyId: keyId(home.origin, publicKey), publicCopy };
}

/** `trusted_root.json`, as the home wrote it. */
export function trustRootFile(trustedRoot: TrustedRootJson): Uint8Array {
  return utf8(`${JSON.stringify(trustedRoot, null, 2)}\n`);
}

async function beginWithGenesis(
  ledger: Ledger,
  { home, genesis }: Pick<WorkerSecrets, 'home' | 'genesis'>,
): Promise<void> {
  const [first] = await ledger.entries(0, 1);
  const leaf = first?.leaf ?? genesis.leaf;
  if (hex(leafHash(leaf)) !== home.genesis)
    throw new CountersignError(
      'LEDGER_CORRUPT',
      'The log does not begin with the entry that its home began with.',
    );
  if (first !== undefined) return;
  const body = parseLeafBody(genesis.leaf);
  if (body === undefined)
    throw new CountersignError('CONFIG_INVALID', 'The log’s first entry cannot be read.');
  const { time, payload, timestamp } = genesis;
  const signed = { kind: 'logOpen', ...body, leaf, payload, timestamp } as const;
  await ledger.append({ signed, time, expects: [], sets: [], side: [] });
}

function begunElsewhere(): CountersignError {
  return new CountersignError(
    'LEDGER_MISSING',
    'The bucket shows that this log was begun before, and this object has no ledger of it: it is in another object, or lost. ' +
      'A new log needs a new home.',
  );
}
