import { equalBytes, sha256 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';

/** Bytes of a hash, of a leaf and of a node alike. */
export const hashLength = 32;

/** The most hashes an inclusion proof can have: indexes end at 2^53 - 1. */
export const maxProofLength = 53;

/** Root of the tree without leaves: SHA-256 of nothing (RFC 6962 §2.1). */
export const emptyRoot: Uint8Array = sha256(new Uint8Array(0));

/** SHA-256(0x00 ‖ leaf). The prefix keeps a leaf from passing as a node (RFC 6962 §2.1). */
export function leafHash(leaf: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(leaf.length + 1);
  prefixed.set(leaf, 1);
  return sha256(prefixed);
}

// Nodes are hashed hundreds of times a commit; one buffer serves them all, since nothing here waits.
const nodeInput = new Uint8Array(1 + 2 * hashLength);
nodeInput[0] = 0x01;

/** SHA-256(0x01 ‖ left ‖ right). Both must be 32 bytes: a short one would leave the previous node's bytes in place. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== hashLength || right.length !== hashLength) {
    throw new CountersignError('INTERNAL', 'A Merkle node needs two hashes of 32 bytes.');
  }
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + hashLength);
  return sha256(nodeInput);
}

/** What an inclusion proof claims. `size` and `root` must come from a checkpoint whose signature was verified. */
export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly root: Uint8Array;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Uint8Array[];
}

/** RFC 9162 §2.1.3.2. False for whatever is not exactly a proof: wrong count of hashes, wrong lengths, unsafe numbers. */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, root, hashes } = claim;
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (!areHashes([claim.leafHash, root]) || hashes.length > maxProofLength || !areHashes(hashes))
    return false;

  let hash = claim.leafHash;
  const complete = climb(index, size - 1, hashes, (sibling, side) => {
    hash = side === 'left' ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
  });
  return complete && equalBytes(hash, root);
}

/** What a consistency proof claims: that the tree of `oldSize` leaves is a prefix of the tree of `newSize`. */
export interface ConsistencyClaim {
  readonly oldSize: number;
  readonly newSize: number;
  readonly oldRoot: Uint8Array;
  readonly newRoot: Uint8Array;
  readonly hashes: readonly Uint8Array[];
}

/**
 * RFC 9162 §2.1.4.2. Every tree extends the empty one, so a claim about an old size of 0 says nothing: false. Equal sizes
 * need equal roots and no hashes.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { oldSize, newSize, oldRoot, newRoot, hashes } = claim;
  if (!isCount(oldSize) || !isCount(newSize) || oldSize === 0 || oldSize > newSize) return false;
  if (!areHashes([oldRoot, newRoot]) || hashes.length > maxProofLength + 1 || !areHashes(hashes))
    return false;
  if (oldSize === newSize) return hashes.length === 0 && equalBytes(oldRoot, newRoot);

  let node = oldSize - 1;
  let last = newSize - 1;
  while (isOdd(node)) {
    node = half(node);
    last = half(last);
  }
  // When the old tree is complete, its root is where the climb starts and the proof does not repeat it.
  const path = node === 0 ? [oldRoot, ...hashes] : hashes;
  const [start, ...siblings] = path;
  if (start === undefined) return false;

  let oldHash = start;
  let newHash = start;
  const complete = climb(node, last, siblings, (sibling, side) => {
    // What lies to the right of the old tree's edge is in the new tree alone.
    if (side === 'left') oldHash = nodeHash(sibling, oldHash);
    newHash = side === 'left' ? nodeHash(sibling, newHash) : nodeHash(newHash, sibling);
  });
  return complete && equalBytes(oldHash, oldRoot) && equalBytes(newHash, newRoot);
}

/**
 * Walks from node `node` of a row whose last node is `last` to the root, one sibling a step. False unless the siblings are
 * exactly as many as the way is long.
 */
function climb(
  node: number,
  last: number,
  siblings: readonly Uint8Array[],
  visit: (sibling: Uint8Array, side: 'left' | 'right') => void,
): boolean {
  for (const sibling of siblings) {
    if (last === 0) return false;
    visit(sibling, isOdd(node) || node === last ? 'left' : 'right');
    // A rightmost node without a sibling stands for its parent too: climb to where it is a right child.
    while (node === last && !isOdd(node) && node !== 0) {
      node = half(node);
      last = half(last);
    }
    node = half(node);
    last = half(last);
  }
  return last === 0;
}

function areHashes(values: readonly Uint8Array[]): boolean {
  return values.every((value) => value.length === hashLength);
}

// Arithmetic without bit operators, which would cut indexes at 32 bits.

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isOdd(value: number): boolean {
  return value % 2 === 1;
}

function half(value: number): number {
  return Math.floor(value / 2);
}
