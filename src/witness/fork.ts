import { equalBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { parseCheckpoint } from '../tlog/checkpoint.ts';
import type { ParsedCheckpoint } from '../tlog/checkpoint.ts';
import { hashLength, nodeHash, verifyConsistency } from '../tlog/merkle.ts';
import { signaturesBy, verifyNoteSignature } from '../tlog/note.ts';
import type { Note, NoteSignature } from '../tlog/note.ts';
import type { VerifierKey } from '../tlog/vkey.ts';

/**
 * - `same-size`: two trees of one size with different roots. Two signed notes are the proof.
 * - `prefix`: the proof that came with the refused checkpoint shows that its tree begins with another tree than the cosigned one.
 *   The two signed notes and that proof are the proof.
 * - `unproven`: the refused checkpoint came without a proof that it continues the cosigned one. The log may have forked; or whoever
 *   sent it may just have sent a wrong proof.
 */
export type ForkKind = 'same-size' | 'prefix' | 'unproven';

/** A checkpoint that a log signed and that this witness refused to cosign, with what it was held against. */
export interface Fork {
  readonly kind: ForkKind;
  readonly origin: string;
  /** When the refused checkpoint came, wall milliseconds. */
  readonly seenAt: number;
  /** The signed note that was cosigned. */
  readonly cosigned: string;
  /** The signed note that was refused. */
  readonly refused: string;
  /** The consistency proof that came with it, from the size of the one to that of the other; none for `same-size`. */
  readonly proof: readonly Uint8Array[];
}

/** The tree that was refused, as a key to keep its evidence under: once, whoever sends it how often. */
export function refusedTree({ refused }: Pick<Fork, 'refused'>): Tree {
  const checkpoint = parseCheckpoint(refused);
  if (checkpoint === undefined)
    throw new CountersignError('INTERNAL', 'Evidence without a checkpoint was kept.');
  return checkpoint;
}

/**
 * The note with one line of each of these keys that signed it, if there is one; else undefined. A trusted key's line that does not
 * verify spoils the note. Of several lines of one key only the first is looked at: a stranger could ask for dozens of checks otherwise.
 */
export function signedByLog({ text, signatures }: Note, keys: readonly VerifierKey[]): Note | undefined {
  const lines: NoteSignature[] = [];
  for (const key of keys) {
    const [line] = signaturesBy({ text, signatures }, key);
    if (line === undefined) continue;
    if (!verifyNoteSignature({ text, signatures: [line] }, key)) return undefined;
    lines.push(line);
  }
  return lines.length === 0 ? undefined : { text, signatures: lines };
}

/**
 * What two signed checkpoints prove, for anybody who has the log's keys and need not trust the witness: undefined when they prove
 * nothing, or are not both signed by these keys.
 */
export function provenFork(
  { cosigned, refused, proof }: Pick<Fork, 'cosigned' | 'refused' | 'proof'>,
  keys: readonly VerifierKey[],
): 'same-size' | 'prefix' | undefined {
  const first = openSigned(cosigned, keys);
  const second = openSigned(refused, keys);
  if (first === undefined || second?.origin !== first.origin) return undefined;
  return contradiction(first, second, proof);
}

function openSigned(text: string, keys: readonly VerifierKey[]): ParsedCheckpoint | undefined {
  const checkpoint = parseCheckpoint(text);
  if (checkpoint === undefined || signedByLog(checkpoint.note, keys) === undefined) return undefined;
  return checkpoint;
}

export interface Tree {
  readonly size: number;
  readonly root: Uint8Array;
}

/** How one log's two trees contradict each other, as far as the proof shows. `first` is not the larger one. */
export function contradiction(
  first: Tree,
  second: Tree,
  proof: readonly Uint8Array[],
): 'same-size' | 'prefix' | undefined {
  if (first.size === second.size) return equalBytes(first.root, second.root) ? undefined : 'same-size';
  const oldRoot = prefixRoot(first.size, second, proof);
  return oldRoot === undefined || equalBytes(oldRoot, first.root) ? undefined : 'prefix';
}

/**
 * The root of the first `oldSize` leaves of a tree, as a consistency proof shows it; undefined when the proof is none for this
 * tree. Where the old tree is a whole subtree (its size a power of two, or the new tree's own) the proof does not contain it, and
 * nothing can be said.
 *
 * This binds the log: the proof leads to the root that it signed, so its hashes are nodes of that tree, unless SHA-256 has a collision.
 */
function prefixRoot(oldSize: number, tree: Tree, proof: readonly Uint8Array[]): Uint8Array | undefined {
  if (oldSize <= 0 || oldSize >= tree.size || proof.some(({ length }) => length !== hashLength))
    return undefined;
  const oldRoot = foldOld(oldSize, tree.size, true, proof);
  if (oldRoot === undefined) return undefined;
  const claim = { oldSize, newSize: tree.size, oldRoot, newRoot: tree.root, hashes: proof };
  return verifyConsistency(claim) ? oldRoot : undefined;
}

/** SUBPROOF of RFC 6962 §2.1.2, read backwards, for the old root alone. `whole`: the old tree is this very subtree. */
function foldOld(
  oldSize: number,
  size: number,
  whole: boolean,
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  if (oldSize === size) return whole ? undefined : proof[0];
  const last = proof.at(-1);
  if (last === undefined) return undefined;
  const left = largestPowerBelow(size);
  if (oldSize <= left) return foldOld(oldSize, left, whole, proof.slice(0, -1));
  const right = foldOld(oldSize - left, size - left, false, proof.slice(0, -1));
  return right && nodeHash(last, right);
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (2 * power < size) power *= 2;
  return power;
}
