import { issueLeaf } from '../../src/pki/leaf.ts';
import { createTrustSystem } from '../../src/pki/authority.ts';
import { ecdsaSigner, ed25519Signer, generateEcdsaKey } from '../../src/pki/signer-node.ts';
import { createTimestampAuthority } from '../../src/pki/timestamp.ts';

/** A whole private trust system with one signing identity, as a gate has it. */
export async function testTrust(now = Date.UTC(2026, 10, 21, 21, 0, 0)) {
  const system = await createTrustSystem({ trustDomain: 'example.org', now });
  const caSigner = ecdsaSigner(system.issuing.privateKey);
  const ctSigner = ecdsaSigner(system.ct.privateKey);
  const tsaSigner = ecdsaSigner(system.timestamp.privateKey);
  const { signer } = generateEcdsaKey();
  const leafRequest = {
    caSigner,
    caCertificate: system.issuing.certificate,
    ctSigner,
    spiffeUri: 'spiffe://example.org/gate/main',
    issuerUrl: 'https://ca.example.org',
    publicKey: signer.publicKey,
    notBefore: now,
    notAfter: now + 3_600_000,
    now,
  };
  const certificate = await issueLeaf(leafRequest);
  return {
    now,
    system,
    leafRequest,
    tsaSigner,
    logSigner: ed25519Signer(system.log.privateKey),
    timestamps: createTimestampAuthority({ signer: tsaSigner, certificate: system.timestamp.certificate }),
    identity: {
      signer,
      certificate,
      issuer: system.issuing.certificate,
      notBefore: now,
      notAfter: now + 3_600_000,
    },
  };
}
