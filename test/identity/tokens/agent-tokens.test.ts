import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import {
  agentPresets,
  type AgentPreset,
  type AgentPresetName,
} from '../../../src/identity/tokens/agent-presets.ts';
import { agentIdOf, isAgentName, trustDomainOf } from '../../../src/identity/agent-id.ts';
import { issuerPresets } from '../../../src/identity/tokens/issuer-presets.ts';
import { agentReader, svidReader, type ClaimedAgent } from '../../../src/identity/tokens/read-agent.ts';
import { humanReader } from '../../../src/identity/tokens/read-claims.ts';
import { tokenRefusals } from '../../../src/identity/tokens/token-fault.ts';
import {
  createTokenVerifier,
  type TokenIssuer,
  type TokenVerifier,
} from '../../../src/identity/tokens/token-verifier.ts';
import {
  audience,
  issuerName,
  keysOf,
  now,
  refused,
  seconds,
  sign,
  testIssuer,
  testKey,
  type Claims,
  type TestKey,
} from './tokens.ts';

const refuse = tokenRefusals('AGENT');
const uid = '1c1f8e3a-8a0f-4b7e-9c5d-2f8a6b1e4d90';

/** What each issuer gives to a program, as it documents that, and who the program is. */
const programs: readonly [preset: Exclude<AgentPresetName, 'spiffe'>, claims: JsonObject, program: string][] =
  [
    ['generic', { sub: 'planner-app', client_id: 'planner-app' }, 'planner-app'],
    ['entra', { sub: 'sp-1', oid: 'sp-1', azp: 'app-1', idtyp: 'app', tid: 't-1', roles: ['Call'] }, 'app-1'],
    ['entra', { sub: 'sp-1', oid: 'sp-1', appid: 'app-1', tid: 't-1' }, 'app-1'],
    [
      'entra',
      { sub: 'x', oid: 'u-1', azp: 'app-1', idtyp: 'user', scp: 'call', xms_sub_fct: '9 13' },
      'app-1',
    ],
    ['okta', { sub: '0oa1', cid: '0oa1', scp: ['call'] }, '0oa1'],
    ['auth0', { sub: 'app1@clients', azp: 'app1', gty: 'client-credentials' }, 'app1'],
    ['auth0', { sub: 'app1@clients', client_id: 'app1' }, 'app1'],
    [
      'keycloak',
      { sub: 'f1', azp: 'Planner', client_id: 'Planner', preferred_username: 'service-account-planner' },
      'Planner',
    ],
    [
      'github',
      { sub: 'repo:acme/plant:ref:refs/heads/main', repository: 'acme/plant', repository_id: '74' },
      '74',
    ],
    [
      'kubernetes',
      {
        sub: 'system:serviceaccount:plant:planner',
        'kubernetes.io': { namespace: 'plant', serviceaccount: { name: 'planner', uid } },
      },
      uid,
    ],
  ];

/** What the same issuers give to people who use the same program. */
const people: readonly [preset: Exclude<AgentPresetName, 'spiffe'>, claims: JsonObject, program: string][] = [
  ['generic', { sub: 'ada', client_id: 'planner-app' }, 'planner-app'],
  ['entra', { sub: 'pairwise', oid: 'u-1', azp: 'app-1', scp: 'call' }, 'app-1'],
  ['entra', { sub: 'pairwise', oid: 'u-1', azp: 'app-1', scp: 'call', idtyp: 'user' }, 'app-1'],
  ['entra', { sub: 'u-1', oid: 'u-1', azp: 'app-1', scp: 'call' }, 'app-1'],
  ['okta', { sub: 'ada@x.test', uid: '00u1', cid: '0oa1' }, '0oa1'],
  ['okta', { sub: '0oa1', uid: '00u1', cid: '0oa1' }, '0oa1'],
  ['auth0', { sub: 'auth0|1', azp: 'app1' }, 'app1'],
  ['auth0', { sub: 'auth0|1', azp: 'app1', gty: 'client-credentials' }, 'app1'],
  ['auth0', { sub: 'app1@clients', azp: 'app1', gty: 'password' }, 'app1'],
  ['keycloak', { sub: 'f2', azp: 'planner', preferred_username: 'ada' }, 'planner'],
  // Somebody who has chosen that name for an account.
  ['keycloak', { sub: 'f2', azp: 'planner', preferred_username: 'service-account-planner' }, 'planner'],
  ['kubernetes', { sub: 'ada', 'kubernetes.io': { serviceaccount: { uid } } }, uid],
];

const read = (name: AgentPresetName, claims: JsonObject, program: string): ClaimedAgent => {
  const preset: AgentPreset = agentPresets[name];
  const agents = new Map([[program, 'planner']]);
  return agentReader({ issuer: issuerName, preset, agents }, { tenant: 'default' })(claims, refuse);
};

describe('a program’s own token', () => {
  it.each(programs)('of %s says which agent it is: %j', (preset, claims, program) => {
    const agent = { name: 'planner', issuer: issuerName, tenant: 'default', source: 'token' };
    expect(read(preset, claims, program)).toEqual(agent);
  });

  it.each(programs)('of %s that is no agent here is refused', (preset, claims) => {
    expect(() => read(preset, claims, 'another')).toThrow(refused('AGENT_TOKEN_SUBJECT_REFUSED'));
  });

  it.each(programs)('of %s that was given to an actor speaks of its subject, who does not call', (...one) => {
    const [preset, claims, program] = one;
    expect(() => read(preset, { ...claims, act: { sub: 'mallory' } }, program)).toThrow(
      refused('AGENT_TOKEN_SUBJECT_REFUSED'),
    );
  });

  it.each(people)('of %s is not what a person has from the same program: %j', (preset, claims, program) => {
    expect(() => read(preset, claims, program)).toThrow(refused('AGENT_TOKEN_SUBJECT_REFUSED'));
  });

  it.each([
    ['GitHub names its repository alone, which can pass to others', 'github', { repository: 'acme/plant' }],
    ['GitHub has a number for the repository', 'github', { repository_id: 74 }],
    ['Kubernetes names its service account alone', 'kubernetes', { sub: 'system:serviceaccount:a:b' }],
  ] as const)('of %s is refused', (_, preset, claims) => {
    expect(() => read(preset, { sub: 'x', ...claims }, '74')).toThrow(refused('AGENT_TOKEN_CLAIMS_INVALID'));
  });

  it('is of the tenant that its claim says', () => {
    const tenancy = { tenant: 'default', tenants: new Map([['t-1', 'acme']]) };
    const reader = agentReader(
      { issuer: issuerName, preset: agentPresets.entra, agents: new Map([['app-1', 'planner']]) },
      tenancy,
    );
    const claims = { sub: 'sp', oid: 'sp', azp: 'app-1', idtyp: 'app' };
    expect(reader({ ...claims, tid: 't-1' }, refuse).tenant).toBe('acme');
    expect(() => reader({ ...claims, tid: 't-2' }, refuse)).toThrow(refused('AGENT_TOKEN_SUBJECT_REFUSED'));
  });

  it.each(programs.filter(([preset]) => preset in issuerPresets))(
    'of %s is no person’s: %j',
    (preset, claims) => {
      const shape = issuerPresets[preset as keyof typeof issuerPresets];
      expect(() =>
        humanReader(issuerName, shape, { tenant: 'default' })(claims, tokenRefusals('HUMAN')),
      ).toThrow(refused('HUMAN_TOKEN_SUBJECT_REFUSED'));
    },
  );

  it.each(['spiffe://plant.test/agent/planner', 'system:serviceaccount:plant:planner'])(
    'is no person’s of any issuer: %s',
    (sub) => {
      const reader = humanReader(issuerName, issuerPresets.generic, { tenant: 'default' });
      expect(() => reader({ sub }, tokenRefusals('HUMAN'))).toThrow(refused('HUMAN_TOKEN_SUBJECT_REFUSED'));
    },
  );
});

describe('a JWT-SVID', () => {
  const id = 'spiffe://plant.test/agent/planner';
  /** What a workload is issued: no `iss`, no `iat`. */
  const svid = { sub: id, aud: audience, exp: seconds + 300 };
  let key: TestKey;
  let other: TestKey;
  let verifier: TokenVerifier<ClaimedAgent>;

  const spiffe = (trustDomain: string, by: TestKey): TokenIssuer<ClaimedAgent> => ({
    ...testIssuer(keysOf(by)),
    issuer: `spiffe://${trustDomain}`,
    types: agentPresets.spiffe.types,
    trustDomain,
    mayOmitIssuedAt: true,
    read: svidReader(trustDomain, { tenant: 'default' }),
  });
  const svidOf = (claims: Claims = svid, header: Claims = {}, by = key): Promise<string> =>
    sign(by, claims, { typ: undefined, ...header });
  const verify = async (token: Promise<string>) => verifier.verify(await token, 'default', now);

  beforeAll(async () => {
    [key, other] = await Promise.all([testKey('k1'), testKey('k1')]);
    verifier = createTokenVerifier({
      holder: 'AGENT',
      version: '1',
      issuers: [spiffe('plant.test', key), spiffe('other.test', other)],
    });
  });

  it.each([{}, { typ: 'JWT' }, { typ: 'JOSE' }])(
    'is the agent of its subject, with the header %j',
    async (header) => {
      expect(await verify(svidOf(svid, header))).toMatchObject({
        value: { name: id, issuer: 'spiffe://plant.test', source: 'jwt-svid' },
        expiresAt: (seconds + 300) * 1_000,
        binding: 'none',
      });
    },
  );

  it('may say who issued it, and since when: its keys are those of its trust domain', async () => {
    const claims = { ...svid, iss: 'https://spire.test', iat: seconds };
    await expect(verify(svidOf(claims))).resolves.toBeDefined();
  });

  it.each<[string, Claims, string]>([
    ['has no audience', { aud: undefined }, 'CLAIMS_INVALID'],
    ['is for somebody else', { aud: 'https://other.test' }, 'AUDIENCE_REFUSED'],
    ['does not end', { exp: undefined }, 'CLAIMS_INVALID'],
    ['has ended', { exp: seconds }, 'EXPIRED'],
    ['lives longer from now on than tokens may', { exp: seconds + 3_601 }, 'CLAIMS_INVALID'],
    ['was issued longer ago than tokens live', { iat: seconds - 3_600 }, 'CLAIMS_INVALID'],
    ['does not count yet', { nbf: seconds + 31 }, 'NOT_YET_VALID'],
    [
      'is of another trust domain, with this one’s keys',
      { sub: 'spiffe://other.test/agent/planner' },
      'SIGNATURE_INVALID',
    ],
    [
      'is of a trust domain that nobody believes',
      { sub: 'spiffe://evil.test/agent/planner' },
      'ISSUER_UNKNOWN',
    ],
    ['is of the trust domain itself', { sub: 'spiffe://plant.test' }, 'ISSUER_UNKNOWN'],
    ['climbs in its path', { sub: 'spiffe://plant.test/agent/../gate/1' }, 'ISSUER_UNKNOWN'],
    ['has its trust domain in capitals', { sub: 'spiffe://PLANT.test/agent/planner' }, 'ISSUER_UNKNOWN'],
    ['has a port', { sub: 'spiffe://plant.test:8443/agent/planner' }, 'ISSUER_UNKNOWN'],
    ['has a user', { sub: 'spiffe://other.test@plant.test/agent/planner' }, 'ISSUER_UNKNOWN'],
    ['has a query', { sub: `${id}?x` }, 'ISSUER_UNKNOWN'],
    ['has a subject that is no text', { sub: [id] }, 'ISSUER_UNKNOWN'],
    ['was given to an actor', { act: { sub: 'x' } }, 'SUBJECT_REFUSED'],
    ['is bound to a key', { cnf: { kid: 'x' } }, 'UNBOUND'],
  ])('is refused that %s', async (_, changes, fault) => {
    await expect(verify(svidOf({ ...svid, ...changes }))).rejects.toThrow(refused(`AGENT_TOKEN_${fault}`));
  });

  it.each(['at+jwt', 'oauth-id-jag+jwt', 'wit+jwt'])('is not of the type %s', async (typ) => {
    await expect(verify(svidOf(svid, { typ }))).rejects.toThrow(refused('AGENT_TOKEN_TYPE_REFUSED'));
  });

  it('has RSA or ECDSA, and no other signature (JWT-SVID §2.1)', () => {
    expect(agentPresets.spiffe.algorithms).toEqual(
      ['RS', 'PS', 'ES'].flatMap((kind) => ['256', '384', '512'].map((bits) => kind + bits)),
    );
  });

  it('is not what an issuer has made that names agents in its own way', async () => {
    const mine = createTokenVerifier({
      holder: 'AGENT',
      version: '1',
      issuers: [
        spiffe('plant.test', key),
        {
          ...testIssuer(keysOf(other)),
          read: agentReader(
            { issuer: issuerName, preset: agentPresets.generic, agents: new Map() },
            { tenant: 'default' },
          ),
        },
      ],
    });
    const claims = { ...svid, iss: issuerName, iat: seconds };
    const token = await sign(other, claims, { typ: 'at+jwt' });
    await expect(mine.verify(token, 'default', now)).rejects.toThrow(refused('AGENT_TOKEN_SUBJECT_REFUSED'));
  });
});

describe('the name of an agent', () => {
  it('is a last segment under the home’s trust domain, or a whole SPIFFE ID', () => {
    expect(agentIdOf('planner', 'plant.test')).toBe('spiffe://plant.test/agent/planner');
    expect(agentIdOf('spiffe://other.test/x', 'plant.test')).toBe('spiffe://other.test/x');
    for (const name of ['planner', 'a.b-c_D', 'spiffe://other.test/x/y'])
      expect(isAgentName(name)).toBe(true);
    for (const name of ['', '.', '..', 'a/b', 'a b', 'ä', 'spiffe://', 'spiffe://x', 'spiffe://x/', 'a\n'])
      expect(isAgentName(name)).toBe(false);
  });

  it('has the trust domain that a URL parser finds, or none', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^spiffe:\/\/[a-z.]{1,8}[/:@?#%A-Z][a-z./%?#@]{0,8}$/), (text) => {
        const trustDomain = trustDomainOf(text);
        if (trustDomain === undefined) return;
        expect(new URL(text).host).toBe(trustDomain);
        expect(new URL(text).href).toBe(text);
      }),
    );
  });
});
