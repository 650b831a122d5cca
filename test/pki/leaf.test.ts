import { createPublicKey, verify } from 'node:crypto';
import 'reflect-metadata';
import {
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from '@peculiar/x509';
import { describe, expect, it } from 'vitest';
import { issueLeaf } from '../../src/pki/leaf.ts';
import type { LeafRequest } from '../../src/pki/leaf.ts';
import { sequence } from '../../src/pki/der-write.ts';
import { oids } from '../../src/pki/oids.ts';
import { keyUsage, parseCertificate, precertificateTbs } from '../../src/pki/parse-certificate.ts';
import { parseSctList, sctSigningInput } from '../../src/pki/parse-sct.ts';
import { generateEcdsaKey, generateEd25519Key } from '../../src/pki/signer-node.ts';
import { sha256 } from '../../src/call/sha256.ts';
import { testTrust } from './trust-system.ts';

const { system, leafRequest, identity, now } = await testTrust();
const der = identity.certificate;
const leaf = parseCertificate(der);
const issuing = parseCertificate(system.issuing.certificate);

describe('a signing certificate', () => {
  it('certifies exactly one identity, for signing and nothing else', () => {
    expect(leaf.subject).toEqual(sequence());
    expect(leaf.san).toEqual({ uris: ['spiffe://example.org/gate/main'], others: 0, critical: true });
    expect(leaf.keyUsage).toBe(keyUsage.digitalSignature);
    expect(leaf.extendedKeyUsage).toEqual([oids.codeSigning]);
    expect(leaf.isCa).toBe(false);
    expect(leaf.spki).toEqual(identity.signer.publicKey);
    expect(leaf.issuerUrl).toBe('https://ca.example.org');
    expect([leaf.notBefore, leaf.notAfter]).toEqual([now, now + 3_600_000]);
  });

  it('names its issuer, and is signed by it', () => {
    expect(leaf.issuer).toEqual(issuing.subject);
    expect(leaf.authorityKeyId).toEqual(issuing.subjectKeyId);
    expect(verified(issuing.spki, leaf.tbs, leaf.signature)).toBe(true);
  });

  it('embeds an SCT by our own log, made now', () => {
    const [sct] = parseSctList(leaf.sctList ?? new Uint8Array());
    expect(sct).toMatchObject({ logId: sha256(system.ct.publicKey), timestamp: now, hash: 4, algorithm: 3 });
    const signed = sct && sctSigningInput(sct, sha256(issuing.spki), precertificateTbs(leaf));
    expect(verified(system.ct.publicKey, signed, sct?.signature)).toBe(true);
  });

  it('is what the X.509 library reads out of it and verifies, byte for byte', async () => {
    const library = new X509Certificate(der);
    expect(new Uint8Array(library.rawData)).toEqual(der);
    const publicKey = new X509Certificate(system.issuing.certificate).publicKey;
    expect(await library.verify({ publicKey, date: new Date(now + 1000) })).toBe(true);
    expect(library.getExtension(KeyUsagesExtension)).toMatchObject({
      usages: KeyUsageFlags.digitalSignature,
      critical: true,
    });
    expect(library.getExtension(ExtendedKeyUsageExtension)?.usages).toEqual([oids.codeSigning]);
    expect(library.getExtension(oids.subjectAltName)?.critical).toBe(true);
  });

  it('has a serial number of its own and its whole dates in whole seconds', async () => {
    const second = parseCertificate(await issueLeaf({ ...leafRequest, notBefore: now + 999 }));
    expect(second.serial).not.toEqual(leaf.serial);
    expect(second.serial).toHaveLength(16);
    expect(second.notBefore).toBe(now);
  });
});

describe('no certificate is issued', () => {
  const { signer } = generateEcdsaKey();
  it.each<[string, Partial<LeafRequest>]>([
    ['by a key that is not the CA’s', { caSigner: signer }],
    ['by a certificate that is not a CA', { caCertificate: der, caSigner: identity.signer }],
    ['with an SCT of an Ed25519 key', { ctSigner: generateEd25519Key().signer }],
    ['before the CA', { notBefore: now - 1000 }],
    ['beyond the CA', { notAfter: now + 20 * 366 * 86_400_000 }],
    ['for no time', { notAfter: now }],
    ['for a name that is no SPIFFE URI', { spiffeUri: 'https://example.org/gate/main' }],
    ['for a whole trust domain', { spiffeUri: 'spiffe://example.org' }],
    ['for a name with a query', { spiffeUri: 'spiffe://example.org/gate/main?x' }],
    ['for a name with a line break', { spiffeUri: 'spiffe://example.org/gate/main\n' }],
    ['for a name beyond ASCII', { spiffeUri: 'spiffe://example.org/gate/mаin' }],
  ])('%s', async (_what, change) => {
    await expect(issueLeaf({ ...leafRequest, ...change })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

function verified(
  spki: Uint8Array,
  data: Uint8Array = new Uint8Array(),
  signature: Uint8Array = new Uint8Array(),
): boolean {
  return verify(
    'sha256',
    data,
    createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }),
    signature,
  );
}
