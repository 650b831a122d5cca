import { equalBytes, hex } from '../../call/sha256.ts';
import { assembleBundle } from '../../envelope/bundle.ts';
import { CountersignError } from '../../errors.ts';
import type { Ledger, LogEntry } from '../../ledger/ledger.ts';
import { openCheckpoint } from '../../tlog/checkpoint.ts';
import type { SignedHead } from '../../tlog/proof.ts';
import { keyId } from '../../tlog/vkey.ts';
import { homeLogKeys } from '../former/backup.ts';
import type { Home } from '../home/open-home.ts';
import { issuerFinder, readTrustRoot } from '../keys/trust-root.ts';

/** A head to prove entries against, and the key that signed it. */
export interface Anchor {
  readonly head: SignedHead;
  /** 32 bytes. */
  readonly logKeyId: Uint8Array;
}

/**
 * A checkpoint of the log `origin` that somebody kept, for proofs against it instead of the newest one: the last trusted head,
 * after a key was compromised. CONFIG_INVALID when this log did not sign it, LOG_FORKED when its tree is another one than the log
 * had at that size.
 */
export async function anchorAt(
  home: Home,
  ledger: Ledger,
  origin: string,
  checkpoint: string,
): Promise<Anchor> {
  const keys = (await homeLogKeys(home.layout)).filter(({ name }) => name === origin);
  // Two keys sign the head with which one takes over from the other: the next one stands behind in the trust root.
  const key = keys.findLast((candidate) => openCheckpoint(checkpoint, candidate) !== undefined);
  const opened = key && openCheckpoint(checkpoint, key);
  if (key === undefined || opened === undefined)
    throw new CountersignError('CONFIG_INVALID', `This is no checkpoint that the log ${origin} signed.`);
  const { size, root } = opened;
  const newest = (await ledger.checkpoint())?.size ?? 0;
  if (size > newest) {
    throw new CountersignError(
      'NOT_FOUND',
      `The log has ${newest} entries here, and the checkpoint is of ${size}.`,
    );
  }
  const { oldRoot } = await ledger.proveConsistency(size, newest);
  if (!equalBytes(oldRoot, root)) {
    throw new CountersignError(
      'LOG_FORKED',
      `The log’s key signed two trees of ${size} entries: ${hex(root)} in the checkpoint, and ${hex(oldRoot)} in the log. ` +
        'Keep the checkpoint.',
    );
  }
  return { head: { size, root, checkpoint }, logKeyId: keyId(key.name, key.publicKey) };
}

/** The envelope of an entry with a proof against this head: a bundle, as JSON text. */
export async function envelopeUnder(
  home: Home,
  ledger: Ledger,
  entry: LogEntry,
  anchor: Anchor,
): Promise<string> {
  const proof = await ledger.prove(entry.index, anchor.head);
  const issuer = issuerFinder(readTrustRoot(home.layout))(entry.leaf);
  return assembleBundle({ signed: entry, issuer, proof, logKeyId: anchor.logKeyId });
}
