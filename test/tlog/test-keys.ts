import { generateKeyPairSync, sign } from 'node:crypto';
import type { CheckpointSigner } from '../../src/tlog/checkpoint.ts';
import type { NoteSignature } from '../../src/tlog/note.ts';
import { noteKeyId, signatureTypes } from '../../src/tlog/vkey.ts';
import type { SignatureType, VerifierKey } from '../../src/tlog/vkey.ts';

/** A fresh Ed25519 key, made and used by node:crypto: nothing of ours checks itself. */
export interface TestKey {
  readonly signer: CheckpointSigner;
  readonly key: VerifierKey;
  /** A signature line over `text`; for a witness, at `time`. */
  line(text: string, time?: bigint): NoteSignature;
}

export function testKey(name: string, type: SignatureType = signatureTypes.ed25519): TestKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const key = { name, type, publicKey: Uint8Array.from(spki.subarray(-32)) };
  const signText = (text: string): Buffer => sign(null, Buffer.from(text), privateKey);
  return {
    key,
    signer: {
      algorithm: 'ed25519',
      publicKey: Uint8Array.from(spki),
      sign: (data) => Uint8Array.from(sign(null, data, privateKey)),
    },
    line(text, time = 1_700_000_000n) {
      if (type === signatureTypes.ed25519) return { name, keyId: noteKeyId(key), signature: signText(text) };
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(time);
      const signature = Buffer.concat([stamp, signText(`cosignature/v1\ntime ${time}\n${text}`)]);
      return { name, keyId: noteKeyId(key), signature };
    },
  };
}
