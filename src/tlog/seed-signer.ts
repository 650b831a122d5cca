import { getPublicKey, hashes, sign } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import { spkiPrefix } from './ed25519.ts';

// What the library asks for its synchronous half.
hashes.sha512 = sha512;

const seedLength = 32;

/**
 * Signs with an Ed25519 key (RFC 8032) in JavaScript, where the platform signs only asynchronously: a checkpoint is signed inside
 * the log's transaction. `seed` is the private key, 32 bytes; CONFIG_INVALID for any other length.
 */
export function seedSigner(seed: Uint8Array): CheckpointSigner & { readonly algorithm: 'ed25519' } {
  if (seed.length !== seedLength)
    throw new CountersignError('CONFIG_INVALID', 'An Ed25519 private key has 32 bytes.');
  return {
    algorithm: 'ed25519',
    publicKey: concatBytes(spkiPrefix, getPublicKey(seed)),
    sign: (data) => sign(data, seed),
  };
}
