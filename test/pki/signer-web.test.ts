import { createPublicKey, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ecdsaDer, generateWebEcdsaKey, webEcdsaSigner } from '../../src/pki/signer-web.ts';
import { generateEcdsaKey, generateEd25519Key } from '../../src/pki/signer-node.ts';
import { ecdsaRaw } from '../../src/call/ecdsa-signature.ts';

function derOf(pem: string): Uint8Array {
  return Uint8Array.from(Buffer.from(pem.replaceAll(/-----.*-----|\s/g, ''), 'base64'));
}

function holds(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
  return verify('sha256', data, key, signature);
}

describe('an ECDSA signer over WebCrypto', () => {
  const data = Uint8Array.of(1, 2, 3);

  it('has the public key of its private key, and signs as OpenSSL verifies', async () => {
    const { pem, signer: known } = generateEcdsaKey();
    const signer = await webEcdsaSigner(derOf(pem));
    expect(signer.publicKey).toEqual(known.publicKey);
    for (let times = 0; times < 20; times++)
      expect(holds(known.publicKey, data, await signer.sign(data))).toBe(true);
  });

  it('makes keys of its own', async () => {
    const signer = await generateWebEcdsaKey();
    expect(holds(signer.publicKey, data, await signer.sign(data))).toBe(true);
  });

  it.each([
    ['an Ed25519 key', derOf(generateEd25519Key().pem)],
    ['no key', Uint8Array.of(1, 2, 3)],
  ])('refuses %s', async (_, der) => {
    await expect(webEcdsaSigner(der)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('DER of an ECDSA signature', () => {
  it('is the one that verifiers take apart to the same numbers', () => {
    const half = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => {
      // Below the order of the group, and not zero.
      const number = Uint8Array.from(bytes);
      number[0] = Math.min(number[0] ?? 0, 0xfe);
      number[31] = Math.max(number[31] ?? 0, 1);
      return number;
    });
    fc.assert(
      fc.property(half, half, (r, s) => {
        const raw = Uint8Array.from([...r, ...s]);
        expect(ecdsaRaw(ecdsaDer(raw))).toEqual(raw);
      }),
    );
  });

  it('is not made of zero, nor of another length', () => {
    const refused = expect.objectContaining({ code: 'SIGNING_FAILED' });
    expect(() => ecdsaDer(new Uint8Array(64))).toThrow(refused);
    expect(() => ecdsaDer(new Uint8Array(63).fill(1))).toThrow(refused);
  });
});
