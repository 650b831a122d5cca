import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { readConfig } from '../../../src/runtime/config/read.ts';
import { readIdentity } from '../../../src/runtime/serve/identity.ts';
import {
  audience,
  goodClaims,
  issuerName,
  jwksOf,
  now,
  seconds,
  sign,
  testKey,
} from '../../identity/tokens/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-agents-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = await testKey('k1');
writeFileSync(join(folder, 'jwks.json'), jwksOf(key));
const bundle = {
  keys: [
    { ...key.jwk, alg: undefined, use: 'jwt-svid' },
    { ...key.jwk, use: 'x509-svid' },
  ],
};
writeFileSync(join(folder, 'bundle.json'), JSON.stringify(bundle));

const uid = '1c1f8e3a-8a0f-4b7e-9c5d-2f8a6b1e4d90';
const whole = `version: 1
identity:
  audience: ${audience}
  humans:
    - issuer: ${issuerName}
      keys: { file: jwks.json }
      algorithms: [ES256]
      actors: { planner-app: planner, buyer-app: spiffe://other.test/buyer }
  agents:
    - issuer: ${issuerName}
      keys: { file: jwks.json }
      algorithms: [ES256]
      agents: { planner-app: planner }
    - issuer: https://token.actions.githubusercontent.com
      preset: github
      keys: { url: https://token.actions.githubusercontent.com/.well-known/jwks }
      agents: { 74: release }
    - issuer: https://kubernetes.default.svc
      preset: kubernetes
      keys: { file: jwks.json }
      algorithms: [ES256]
      agents: { ${uid}: planner }
    - preset: spiffe
      trustDomain: plant.test
      keys: { file: bundle.json }
`;

const read = (text: string) => readConfig({ name: 'countersign.yaml', text, env: {} }).identity;

function refusal(text: string): string {
  try {
    readIdentity(read(text), folder);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('it was read');
}

describe('identity.agents', () => {
  it('has signatures as its presets have them, and a JWT-SVID’s issuer is its trust domain', () => {
    expect(read(whole)?.agents).toMatchObject([
      { preset: 'generic', algorithms: ['ES256'], agents: { 'planner-app': 'planner' } },
      { preset: 'github', algorithms: ['RS256'], agents: { '74': 'release' } },
      { preset: 'kubernetes' },
      { preset: 'spiffe', issuer: 'spiffe://plant.test', agents: {}, maxLifetime: 86_400_000 },
    ]);
    expect(read(whole)?.agents[3]?.algorithms).toContain('ES256');
  });

  it('comes to one verifier of programs’ tokens and of JWT-SVIDs', async () => {
    const { evidence, files } = readIdentity(read(whole), folder);
    expect(files).toContain(join(folder, 'bundle.json'));
    const program = await sign(key, { ...goodClaims, sub: 'planner-app', client_id: 'planner-app' });
    expect(await evidence.agents?.verify(program, 'default', now)).toMatchObject({
      value: { name: 'planner', issuer: issuerName, tenant: 'default' },
    });
    const claims = { sub: 'spiffe://plant.test/ns/ot/sa/planner', aud: audience, exp: seconds + 300 };
    const svid = await sign(key, claims, { typ: 'JWT' });
    expect(await evidence.agents?.verify(svid, 'default', now)).toMatchObject({
      value: { name: claims.sub, issuer: 'spiffe://plant.test', source: 'jwt-svid' },
    });
  });

  it('has people’s tokens say, by the names of their issuer, which agent acts', async () => {
    const { evidence } = readIdentity(read(whole), folder);
    const details = [{ type: 'countersign_tools', tools: ['files/*'], locations: [audience] }];
    const token = await sign(key, {
      ...goodClaims,
      act: { sub: 'buyer-app' },
      authorization_details: details,
    });
    expect((await evidence.humans?.verify(token, 'default', now))?.value.delegation).toEqual({
      actor: { name: 'spiffe://other.test/buyer' },
      limit: { by: 'delegation', tools: ['files/*'] },
    });
  });

  it.each([
    ['a repository by its name', '{ 74: release }', '{ acme/plant: release }', 'the id of a repository'],
    ['a service account by its name', `{ ${uid}: planner }`, '{ plant:planner: planner }', 'the uid of'],
    [
      'an agent that has no name',
      'planner-app: planner }\n    -',
      'planner-app: "a/b" }\n    -',
      'the name of an agent',
    ],
    [
      'an actor whose SPIFFE ID is none',
      'spiffe://other.test/buyer',
      'spiffe://other.test',
      'a whole SPIFFE ID',
    ],
    ['no agents', '      agents: { 74: release }\n', '', 'needs agents'],
    [
      'no issuer',
      `    - issuer: ${issuerName}\n      keys: { file: jwks.json }\n      algorithms: [ES256]\n      agents`,
      '    - keys: { file: jwks.json }\n      agents',
      'needs an issuer',
    ],
    ['JWT-SVIDs of nobody', '      trustDomain: plant.test\n', '', 'needs a trustDomain'],
    [
      'JWT-SVIDs that are mapped',
      'trustDomain: plant.test\n',
      'trustDomain: plant.test\n      agents: { a: b }\n',
      'not mapped',
    ],
    [
      'JWT-SVIDs with an issuer',
      'preset: spiffe\n',
      'preset: spiffe\n      issuer: https://x.test\n',
      'not told by JWT-SVIDs',
    ],
    [
      'JWT-SVIDs with Ed25519',
      'preset: spiffe\n',
      'preset: spiffe\n      algorithms: [EdDSA]\n',
      'RSA or ECDSA',
    ],
    [
      'a trust domain that is none',
      'trustDomain: plant.test',
      'trustDomain: spiffe://plant.test',
      'without spiffe://',
    ],
    [
      'a trust domain of others',
      'preset: github\n',
      'preset: github\n      trustDomain: x.test\n',
      'preset spiffe alone',
    ],
    [
      'tenants that no claim tells',
      'preset: kubernetes\n',
      'preset: kubernetes\n      tenants: { a: b }\n',
      'not told by tokens',
    ],
    ['a preset for people alone', 'preset: github', 'preset: google', 'agents.1.preset'],
    [
      'an assertion as a token',
      'preset: github\n',
      'preset: github\n      types: [oauth-id-jag+jwt]\n',
      'never for us',
    ],
    [
      'a security event as a token',
      'preset: github\n',
      'preset: github\n      types: application/SecEvent+JWT\n',
      'never for us',
    ],
    ['an issuer twice', 'https://kubernetes.default.svc', issuerName, 'has this name'],
    ['no audience', `  audience: ${audience}\n`, '', 'needs an audience'],
  ])('is refused for %s', (_, from, to, where) => {
    expect(whole).toContain(from);
    expect(refusal(whole.replace(from, to))).toContain(where);
  });
});
