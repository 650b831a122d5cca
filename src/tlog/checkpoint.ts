import { base64, equalBytes, fromBase64, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { parseDecimal } from './decimal.ts';
import { publicKeyLength, signatureLength, spkiPrefix } from './ed25519.ts';
import { emptyRoot, hashLength } from './merkle.ts';
import { formatNote, parseNote, verifyNoteSignature } from './note.ts';
import type { Note } from './note.ts';
import { isKeyName, noteKeyId, signatureTypes } from './vkey.ts';
import type { VerifierKey } from './vkey.ts';

/** A tree head (https://c2sp.org/tlog-checkpoint). */
export interface Checkpoint {
  /** The log's name: the host name of its `baseUrl` in the trust root. */
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Lines that the log added; this log adds none. */
  readonly extensions?: readonly string[];
}

/** A checkpoint with the note that it came in. Nothing of it is verified. */
export interface ParsedCheckpoint extends Checkpoint {
  readonly extensions: readonly string[];
  readonly note: Note;
}

/** The log's key, as much of it as a checkpoint needs: `SyncSigner` of the room that holds keys is one. */
export interface CheckpointSigner {
  readonly algorithm: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  sign(data: Uint8Array): Uint8Array;
}

/** The text that is signed. */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions = [] } = checkpoint;
  const lines = [origin, String(size), base64(root), ...extensions];
  const body = lines.map((line) => `${line}\n`).join('');
  if (parseBody(body) === undefined) {
    throw new CountersignError(
      'INTERNAL',
      'A checkpoint needs an origin, a size, a root of 32 bytes, and lines that are not empty.',
    );
  }
  return body;
}

/**
 * Reads a signed checkpoint strictly: undefined for any text that `formatCheckpoint` and a note's signatures would not give.
 * Says nothing about signatures: use `openCheckpoint` where a key is at hand.
 */
export function parseCheckpoint(noteText: string): ParsedCheckpoint | undefined {
  const note = parseNote(noteText);
  const body = note === undefined ? undefined : parseBody(note.text);
  return note === undefined || body === undefined ? undefined : { ...body, note };
}

/**
 * The checkpoint if this log key signed it and its origin is the key's name, else undefined. The body is read only after
 * the signature held. Lines of other keys, witnesses for example, are left to the caller.
 */
export function openCheckpoint(noteText: string, key: VerifierKey): ParsedCheckpoint | undefined {
  const note = parseNote(noteText);
  if (note === undefined || key.type !== signatureTypes.ed25519 || !verifyNoteSignature(note, key))
    return undefined;
  const body = parseBody(note.text);
  return body === undefined || body.origin !== key.name ? undefined : { ...body, note };
}

/**
 * Signs this log's heads as notes. Synchronous: it runs inside the log's transaction, where waiting would let another batch
 * in. The key is prepared once, here. Throws INTERNAL for an origin that no key can have, SIGNING_FAILED when the signer is
 * not an Ed25519 key.
 */
export function checkpointSigner(
  origin: string,
  signer: CheckpointSigner,
): (head: Pick<Checkpoint, 'size' | 'root'>) => string {
  if (!isKeyName(origin)) {
    throw new CountersignError('INTERNAL', 'A log has an origin without spaces and without a plus.');
  }
  const keyId = noteKeyId({ name: origin, type: signatureTypes.ed25519, publicKey: rawPublicKey(signer) });
  return ({ size, root }) => {
    const text = formatCheckpoint({ origin, size, root });
    const signature = signer.sign(utf8(text));
    if (signature.length !== signatureLength) {
      throw new CountersignError('SIGNING_FAILED', 'The log key did not give an Ed25519 signature.');
    }
    return formatNote({ text, signatures: [{ name: origin, keyId, signature }] });
  };
}

/** How many extension lines are read. This log writes none; others seldom more than one. */
const maxExtensions = 16;

function parseBody(text: string): Required<Checkpoint> | undefined {
  if (!text.endsWith('\n')) return undefined;
  const [origin, sizeText, rootText, ...extensions] = text.slice(0, -1).split('\n');
  if (!origin || sizeText === undefined || rootText === undefined) return undefined;
  const size = parseDecimal(sizeText);
  const root = fromBase64(rootText);
  if (size === undefined || root?.length !== hashLength) return undefined;
  // There is one empty tree.
  if (size === 0 && !equalBytes(root, emptyRoot)) return undefined;
  if (extensions.length > maxExtensions || extensions.includes('')) return undefined;
  return { origin, size, root, extensions };
}

/** The 32 bytes of the signer's key; SIGNING_FAILED when it is not an Ed25519 key. */
export function rawPublicKey(signer: CheckpointSigner): Uint8Array {
  const prefix = signer.publicKey.subarray(0, spkiPrefix.length);
  const publicKey = signer.publicKey.subarray(spkiPrefix.length);
  if (
    signer.algorithm !== 'ed25519' ||
    !equalBytes(prefix, spkiPrefix) ||
    publicKey.length !== publicKeyLength
  ) {
    throw new CountersignError('SIGNING_FAILED', 'Checkpoints are signed with an Ed25519 key.');
  }
  return publicKey;
}
