import { equalBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { SyncSigner } from '../pki/signer.ts';
import { checkpointSigner } from '../tlog/checkpoint.ts';
import { formatNote, parseNote } from '../tlog/note.ts';
import type { LogIdentity } from './store.ts';

/** A log's key hands over to the next one: same origin, same tree. */
export interface Succession {
  readonly identity: LogIdentity;
  /** The note over the head with which the next key takes over. */
  readonly sign: (head: { readonly size: number; readonly root: Uint8Array }) => string;
}

/**
 * Both keys sign the head in which the handing over stands, the next one first: who trusts the old key alone sees the next one
 * announced, and no head from there on lacks the next one's signature.
 */
export function succession(origin: string, signer: SyncSigner, successor: SyncSigner): Succession {
  const [before, after] = [checkpointSigner(origin, signer), checkpointSigner(origin, successor)];
  return {
    identity: { origin, publicKey: successor.publicKey },
    sign: (head) => joinNotes(after(head), before(head)),
  };
}

/** One note with the signature lines of both, which are of one text. */
function joinNotes(first: string, second: string): string {
  const [a, b] = [parseNote(first), parseNote(second)];
  if (a === undefined || b === undefined || a.text !== b.text)
    throw new CountersignError('INTERNAL', 'Two notes of one tree head differ.');
  return formatNote({ text: a.text, signatures: [...a.signatures, ...b.signatures] });
}

/**
 * LEDGER_CORRUPT when a store is that of another origin. Origins are random, so the same one with another key is the same log after
 * its key was replaced: KEY_ROTATED.
 */
export function assertIdentity(
  origin: unknown,
  publicKey: Uint8Array,
  ...expected: readonly LogIdentity[]
): void {
  const ofOrigin = expected.filter((identity) => identity.origin === origin);
  if (ofOrigin.length === 0)
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger is that of another log: its origin differs.');
  if (!ofOrigin.some((identity) => equalBytes(identity.publicKey, publicKey))) throw rotated();
}

export function rotated(): CountersignError {
  return new CountersignError(
    'KEY_ROTATED',
    'The log is signed with another key by now: its key was rotated. Restart this gate; another home needs the new key first.',
  );
}
