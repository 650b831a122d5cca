import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createCertificateVerifier } from '../../src/identity/possession/certificate.ts';
import { createTrustSystem, createWorkloadAuthority } from '../../src/pki/authority.ts';
import { sequence } from '../../src/pki/der-write.ts';
import { oids } from '../../src/pki/oids.ts';
import { keyUsage, parseCertificate } from '../../src/pki/parse-certificate.ts';
import { toPem } from '../../src/pki/parse-pem.ts';
import { ecdsaSigner, generateEcdsaKey } from '../../src/pki/signer-node.ts';
import {
  issueWorkloadCertificate,
  type WorkloadCertificateRequest,
} from '../../src/pki/workload-certificate.ts';

const hour = 3_600_000;
const now = Math.floor(Date.now() / 1_000) * 1_000;
const trustDomain = 'example.org';
const planner = `spiffe://${trustDomain}/agent/planner`;
const made = await createWorkloadAuthority({ trustDomain, now: now - 60_000 });
const authority = { signer: ecdsaSigner(made.privateKey), certificate: made.certificate };
const { signer } = generateEcdsaKey();
const request: WorkloadCertificateRequest = {
  authority,
  spiffeId: planner,
  publicKey: signer.publicKey,
  notBefore: now - 30_000,
  notAfter: now + hour,
};
const der = await issueWorkloadCertificate(request);
const leaf = parseCertificate(der);

const folder = mkdtempSync(join(tmpdir(), 'countersign-svid-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const openssl = (...args: string[]) => spawnSync('openssl', args, { encoding: 'utf8' });

describe('a workload’s certificate', () => {
  it('is an X.509-SVID: one URI, no authority, for signing, for both ends of TLS', () => {
    expect(leaf.san).toEqual({ uris: [planner], others: 0, critical: true });
    expect(leaf.subject).toEqual(sequence());
    expect(leaf.isCa).toBe(false);
    expect(leaf.keyUsage).toBe(keyUsage.digitalSignature);
    expect(leaf.extendedKeyUsage).toEqual([oids.serverAuth, oids.clientAuth]);
    expect(leaf.spki).toEqual(signer.publicKey);
    expect([leaf.notBefore, leaf.notAfter]).toEqual([now - 30_000, now + hour]);
  });

  it('has a serial number that nobody can tell beforehand', async () => {
    const other = parseCertificate(await issueWorkloadCertificate(request));
    expect(other.serial).toHaveLength(16);
    expect(other.serial).not.toEqual(leaf.serial);
  });

  it('is accepted by openssl for a client, and shows as what it is', () => {
    const root = file('root.pem', toPem('CERTIFICATE', made.certificate));
    const own = file('leaf.pem', toPem('CERTIFICATE', der));
    const verified = openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', root, own);
    expect(verified.stdout + verified.stderr).toBe(`${own}: OK\n`);
    const text = openssl('x509', '-in', own, '-noout', '-text').stdout;
    expect(text).toMatch(/Subject Alternative Name: critical\s+URI:spiffe:\/\/example.org\/agent\/planner\n/);
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE\n/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
    expect(text).toMatch(
      /Extended Key Usage: \s+TLS Web Server Authentication, TLS Web Client Authentication\n/,
    );
    expect(text).toMatch(/Subject: \n/);
  });

  it('names the agent to whoever verifies certificates here', async () => {
    const agents = [{ roots: [made.certificate], trustDomain }];
    const { holder, expiresAt } = await createCertificateVerifier({ agents, devices: [] }).verify(
      der,
      [],
      now,
    );
    expect(holder).toEqual({ kind: 'agent', id: planner, issuer: `spiffe://${trustDomain}` });
    expect(expiresAt).toBe(now + hour);
  });

  it('is worth nothing to whoever believes the authorities that sign for gates', async () => {
    const system = await createTrustSystem({ trustDomain, now: now - 60_000 });
    const root = file('gates.pem', toPem('CERTIFICATE', system.root.certificate));
    const below = file('issuing.pem', toPem('CERTIFICATE', system.issuing.certificate));
    const own = file('leaf.pem', toPem('CERTIFICATE', der));
    expect(openssl('verify', '-CAfile', root, '-untrusted', below, own).status).not.toBe(0);
  });
});

describe('the authority of agents', () => {
  it('is a root that says its trust domain, issues no other authority, and nothing but certificates', () => {
    const root = parseCertificate(made.certificate);
    expect(root).toMatchObject({ isCa: true, pathLength: 0, keyUsage: keyUsage.keyCertSign });
    expect(root.san).toMatchObject({ uris: [`spiffe://${trustDomain}`], others: 0 });
    expect(root.issuer).toEqual(root.subject);
    const path = file('root.pem', toPem('CERTIFICATE', made.certificate));
    expect(openssl('verify', '-x509_strict', '-check_ss_sig', '-CAfile', path, path).status).toBe(0);
  });
});

describe('no certificate is issued', () => {
  it.each<[string, Partial<WorkloadCertificateRequest>]>([
    ['by a key that is not the authority’s', { authority: { ...authority, signer } }],
    ['by a certificate that is no authority', { authority: { signer, certificate: der } }],
    ['for another trust domain', { spiffeId: 'spiffe://example.com/agent/planner' }],
    ['for a trust domain that only begins alike', { spiffeId: 'spiffe://example.org.evil/agent/planner' }],
    ['for the trust domain itself', { spiffeId: 'spiffe://example.org' }],
    ['for an empty segment', { spiffeId: 'spiffe://example.org/agent//planner' }],
    ['for a step in the path', { spiffeId: 'spiffe://example.org/agent/../gate/main' }],
    ['for what is no SPIFFE ID', { spiffeId: 'https://example.org/agent/planner' }],
    ['with a line end in it', { spiffeId: `${planner}\n` }],
    ['before the authority', { notBefore: now - 120_000 }],
    ['beyond the authority', { notAfter: now + 20 * 366 * 24 * hour }],
    ['for no time', { notAfter: now - 30_000 }],
  ])('%s', async (_, change) => {
    await expect(issueWorkloadCertificate({ ...request, ...change })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it('by the authority that signs for gates', async () => {
    const { issuing } = await createTrustSystem({ trustDomain, now: now - 60_000 });
    const gates = { signer: ecdsaSigner(issuing.privateKey), certificate: issuing.certificate };
    await expect(issueWorkloadCertificate({ ...request, authority: gates })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});
