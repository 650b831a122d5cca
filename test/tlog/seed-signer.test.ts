import { createPrivateKey, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex } from '../../src/call/sha256.ts';
import { spkiPrefix } from '../../src/tlog/ed25519.ts';
import { seedSigner } from '../../src/tlog/seed-signer.ts';

const bytes = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

/** RFC 8032 §7.1, tests 1 to 3. */
const vectors = [
  {
    seed: '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    publicKey: 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    message: '',
    signature:
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  },
  {
    seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    message: '72',
    signature:
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  },
  {
    seed: 'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    publicKey: 'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    message: 'af82',
    signature:
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  },
];

describe('an Ed25519 signer in JavaScript', () => {
  it.each(vectors)('gives the signature of RFC 8032 over “$message”', (vector) => {
    const signer = seedSigner(bytes(vector.seed));
    expect(signer.publicKey).toEqual(concatBytes(spkiPrefix, bytes(vector.publicKey)));
    expect(signer.sign(bytes(vector.message))).toEqual(bytes(vector.signature));
  });

  it('signs what OpenSSL signs, byte for byte', () => {
    const seed = bytes(vectors[0]?.seed ?? '');
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
    const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        expect(seedSigner(seed).sign(message)).toEqual(Uint8Array.from(sign(null, message, key)));
      }),
      { numRuns: 20 },
    );
  });

  it('takes 32 bytes and nothing else', () => {
    const refused = expect.objectContaining({ code: 'CONFIG_INVALID' });
    for (const length of [0, 31, 33, 48]) expect(() => seedSigner(new Uint8Array(length))).toThrow(refused);
  });
});
