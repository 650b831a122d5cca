import { createPublicKey, verify } from 'node:crypto';
import { expect } from 'vitest';
import type { EntryDraft } from '../../src/ledger/ledger.ts';
import { parseCheckpoint } from '../../src/tlog/checkpoint.ts';
import { leafHash, verifyInclusion } from '../../src/tlog/merkle.ts';
import type { InclusionProof } from '../../src/tlog/proof.ts';
import type { TestLog } from './log-key.ts';

/** The checkpoints of a log whose signatures were found to be good. */
const signed = new WeakMap<TestLog, Set<string>>();

/** The proof holds for this leaf, and its checkpoint is the log's: OpenSSL checks the signature, not our own code. */
export function expectProof(proof: InclusionProof, leaf: Uint8Array, log: TestLog): void {
  const { logIndex: index, treeSize: size, rootHash: root, hashes, checkpoint } = proof;
  expect(verifyInclusion({ index, size, root, hashes, leafHash: leafHash(leaf) })).toBe(true);
  const parsed = parseCheckpoint(checkpoint);
  expect(parsed).toMatchObject({ origin: log.origin, size, root });
  // Many proofs are against one checkpoint.
  if (signed.get(log)?.has(checkpoint)) return;
  const key = createPublicKey({ key: Buffer.from(log.identity.publicKey), format: 'der', type: 'spki' });
  const [signature] = parsed?.note.signatures ?? [];
  expect(
    verify(null, Buffer.from(parsed?.note.text ?? ''), key, signature?.signature ?? Buffer.alloc(0)),
  ).toBe(true);
  signed.set(log, (signed.get(log) ?? new Set()).add(checkpoint));
}

export function expectProofOf(proof: InclusionProof, draft: EntryDraft, log: TestLog): void {
  expectProof(proof, draft.signed.leaf, log);
}
