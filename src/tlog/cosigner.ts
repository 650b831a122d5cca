import { concatBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { rawPublicKey } from './checkpoint.ts';
import type { CheckpointSigner } from './checkpoint.ts';
import { signatureLength } from './ed25519.ts';
import { cosignedMessage, formatSignatureLine, timeLength } from './note.ts';
import { isKeyName, noteKeyId, signatureTypes } from './vkey.ts';
import type { VerifierKey } from './vkey.ts';

/** A witness's key, ready to say “seen” (https://c2sp.org/tlog-cosignature, cosignature/v1). */
export interface Cosigner {
  /** What readers trust; its vkey is what a witness publishes. */
  readonly key: VerifierKey;
  /**
   * A signature line over a checkpoint's text (without its signatures), newline included. `time` is POSIX seconds. It states
   * that at that time this was the largest consistent tree that the witness had seen: whoever calls has checked that.
   */
  cosign(text: string, time: number): string;
}

/** Throws CONFIG_INVALID for a name that no key can have, SIGNING_FAILED when the signer is not an Ed25519 key. */
export function cosigner(name: string, signer: CheckpointSigner): Cosigner {
  if (!isKeyName(name)) {
    throw new CountersignError('CONFIG_INVALID', 'A witness has a name without spaces and without a plus.');
  }
  const key = { name, type: signatureTypes.cosignatureV1, publicKey: rawPublicKey(signer) };
  const keyId = noteKeyId(key);
  return {
    key,
    cosign(text, time) {
      const signature = signer.sign(cosignedMessage(text, time));
      if (signature.length !== signatureLength) {
        throw new CountersignError('SIGNING_FAILED', 'The witness’s key did not give an Ed25519 signature.');
      }
      return formatSignatureLine({ name, keyId, signature: concatBytes(bigEndian64(time), signature) });
    },
  };
}

function bigEndian64(seconds: number): Uint8Array {
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw new CountersignError('INTERNAL', 'A cosignature’s time is a whole number of seconds.');
  }
  const bytes = new Uint8Array(timeLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(seconds / 2 ** 32));
  view.setUint32(4, seconds % 2 ** 32);
  return bytes;
}
