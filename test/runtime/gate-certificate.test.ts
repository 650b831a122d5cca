import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../src/pki/parse-certificate.ts';
import { ecdsaSigner, generateEcdsaKey } from '../../src/pki/signer-node.ts';
import { generateWebEcdsaKey } from '../../src/pki/signer-web.ts';
import type { Signer } from '../../src/pki/signer.ts';
import { issueGateCertificate } from '../../src/runtime/keys/gate-certificate.ts';
import { refusalOf } from '../ledger/settled.ts';
import { testTrust } from '../pki/trust-system.ts';

const { system, now } = await testTrust();
const hour = 3_600_000;
const request = {
  name: { trustDomain: 'example.org', gate: 'main', issuerUrl: 'https://ca.example.org' },
  ca: { signer: ecdsaSigner(system.issuing.privateKey), certificate: system.issuing.certificate },
  ct: ecdsaSigner(system.ct.privateKey),
  validFor: { start: now, end: now + 10 * hour },
  newKey: (): Signer | Promise<Signer> => generateEcdsaKey().signer,
};

describe('the certificate of a gate', () => {
  it.each([
    ['Node', request.newKey],
    ['Workers', generateWebEcdsaKey],
  ])('names the gate and its new key, whichever key that is: %s', async (_, newKey) => {
    const identity = await issueGateCertificate({ ...request, newKey }, now + hour);
    const leaf = parseCertificate(identity.certificate);
    expect(leaf.san?.uris).toEqual(['spiffe://example.org/gate/main']);
    expect(leaf.issuerUrl).toBe('https://ca.example.org');
    expect(leaf.spki).toEqual(identity.signer.publicKey);
    expect(identity.issuer).toEqual(system.issuing.certificate);
    const other = await issueGateCertificate({ ...request, newKey }, now + hour);
    expect(other.signer.publicKey).not.toEqual(identity.signer.publicKey);
  });

  it('is valid from a second before it is issued, for an hour', async () => {
    const at = now + hour;
    const { notBefore, notAfter } = await issueGateCertificate(request, at);
    expect([notBefore, notAfter]).toEqual([at - 1_000, at - 1_000 + hour]);
  });

  it('ends with the first of the keys that sign for the gate', async () => {
    const end = now + hour + 60_000;
    const { certificate, notAfter } = await issueGateCertificate(
      { ...request, validFor: { start: now, end } },
      now + hour,
    );
    expect([notAfter, parseCertificate(certificate).notAfter]).toEqual([end, end]);
  });

  it('is not issued while one of them is not valid, and no key is made for it', async () => {
    const { start, end } = request.validFor;
    const newKey = (): never => {
      throw new Error('A key was made.');
    };
    for (const at of [start - 1, end + 1])
      expect(await refusalOf(issueGateCertificate({ ...request, newKey }, at))).toBe('CERTIFICATE_NOT_VALID');
  });
});
