import { generateKeyPairSync, sign, webcrypto, type KeyObject } from 'node:crypto';
import { Point, etc } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/call/sha256.ts';
import { isPlainPublicKey, verifyEd25519, verifyPortably } from '../../src/tlog/ed25519.ts';

const order = Point.CURVE().n;

/** RFC 8032 §7.1, tests 1 to 3: key, message, signature. */
const rfc = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
] as const;

const bytes = (hexText: string): Uint8Array => fromHex(hexText) ?? new Uint8Array();

function rawKey(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32));
}

describe('Ed25519', () => {
  it.each(rfc)('verifies the RFC’s own signature by %s, natively and portably', (key, message, signature) => {
    for (const verify of [verifyEd25519, verifyPortably]) {
      expect(verify(bytes(signature), bytes(message), bytes(key))).toBe(true);
      expect(verify(bytes(signature), bytes(`${message}00`), bytes(key))).toBe(false);
    }
  });

  it('is decided alike natively and portably, whatever bit of a signature, key or message is changed', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = rawKey(publicKey);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom('none', 'signature', 'key'),
        fc.nat(511),
        (message, what, bit) => {
          const parts = { signature: new Uint8Array(sign(null, message, privateKey)), key: key.slice() };
          if (what !== 'none') {
            const at = (bit >> 3) % parts[what].length;
            parts[what][at] = (parts[what][at] ?? 0) ^ (1 << (bit & 7));
          }
          const portable = isPlainPublicKey(parts.key) && verifyPortably(parts.signature, message, parts.key);
          expect(verifyEd25519(parts.signature, message, parts.key)).toBe(portable);
          expect(portable).toBe(what === 'none');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('refuses an R with a part of small order, which only an equation with the cofactor would take', async () => {
    const torsion = Point.fromBytes(
      bytes('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
    );
    const secret = 0x1234_5678_9abc_def0n;
    const key = Point.BASE.multiply(secret).toBytes();
    const message = Uint8Array.of(1, 2, 3);
    const make = (R: Point): Uint8Array => {
      const encodedR = R.toBytes();
      const h = etc.mod(littleEndian(sha512(etc.concatBytes(encodedR, key, message))), order);
      return etc.concatBytes(encodedR, littleEndianBytes(etc.mod(7n + h * secret, order)));
    };
    const sound = make(Point.BASE.multiply(7n));
    const crooked = make(Point.BASE.multiply(7n).add(torsion));
    const imported = await webcrypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
    for (const [signature, holds] of [
      [sound, true],
      [crooked, false],
    ] as const) {
      expect(verifyEd25519(signature, message, key)).toBe(holds);
      expect(verifyPortably(signature, message, key)).toBe(holds);
      expect(await webcrypto.subtle.verify('Ed25519', imported, new Uint8Array(signature), message)).toBe(
        holds,
      );
    }
  });

  it.each([
    ['of small order', '0100000000000000000000000000000000000000000000000000000000000000'],
    ['of order eight', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['that is not reduced', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['that is no point', '0200000000000000000000000000000000000000000000000000000000000000'],
    ['that is too short', '3d40'],
  ])('takes no key %s', (_, key) => {
    const [, , signature] = rfc[1];
    expect(verifyEd25519(bytes(signature), bytes('72'), bytes(key))).toBe(false);
  });
});

function littleEndian(from: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(from.toReversed()).toString('hex')}`);
}

function littleEndianBytes(value: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(value.toString(16).padStart(64, '0'), 'hex')).toReversed();
}
