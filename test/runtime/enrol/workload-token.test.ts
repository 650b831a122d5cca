import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import { identitySchema } from '../../../src/runtime/config/identity-schema.ts';
import { authorityOfAgents } from '../../../src/runtime/enrol/operate.ts';
import type { Home } from '../../../src/runtime/home/open-home.ts';
import { readIdentity } from '../../../src/runtime/serve/identity.ts';
import { madeHome } from '../made-home.ts';
import { agentIn, changesOf, csrOf, enrollingGate } from './enrolling.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-workload-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const issuer = 'https://idp.example.org';
const audience = 'https://gate.example.org';
const keys = await generateKeyPair('ES256');
const others = await generateKeyPair('ES256');
writeFileSync(
  join(folder, 'jwks.json'),
  JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }] }),
);

interface Claims {
  readonly client?: string;
  readonly tenant?: string;
  readonly signedBy?: typeof keys;
  readonly lifetime?: string;
  readonly more?: object;
}

/** A token of a program's own, by client credentials (RFC 9068). */
function token({
  client = 'planner-app',
  signedBy = keys,
  lifetime = '10m',
  more = {},
}: Claims = {}): Promise<string> {
  return new SignJWT({ client_id: client, ...more })
    .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(client)
    .setIssuedAt(Math.floor(Date.now() / 1_000) - 1_200)
    .setExpirationTime(lifetime)
    .sign(signedBy.privateKey);
}

/** Who is believed of workloads: one issuer, and which of its programs are which agents. */
function evidenceFor({ config }: Home, tenant = 'default') {
  const agents = {
    'planner-app': 'planner',
    'strange-app': 'spiffe://example.org/agent/planner',
    'gate-app': `spiffe://${config.trustDomain}/gate/local`,
  };
  const of = { issuer, keys: { file: 'jwks.json' }, algorithms: ['ES256'], tenant, agents };
  return readIdentity(identitySchema.parse({ audience, agents: [of] }), folder).evidence;
}

async function gateOf(home: Home, tenant?: string) {
  await authorityOfAgents(home);
  return enrollingGate(home, { evidence: evidenceFor(home, tenant) });
}

describe('a workload with a token of its own', () => {
  it('gets a certificate of the agent that the configuration makes of it; the log names who vouched', async () => {
    using made = await madeHome();
    const home = made.open();
    await using gate = await gateOf(home);
    const workloadToken = await token();
    const { certificate } = await gate.enrol({ csr: await csrOf(), workloadToken });
    expect(agentIn(certificate)).toBe(`spiffe://${home.config.trustDomain}/agent/planner`);
    const issued = (await changesOf(home)).at(-1);
    expect(issued).toMatchObject({ by: { kind: 'workload-token', issuer } });
    expect(JSON.stringify(issued)).not.toContain(workloadToken.split('.')[2]);
  });

  it.each<[string, Claims, string]>([
    ['that somebody else signed', { signedBy: others }, 'AGENT_TOKEN_SIGNATURE_INVALID'],
    ['that has ended', { lifetime: '-1m' }, 'AGENT_TOKEN_EXPIRED'],
    ['of a program that is no agent', { client: 'other-app' }, 'AGENT_TOKEN_SUBJECT_REFUSED'],
    ['of an agent of another trust domain', { client: 'strange-app' }, 'AGENT_REFUSED'],
    ['that a configuration takes for the gate’s own name', { client: 'gate-app' }, 'AGENT_REFUSED'],
    [
      'of a person who acts through the program',
      { more: { act: { sub: 'x' } } },
      'AGENT_TOKEN_SUBJECT_REFUSED',
    ],
    [
      'that is bound to a key it did not prove',
      { more: { cnf: { jkt: 'A'.repeat(43) } } },
      'AGENT_TOKEN_UNBOUND',
    ],
  ])('%s is refused', async (_, claims, code) => {
    using made = await madeHome();
    await using gate = await gateOf(made.open());
    await expect(
      gate.enrol({ csr: await csrOf(), workloadToken: await token(claims) }),
    ).rejects.toMatchObject({
      code,
    });
  });

  it('of another tenant is refused: certificates do not say of which one their agents are', async () => {
    using made = await madeHome();
    await using gate = await gateOf(made.open(), 'other');
    await expect(gate.enrol({ csr: await csrOf(), workloadToken: await token() })).rejects.toMatchObject({
      code: 'AGENT_TENANT_REFUSED',
    });
  });
});
