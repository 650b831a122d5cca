import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTrustSystem } from '../../src/pki/authority.ts';
import { oids } from '../../src/pki/oids.ts';
import { keyUsage, parseCertificate } from '../../src/pki/parse-certificate.ts';
import type { Certificate } from '../../src/pki/parse-certificate.ts';
import { ecdsaSigner, ed25519Signer } from '../../src/pki/signer-node.ts';

const now = Date.UTC(2026, 10, 21, 21, 17, 31, 603);
const system = await createTrustSystem({ trustDomain: 'example.org', now });
const root = parseCertificate(system.root.certificate);
const issuing = parseCertificate(system.issuing.certificate);
const timestampRoot = parseCertificate(system.timestampRoot.certificate);
const timestamp = parseCertificate(system.timestamp.certificate);

describe('a trust system', () => {
  it('has another key for every role', () => {
    const certified = [system.root, system.issuing, system.timestampRoot, system.timestamp];
    const keys = [
      ...certified.map(({ privateKey, certificate }) => {
        const { publicKey } = ecdsaSigner(privateKey);
        expect(publicKey).toEqual(parseCertificate(certificate).spki);
        return publicKey;
      }),
      ecdsaSigner(system.ct.privateKey).publicKey,
      ed25519Signer(system.log.privateKey).publicKey,
    ];
    expect(keys.slice(-2)).toEqual([system.ct.publicKey, system.log.publicKey]);
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(6);
  });

  it('issues under one root, and stamps under another', () => {
    expectIssuedBy(root, root);
    expectIssuedBy(issuing, root);
    expectIssuedBy(timestampRoot, timestampRoot);
    expectIssuedBy(timestamp, timestampRoot);
    expect(timestampRoot.subject).not.toEqual(root.subject);
  });

  it('lets the issuing CA issue for signing, and no CA below it', () => {
    expect(issuing).toMatchObject({
      isCa: true,
      pathLength: 0,
      keyUsage: keyUsage.keyCertSign | keyUsage.crlSign,
      extendedKeyUsage: [oids.codeSigning],
    });
  });

  it('lets the timestamp key stamp and nothing else, critically (RFC 3161 section 2.3)', () => {
    expect(timestamp).toMatchObject({
      isCa: false,
      keyUsage: keyUsage.digitalSignature,
      extendedKeyUsage: [oids.timeStamping],
    });
    const usage = timestamp.extensions.find((extension) => extension.oid === oids.extendedKeyUsage);
    expect(usage?.critical).toBe(true);
  });

  it('lives ten years from the whole second on', () => {
    for (const certificate of [root, issuing, timestampRoot, timestamp]) {
      expect(certificate.notBefore).toBe(Date.UTC(2026, 10, 21, 21, 17, 31));
      expect(certificate.notAfter).toBe(Date.UTC(2036, 10, 21, 21, 17, 31));
    }
    expect(system.validFrom).toBe(root.notBefore);
  });

  it.each(['', 'Example.org', 'example.org/x', 'exa mple', 'ex,CN=x'])(
    'is not made for the trust domain %j',
    async (trustDomain) => {
      await expect(createTrustSystem({ trustDomain, now })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    },
  );
});

function expectIssuedBy(certificate: Certificate, issuer: Certificate): void {
  expect(certificate.issuer).toEqual(issuer.subject);
  expect(certificate.authorityKeyId).toEqual(issuer.subjectKeyId);
  const key = createPublicKey({ key: Buffer.from(issuer.spki), format: 'der', type: 'spki' });
  expect(verify('sha256', certificate.tbs, key, certificate.signature)).toBe(true);
}
