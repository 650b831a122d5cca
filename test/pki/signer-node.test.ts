import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ecdsaSigner,
  ed25519Signer,
  generateEcdsaKey,
  generateEd25519Key,
} from '../../src/pki/signer-node.ts';

const data = new TextEncoder().encode('data');
const publicKey = (spki: Uint8Array) =>
  createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
const refused = expect.objectContaining({ code: 'CONFIG_INVALID' });

describe('a signer', () => {
  it('of P-256 signs in DER', () => {
    const { pem, signer } = generateEcdsaKey();
    const signature = signer.sign(data);
    expect(signer.algorithm).toBe('ecdsa-p256-sha256');
    expect(signature[0]).toBe(0x30);
    expect(verify('sha256', data, publicKey(signer.publicKey), signature)).toBe(true);
    expect(ecdsaSigner(pem).publicKey).toEqual(signer.publicKey);
  });

  it('of Ed25519 signs in 64 bytes', () => {
    const { pem, signer } = generateEd25519Key();
    const signature = signer.sign(data);
    expect(signer.algorithm).toBe('ed25519');
    expect(signature).toHaveLength(64);
    expect(verify(null, data, publicKey(signer.publicKey), signature)).toBe(true);
    expect(ed25519Signer(pem).publicKey).toEqual(signer.publicKey);
  });

  it('is not made of a key of another kind', () => {
    expect(() => ecdsaSigner(generateEd25519Key().pem)).toThrow(refused);
    expect(() => ed25519Signer(generateEcdsaKey().pem)).toThrow(refused);
    expect(() => ecdsaSigner(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)).toThrow(refused);
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => ecdsaSigner(publicKey)).toThrow(refused);
  });

  it('is not made of unreadable text, which no error repeats', () => {
    const secret = 'c2VjcmV0IGtleSBtYXRlcmlhbA==';
    const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`;
    expect(() => ecdsaSigner(pem)).toThrow(refused);
    expect(() => ecdsaSigner(pem)).not.toThrow(secret);
  });
});
