import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createCertificateVerifier,
  type DeviceIdPlace,
} from '../../../src/identity/possession/certificate.ts';
import type { CertificateVerifier } from '../../../src/identity/possession/possession.ts';
import {
  caExtensions,
  clientExtensions,
  constraints,
  keyUsageFlags as flags,
  make,
  makeRoot,
  now,
  uris,
  usage,
  type Algorithm,
  type Made,
  type Wanted,
  x509,
} from './certificates.ts';

const trustDomain = 'example.org';
const planner = 'spiffe://example.org/agent/planner';

let root: Made;
let devices: Made;
let issuing: Made;
let verifier: CertificateVerifier;

const agentLeaf = (over: Wanted = {}): Promise<Made> =>
  make({ name: 'CN=planner', by: root, extensions: [...clientExtensions, uris(planner)], ...over });
const intermediate = (over: Wanted = {}): Promise<Made> =>
  make({ name: 'CN=issuing', by: root, extensions: caExtensions(0), ...over });
const verifierOf = (...roots: Made[]): CertificateVerifier =>
  createCertificateVerifier({ agents: [{ roots: roots.map(({ der }) => der), trustDomain }], devices: [] });
const deviceVerifier = (id: DeviceIdPlace): CertificateVerifier =>
  createCertificateVerifier({
    agents: [],
    devices: [{ roots: [devices.der], tenant: 'acme', trust: 'managed', id }],
  });
const refusal = (code: string) => ({ code });

beforeAll(async () => {
  [root, devices] = await Promise.all([makeRoot(), makeRoot({ name: 'CN=devices' })]);
  issuing = await intermediate();
  verifier = createCertificateVerifier({
    agents: [{ roots: [root.der], trustDomain, tenant: 'acme' }],
    devices: [{ roots: [devices.der], tenant: 'acme', trust: 'managed', id: 'uri' }],
  });
});

describe('a client certificate', () => {
  it('names an agent, of the tenant that its authority is for, until its path ends', async () => {
    const leaf = await agentLeaf({ until: now + 10_000 });
    expect(await verifier.verify(leaf.der, [], now)).toEqual({
      holder: { kind: 'agent', id: planner, issuer: 'spiffe://example.org', tenant: 'acme' },
      thumbprint: createHash('sha256').update(leaf.der).digest('base64url'),
      expiresAt: now + 10_000,
    });
  });

  it.each(['ES256', 'ES384', 'RS256', 'RS384', 'RS512'] satisfies Algorithm[])(
    'counts when it is signed with %s',
    async (algorithm) => {
      const authority = await makeRoot({ algorithm });
      const leaf = await agentLeaf({ by: authority });
      expect(await verifierOf(authority).verify(leaf.der, [], now)).toHaveProperty('holder.id', planner);
    },
  );

  it('counts through intermediates, in whatever order and company they come', async () => {
    const leaf = await agentLeaf({ by: issuing });
    const stranger = await makeRoot({ name: 'CN=stranger' });
    const chain = [stranger.der, Uint8Array.of(1, 2, 3), root.der, issuing.der];
    expect(await verifier.verify(leaf.der, chain, now)).toHaveProperty('holder.kind', 'agent');
  });

  it('counts for as long as the shortest of its path does', async () => {
    const brief = await intermediate({ until: now + 5_000 });
    const leaf = await agentLeaf({ by: brief });
    const { expiresAt } = await verifierOf(root).verify(leaf.der, [brief.der], now);
    expect(expiresAt).toBe(now + 5_000);
  });

  it('counts through the intermediate that has been renewed, of two of one name and key', async () => {
    const over = await intermediate({ until: now - 1_000 });
    const renewed = await intermediate({ keys: over.keys });
    const leaf = await agentLeaf({ by: renewed });
    const chain = [over.der, renewed.der];
    expect(await verifierOf(root).verify(leaf.der, chain, now)).toHaveProperty('holder.id', planner);
  });

  it('that was verified is asked for its end each time', async () => {
    const leaf = await agentLeaf({ by: issuing, until: now + 10_000 });
    const one = verifierOf(root);
    await one.verify(leaf.der, [issuing.der], now);
    // What was found out of it is remembered: a ticket brings it back alone.
    expect(await one.verify(leaf.der, [], now + 10_000)).toHaveProperty('holder.id', planner);
    await expect(one.verify(leaf.der, [issuing.der], now + 10_001)).rejects.toMatchObject(
      refusal('CERTIFICATE_EXPIRED'),
    );
  });

  it('of an issuer whose clock is a little ahead counts already', async () => {
    const leaf = await agentLeaf({ from: now + 30_000 });
    expect(await verifierOf(root).verify(leaf.der, [], now)).toHaveProperty('holder.id', planner);
    const later = await agentLeaf({ from: now + 31_000 });
    await expect(verifierOf(root).verify(later.der, [], now)).rejects.toMatchObject(
      refusal('CERTIFICATE_EXPIRED'),
    );
  });

  it('may have DNS names beside its one URI', async () => {
    const names = new x509.SubjectAlternativeNameExtension([
      { type: 'dns', value: 'planner.example.org' },
      { type: 'url', value: planner },
    ]);
    const leaf = await agentLeaf({ extensions: [...clientExtensions, names] });
    expect(await verifier.verify(leaf.der, [], now)).toHaveProperty('holder.id', planner);
  });

  it('may be silent on its purpose', async () => {
    const leaf = await agentLeaf({
      extensions: [constraints(false), usage(flags.digitalSignature), uris(planner)],
    });
    expect(await verifier.verify(leaf.der, [], now)).toHaveProperty('holder.id', planner);
  });
});

describe('a device', () => {
  const laptop = (over: Wanted = {}): Promise<Made> =>
    make({ name: 'CN=laptop-7', by: devices, serial: '00a1b2', extensions: clientExtensions, ...over });

  it('is named by its common name, its serial number or its URI', async () => {
    const { der } = await laptop();
    const named = async (id: DeviceIdPlace, leaf = der) =>
      (await deviceVerifier(id).verify(leaf, [], now)).holder;
    const holder = { kind: 'device', trust: 'managed', tenant: 'acme' };
    expect(await named('subject-cn')).toEqual({ ...holder, id: 'laptop-7' });
    expect(await named('serial')).toEqual({ ...holder, id: 'a1b2' });
    await expect(named('uri')).rejects.toMatchObject(refusal('CERTIFICATE_UNTRUSTED'));
    const withUri = await laptop({ extensions: [...clientExtensions, uris('urn:device:7')] });
    expect(await named('uri', withUri.der)).toEqual({ ...holder, id: 'urn:device:7' });
  });

  it.each(['CN=one, CN=two', 'O=none'])('is none with the subject %s', async (name) => {
    const { der } = await laptop({ name });
    await expect(deviceVerifier('subject-cn').verify(der, [], now)).rejects.toMatchObject(
      refusal('CERTIFICATE_UNTRUSTED'),
    );
  });

  it('of an agents’ authority is none', async () => {
    const { der } = await laptop({ by: root, extensions: [...clientExtensions, uris('urn:device:7')] });
    await expect(verifier.verify(der, [], now)).rejects.toMatchObject(refusal('CERTIFICATE_UNTRUSTED'));
  });
});

describe('the authorities of a gateway', () => {
  const device = { tenant: 'acme', trust: 'managed', id: 'uri' } as const;

  it('are never both for agents and for devices, by whatever certificate of one key', async () => {
    const again = await makeRoot({ name: 'CN=again', keys: root.keys });
    for (const { der } of [root, again])
      expect(() =>
        createCertificateVerifier({
          agents: [{ roots: [root.der], trustDomain }],
          devices: [{ roots: [der], ...device }],
        }),
      ).toThrow(expect.objectContaining(refusal('CONFIG_INVALID')));
  });

  it('are not each other’s intermediates', async () => {
    const cross = await make({
      name: 'CN=devices',
      by: root,
      keys: devices.keys,
      extensions: caExtensions(),
    });
    const leaf = await agentLeaf({ by: devices });
    expect((await verifier.verify(leaf.der, [cross.der], now)).holder.kind).toBe('device');
  });

  it('are CA certificates', async () => {
    const leaf = await agentLeaf();
    for (const der of [leaf.der, Uint8Array.of(0x30, 0)])
      expect(() =>
        createCertificateVerifier({ agents: [{ roots: [der], trustDomain }], devices: [] }),
      ).toThrow(expect.objectContaining(refusal('CONFIG_INVALID')));
  });
});

describe('a certificate that openssl made', () => {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void =>
    void execFileSync('openssl', args, { stdio: 'pipe', cwd: folder });

  beforeAll(() => {
    writeFileSync(
      file('leaf.cnf'),
      'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth,serverAuth\n' +
        `subjectAltName=URI:${planner},DNS:planner\n`,
    );
    writeFileSync(
      file('ca.cnf'),
      '[req]\ndistinguished_name=dn\n[dn]\n[v3]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n' +
        'subjectKeyIdentifier=hash\nsubjectAltName=URI:spiffe://example.org\n',
    );
  });

  it.each([
    ['ec', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'sha256'],
    ['ec384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'sha384'],
    ['rsa', ['rsa:2048'], 'sha512'],
  ])('counts with a key of %s', async (name, kind, digest) => {
    const ca = ['-config', 'ca.cnf', '-extensions', 'v3', '-subj', '/O=Example/CN=Agents'];
    openssl(
      'req',
      '-x509',
      '-newkey',
      ...kind,
      '-nodes',
      `-${digest}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
      ...ca,
    );
    openssl(
      'req',
      '-newkey',
      ...kind,
      '-nodes',
      '-keyout',
      'leaf.key',
      '-out',
      'leaf.csr',
      '-subj',
      '/CN=planner',
      '-config',
      'ca.cnf',
    );
    const signing = [
      '-CA',
      `${name}.pem`,
      '-CAkey',
      `${name}.key`,
      '-CAcreateserial',
      `-${digest}`,
      '-extfile',
      'leaf.cnf',
    ];
    openssl('x509', '-req', '-in', 'leaf.csr', ...signing, '-outform', 'DER', '-out', 'leaf.der');
    openssl('x509', '-in', `${name}.pem`, '-outform', 'DER', '-out', 'root.der');
    const authorities = { agents: [{ roots: [readFileSync(file('root.der'))], trustDomain }], devices: [] };
    const { holder } = await createCertificateVerifier(authorities).verify(
      readFileSync(file('leaf.der')),
      [],
      Date.now(),
    );
    expect(holder).toEqual({ kind: 'agent', id: planner, issuer: 'spiffe://example.org' });
  });
});
