import { createHash } from 'node:crypto';
import type { SyncSigner } from '../../src/pki/signer.ts';
import type { InclusionProof } from '../../src/tlog/proof.ts';

/**
 * RFC 6962 §2.1 word for word and a signed note, written apart from `src/tlog`, so that an error there cannot make a
 * wrong bundle look right here.
 */

const sha256 = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());

/** The raw 32 bytes at the end of an Ed25519 SubjectPublicKeyInfo. */
const rawKey = (signer: SyncSigner): Uint8Array => signer.publicKey.subarray(-32);

export function logKeyId(origin: string, signer: SyncSigner): Uint8Array {
  return sha256(Buffer.from(`${origin}\n`), Uint8Array.of(1), rawKey(signer));
}

export function proveIn(
  leaves: readonly Uint8Array[],
  logIndex: number,
  origin: string,
  signer: SyncSigner,
): InclusionProof {
  const rootHash = root(leaves);
  const body = `${origin}\n${leaves.length}\n${Buffer.from(rootHash).toString('base64')}\n`;
  const signature = Buffer.concat([
    logKeyId(origin, signer).subarray(0, 4),
    signer.sign(Buffer.from(body)),
  ]).toString('base64');
  return {
    logIndex,
    treeSize: leaves.length,
    rootHash,
    hashes: path(leaves, logIndex),
    checkpoint: `${body}\n— ${origin} ${signature}\n`,
  };
}

function root(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (leaves.length === 1 && first) return sha256(Uint8Array.of(0), first);
  const k = split(leaves.length);
  return sha256(Uint8Array.of(1), root(leaves.slice(0, k)), root(leaves.slice(k)));
}

function path(leaves: readonly Uint8Array[], m: number): Uint8Array[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...path(leaves.slice(0, k), m), root(leaves.slice(k))]
    : [...path(leaves.slice(k), m - k), root(leaves.slice(0, k))];
}

/** The largest power of two smaller than `n`. */
function split(n: number): number {
  return 2 ** Math.floor(Math.log2(n - 1));
}
