import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { hex, sha256 } from '../../../src/call/sha256.ts';
import { revoke } from '../../../src/gate/revoke.ts';
import { createCertificateVerifier } from '../../../src/identity/possession/certificate.ts';
import { createWorkloadAuthority } from '../../../src/pki/authority.ts';
import { parseCertificate } from '../../../src/pki/parse-certificate.ts';
import { toPem } from '../../../src/pki/parse-pem.ts';
import { ecdsaSigner, generateEcdsaKey } from '../../../src/pki/signer-node.ts';
import { issueWorkloadCertificate } from '../../../src/pki/workload-certificate.ts';
import { authorityOfAgents, newJoinToken } from '../../../src/runtime/enrol/operate.ts';
import { trustEnrolled } from '../../../src/runtime/enrol/trust-enrolled.ts';
import { withHome } from '../../../src/runtime/home/with-home.ts';
import { encryptKeys } from '../../../src/runtime/keys/key-encryption.ts';
import { keyFileState } from '../../../src/runtime/keys/key-store.ts';
import { envelopesOf, madeHome, refusals } from '../made-home.ts';
import { agentIn, changesOf, csrOf, derOf, enrollingGate, hour, over } from './enrolling.ts';

const minutes = 60_000;

describe('a workload with a join token', () => {
  it('gets a certificate of the agent that the token is for, once', async () => {
    using made = await madeHome();
    const home = made.open();
    const { text, agent } = await newJoinToken(home, 'planner', 10 * minutes);
    expect(text).toMatch(/^cs_join_[0-9a-f]{64}$/);
    await using gate = await enrollingGate(home);
    const { certificate, authority, notAfter } = await gate.enrol({ csr: await csrOf(), joinToken: text });
    expect(agent).toBe(`spiffe://${home.config.trustDomain}/agent/planner`);
    expect(agentIn(certificate)).toBe(agent);
    expect(notAfter).toBe(parseCertificate(derOf(certificate)).notAfter);
    expect(authority).toBe(readFileSync(home.layout.workloadAuthority, 'utf8'));
    await expect(gate.enrol({ csr: await csrOf(), joinToken: text })).rejects.toMatchObject({
      code: 'JOIN_TOKEN_USED',
    });
  });

  it('is in the log before it has anything: token and certificate, by digest, and no secret', async () => {
    using made = await madeHome();
    const home = made.open();
    const { text, id, agent } = await newJoinToken(home, 'planner', 10 * minutes);
    await using gate = await enrollingGate(home);
    const { signer } = generateEcdsaKey();
    const { certificate } = await gate.enrol({ csr: await csrOf(signer), joinToken: text });
    const changes = await changesOf(home);
    expect(changes.map(({ kind }) => kind)).toEqual([
      'agent-authority-created',
      'join-token-created',
      'agent-certificate-issued',
    ]);
    const leaf = parseCertificate(derOf(certificate));
    expect(changes[2]).toMatchObject({
      agent,
      serial: hex(leaf.serial),
      certificate: { digest: { sha256: hex(sha256(derOf(certificate))) } },
      publicKey: { digest: { sha256: hex(sha256(signer.publicKey)) } },
      by: { kind: 'join-token', id },
    });
    expect(JSON.stringify(changes)).not.toContain(text.slice('cs_join_'.length));
    const envelopes = (await envelopesOf(home)).map((envelope) => envelope.text);
    expect(await refusals(home, ...envelopes)).toEqual([]);
  });

  it('is certified by one of two gates that it asks at the same moment, and by no other', async () => {
    using made = await madeHome();
    const { text } = await newJoinToken(made.open(), 'planner', 10 * minutes);
    await using one = await enrollingGate(made.open());
    await using other = await enrollingGate(made.open());
    const asked = await Promise.allSettled(
      [one, other, one, other].map(async (gate) => gate.enrol({ csr: await csrOf(), joinToken: text })),
    );
    const refusedWith = asked.flatMap((each) =>
      each.status === 'rejected' ? [each.reason as { code: string }] : [],
    );
    expect(refusedWith.map(({ code }) => code)).toEqual(Array<string>(3).fill('JOIN_TOKEN_USED'));
    const issued = (await changesOf(made.open())).filter(({ kind }) => kind === 'agent-certificate-issued');
    expect(issued).toHaveLength(1);
  });

  it('gets the same certificate again for the same key, when the answer was lost', async () => {
    using made = await madeHome();
    const home = made.open();
    const { text } = await newJoinToken(home, 'planner', 10 * minutes);
    const csr = await csrOf();
    let lost = true;
    await using gate = await enrollingGate(home, {
      afterRecord() {
        if (lost) throw new Error('the gate died');
      },
    });
    // The authority is known to the log already, so the first statement is the certificate's.
    await expect(gate.enrol({ csr, joinToken: text })).rejects.toThrow('the gate died');
    lost = false;
    await expect(gate.enrol({ csr: await csrOf(), joinToken: text })).rejects.toMatchObject({
      code: 'JOIN_TOKEN_USED',
    });
    const { certificate } = await gate.enrol({ csr, joinToken: text });
    const changes = (await changesOf(home)).filter(({ kind }) => kind === 'agent-certificate-issued');
    expect(changes.map(({ serial }) => serial)).toEqual([hex(parseCertificate(derOf(certificate)).serial)]);
  });

  it('has used nothing when the gate dies before the statement is durable', async () => {
    using made = await madeHome();
    const home = made.open();
    const { text } = await newJoinToken(home, 'planner', 10 * minutes);
    let dies = true;
    await using gate = await enrollingGate(home, {
      beforeRecord() {
        if (dies) throw new Error('the gate died');
      },
    });
    await expect(gate.enrol({ csr: await csrOf(), joinToken: text })).rejects.toThrow('the gate died');
    dies = false;
    const { certificate } = await gate.enrol({ csr: await csrOf(), joinToken: text });
    expect(agentIn(certificate)).toMatch(/\/agent\/planner$/);
  });
});

describe('no certificate is issued', () => {
  it('for a token that is none, or has another character', async () => {
    using made = await madeHome();
    const { text } = await newJoinToken(made.open(), 'planner', 10 * minutes);
    await using gate = await enrollingGate(made.open());
    const csr = await csrOf();
    const wrong = [
      '',
      'cs_join_',
      text.toUpperCase(),
      `${text}\n`,
      text.slice(0, -1) + (text.endsWith('0') ? '1' : '0'),
      `cs_join_${'0'.repeat(64)}`,
    ];
    for (const joinToken of wrong)
      await expect(gate.enrol({ csr, joinToken })).rejects.toMatchObject({ code: 'JOIN_TOKEN_UNKNOWN' });
  });

  it('after the token’s end, used or not', async () => {
    using made = await madeHome();
    const { text } = await newJoinToken(made.open(), 'planner', 10 * minutes);
    const used = await newJoinToken(made.open(), 'planner', 10 * minutes);
    const csr = await csrOf();
    let now = Date.now();
    await using gate = await enrollingGate(made.open(), { now: () => now });
    await gate.enrol({ csr, joinToken: used.text });
    now += 10 * minutes;
    await expect(gate.enrol({ csr, joinToken: text })).rejects.toMatchObject({ code: 'JOIN_TOKEN_EXPIRED' });
    await expect(gate.enrol({ csr, joinToken: used.text })).rejects.toMatchObject({
      code: 'JOIN_TOKEN_USED',
    });
  });

  it('for a token that somebody wrote into the ledger who has no key of the home, or rewrote for another agent', async () => {
    using made = await madeHome();
    const home = made.open();
    const { text, id } = await newJoinToken(home, 'planner', 10 * minutes);
    await withHome(home, async ({ ledger, recordChange }) => {
      const key = `join-token/${id}`;
      const value = (await ledger.heads([key])).get(key) ?? '';
      const rewritten = value.replace('/agent/planner', '/agent/operator');
      expect(rewritten).not.toBe(value);
      const change = { kind: 'forged' };
      await recordChange({ change, expects: [{ key, value }], sets: [{ key, value: rewritten }] });
    });
    await using gate = await enrollingGate(home);
    await expect(gate.enrol({ csr: await csrOf(), joinToken: text })).rejects.toMatchObject({
      code: 'JOIN_TOKEN_UNKNOWN',
    });
  });

  it('for a request that names another agent; the token stays good', async () => {
    using made = await madeHome();
    const { text } = await newJoinToken(made.open(), 'planner', 10 * minutes);
    await using gate = await enrollingGate(made.open());
    const named = new URL('../../vectors/certificate-requests/named.pem', import.meta.url);
    const csr = readFileSync(named, 'utf8');
    await expect(gate.enrol({ csr, joinToken: text })).rejects.toMatchObject({
      code: 'CERTIFICATE_REQUEST_INVALID',
    });
    await expect(gate.enrol({ csr: 'x', joinToken: text })).rejects.toMatchObject({
      code: 'CERTIFICATE_REQUEST_INVALID',
    });
    await gate.enrol({ csr: await csrOf(), joinToken: text });
  });

  it('without anything that says who it is, and by a gate that has no authority', async () => {
    using made = await madeHome();
    await using gate = await enrollingGate(made.open());
    const csr = await csrOf();
    await expect(gate.enrol({ csr })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await authorityOfAgents(made.open());
    await expect(gate.enrol({ csr })).rejects.toMatchObject({ code: 'AGENT_PROOF_MISSING' });
    await expect(gate.enrol({ csr, workloadToken: 'a.b.c' })).rejects.toMatchObject({
      code: 'AGENT_TOKEN_ISSUER_UNKNOWN',
    });
  });

  it('for an agent that was revoked, nor renewed', async () => {
    using made = await madeHome();
    const home = made.open();
    const first = await newJoinToken(home, 'planner', 10 * minutes);
    const second = await newJoinToken(home, 'planner', 10 * minutes);
    await using gate = await enrollingGate(home);
    const { certificate } = await gate.enrol({ csr: await csrOf(), joinToken: first.text });
    await withHome(home, async ({ ledger, recordChange }) => {
      const order = { kind: 'agent', id: first.agent, by: 'operator' } as const;
      await revoke({ ledger, recordChange, now: Date.now }, order);
    });
    const csr = await csrOf();
    const revoked = { code: 'AGENT_REVOKED' };
    await expect(gate.enrol({ csr, joinToken: second.text })).rejects.toMatchObject(revoked);
    await expect(gate.enrol({ csr }, over(certificate))).rejects.toMatchObject(revoked);
  });

  it('for more at a time than a gate takes from whoever has no key', async () => {
    using made = await madeHome();
    const { text } = await newJoinToken(made.open(), 'planner', 10 * minutes);
    const held = Promise.withResolvers<void>();
    await using gate = await enrollingGate(made.open(), { beforeRecord: () => held.promise });
    const csr = await csrOf();
    const waiting = Array.from({ length: 16 }, () => gate.enrol({ csr, joinToken: text }));
    await expect(gate.enrol({ csr, joinToken: text })).rejects.toMatchObject({ code: 'GATE_BUSY' });
    held.resolve();
    const certificates = new Set((await Promise.all(waiting)).map(({ certificate }) => certificate));
    // All of them had the one key.
    expect(certificates.size).toBe(1);
  });
});

describe('a certificate that is still valid', () => {
  it('is renewed for the same agent and a new key, and the log says by which', async () => {
    using made = await madeHome();
    const home = made.open();
    const { text, agent } = await newJoinToken(home, 'planner', 10 * minutes);
    await using gate = await enrollingGate(home);
    const first = await gate.enrol({ csr: await csrOf(), joinToken: text });
    const second = await gate.enrol({ csr: await csrOf() }, over(first.certificate));
    expect(agentIn(second.certificate)).toBe(agent);
    expect(second.certificate).not.toBe(first.certificate);
    const serial = hex(parseCertificate(derOf(first.certificate)).serial);
    expect((await changesOf(home)).at(-1)).toMatchObject({ agent, by: { kind: 'renewal', serial } });
  });

  it('is not renewed after its end', async () => {
    using made = await madeHome();
    const { text } = await newJoinToken(made.open(), 'planner', 10 * minutes);
    let now = Date.now();
    await using gate = await enrollingGate(made.open(), { now: () => now });
    const { certificate } = await gate.enrol({ csr: await csrOf(), joinToken: text });
    now += hour + 1_000;
    await expect(gate.enrol({ csr: await csrOf() }, over(certificate))).rejects.toMatchObject({
      code: 'CERTIFICATE_EXPIRED',
    });
  });

  it('of another authority is not renewed, whatever it names, also where its agents are believed', async () => {
    using made = await madeHome();
    const home = made.open();
    await authorityOfAgents(home);
    const { trustDomain } = home.config;
    const foreign = await createWorkloadAuthority({ trustDomain, now: Date.now() - minutes });
    const certificate = await issueWorkloadCertificate({
      authority: { signer: ecdsaSigner(foreign.privateKey), certificate: foreign.certificate },
      spiffeId: `spiffe://${trustDomain}/agent/planner`,
      publicKey: generateEcdsaKey().signer.publicKey,
      notBefore: Date.now() - 1_000,
      notAfter: Date.now() + hour,
    });
    const agents = [{ roots: [foreign.certificate], trustDomain }];
    const evidence = { certificates: createCertificateVerifier({ agents, devices: [] }) };
    await using gate = await enrollingGate(home, { evidence });
    const shown = over(toPem('CERTIFICATE', certificate));
    await expect(gate.enrol({ csr: await csrOf() }, shown)).rejects.toMatchObject({
      code: 'CERTIFICATE_UNTRUSTED',
    });
  });

  it('counts at every gate of the home from the moment on at which the authority is made', async () => {
    using made = await madeHome();
    const home = made.open();
    const evidence = trustEnrolled({}, home);
    expect(evidence.certificates).toBeUndefined();
    const { text, agent } = await newJoinToken(home, 'planner', 10 * minutes);
    await using gate = await enrollingGate(home);
    const { certificate } = await gate.enrol({ csr: await csrOf(), joinToken: text });
    await vi.waitFor(() => expect(evidence.certificates).toBeDefined());
    const verified = await evidence.certificates?.verify(derOf(certificate), [], Date.now());
    expect(verified?.holder).toMatchObject({ kind: 'agent', id: agent, tenant: 'default' });
  });

  it('counts nowhere where its authority is configured for devices as well: nothing is admitted there', async () => {
    using made = await madeHome();
    const home = made.open();
    const root = derOf((await authorityOfAgents(home)).certificate);
    const devices = [{ roots: [root], tenant: 'default', trust: 'managed', id: 'uri' }] as const;
    const certificates = createCertificateVerifier({ agents: [], devices });
    const evidence = trustEnrolled({ certificates }, home);
    expect(() => evidence.certificates).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('the authority of a home', () => {
  it('is made once, whoever asks first, and has its key beside the others', async () => {
    using made = await madeHome();
    const home = made.open();
    const made1 = await authorityOfAgents(home);
    expect(await authorityOfAgents(made.open())).toEqual(made1);
    expect(keyFileState(home.layout, 'workload')).toBe('plain');
    expect(statSync(join(home.layout.keys, 'workload.key.pem')).mode & 0o777).toBe(0o600);
    expect((await changesOf(home)).map(({ kind }) => kind)).toEqual(['agent-authority-created']);
  });

  it('is in nobody’s trust root', async () => {
    using made = await madeHome();
    const home = made.open();
    await authorityOfAgents(home);
    const der = derOf(readFileSync(home.layout.workloadAuthority, 'utf8'));
    const root = readFileSync(home.layout.trustedRoot, 'utf8');
    expect(root).not.toContain(Buffer.from(parseCertificate(der).spki).toString('base64').slice(40, 100));
    expect(root).not.toContain(Buffer.from(der).toString('base64'));
  });

  it('is encrypted with the home’s keys, when it is made and when they are', async () => {
    using encrypted = await madeHome('one passphrase');
    await authorityOfAgents(encrypted.open());
    expect(keyFileState(encrypted.open().layout, 'workload')).toBe('encrypted');
    using plain = await madeHome();
    const { text } = await newJoinToken(plain.open(), 'planner', 10 * minutes);
    await encryptKeys(plain.open('later'));
    expect(keyFileState(plain.open().layout, 'workload')).toBe('encrypted');
    // The token is the same under another passphrase.
    await using gate = await enrollingGate(plain.open('later'));
    await gate.enrol({ csr: await csrOf(), joinToken: text });
  });

  it('refuses a certificate that is not of its key', async () => {
    using made = await madeHome();
    using other = await madeHome();
    await authorityOfAgents(made.open());
    await authorityOfAgents(other.open());
    writeFileSync(made.open().layout.workloadAuthority, readFileSync(other.open().layout.workloadAuthority));
    await expect(authorityOfAgents(made.open())).rejects.toMatchObject({ code: 'HOME_INVALID' });
  });

  it.each(['', '..', 'a/b', 'spiffe://example.org/agent/planner', 'GATE/../x'])(
    'certifies no agent named %j',
    async (name) => {
      using made = await madeHome();
      await expect(newJoinToken(made.open(), name, minutes)).rejects.toMatchObject({ code: 'USAGE' });
    },
  );
});
