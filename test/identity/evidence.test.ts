import { beforeAll, describe, expect, it } from 'vitest';
import { apiKeyDigest, newApiKey, type ApiKeyRecord } from '../../src/identity/api-key.ts';
import { createAuthenticator } from '../../src/identity/authenticate.ts';
import type { Evidence } from '../../src/identity/evidence.ts';
import { createNetworkMap } from '../../src/identity/network.ts';
import { assertAdmitted, type Credentials, type Principal } from '../../src/identity/principal.ts';
import { deviceReader } from '../../src/identity/tokens/read-claims.ts';
import { createTokenVerifier } from '../../src/identity/tokens/token-verifier.ts';
import {
  audience,
  goodClaims,
  keysOf,
  now,
  refused,
  seconds,
  sign,
  testIssuer,
  testKey,
  type TestKey,
} from './tokens/tokens.ts';

const pepper = new Uint8Array(32);
const apiKey = newApiKey();
const mdm = 'https://mdm.test';
const posture = {
  iss: mdm,
  sub: 'hmi-7',
  aud: audience,
  iat: seconds - 60,
  exp: seconds + 300,
  trust: 'managed',
};

let people: TestKey;
let devices: TestKey;
let evidence: Evidence;
let asked = 0;

beforeAll(async () => {
  people = await testKey('people');
  devices = await testKey('devices');
  const keys = keysOf(people);
  evidence = {
    humans: createTokenVerifier({
      holder: 'HUMAN',
      version: '1',
      issuers: [
        testIssuer({
          find: (question, at) => {
            asked += 1;
            return keys.find(question, at);
          },
        }),
      ],
    }),
    devices: createTokenVerifier({
      holder: 'DEVICE',
      version: '1',
      issuers: [
        {
          ...testIssuer(keysOf(devices)),
          issuer: mdm,
          read: deviceReader({ trust: '/trust', tenant: '/org' }, { tenant: 'default' }),
        },
      ],
    }),
    network: createNetworkMap({
      zones: new Map([['ot-control', ['10.20.0.0/16']]]),
      trustedProxies: ['192.0.2.1'],
    }),
  };
});

function authenticate(
  credentials: Omit<Credentials, 'apiKey'>,
  changes: Partial<ApiKeyRecord> = {},
  believed: Evidence = evidence,
): Principal | Promise<Principal> {
  const digest = apiKeyDigest(apiKey, pepper);
  const record: ApiKeyRecord = {
    id: 'key-1',
    digest,
    pepperVersion: 1,
    tenant: 'default',
    agents: ['agent'],
    status: 'active',
    createdAt: '2026-01-01T00:00:00Z',
    ...changes,
  };
  const keys = { peppers: () => [{ version: 1, secret: pepper }], find: () => record };
  return createAuthenticator({ keys, trustDomain: 'plant.test', evidence: believed }).authenticate(
    { apiKey, ...credentials },
    now,
  );
}

describe('a principal', () => {
  it('has what was proven, and from where each is known', async () => {
    const observedAt = new Date(now).toISOString();
    expect(
      await authenticate({
        humanToken: await sign(people),
        deviceToken: await sign(devices, posture),
        peer: { address: '10.20.0.7' },
      }),
    ).toMatchObject({
      human: {
        value: { subject: 'ada', roles: ['ot.operator'] },
        source: 'token',
        verified: true,
        observedAt,
      },
      device: {
        value: { id: 'hmi-7', trust: 'managed' },
        source: 'posture-token',
        verified: true,
        observedAt,
      },
      network: {
        value: { ip: '10.20.0.7', zone: 'ot-control' },
        source: 'socket',
        verified: true,
        observedAt,
      },
    });
  });

  it('ends with the first of its credentials', async () => {
    const humanToken = await sign(people);
    const deviceToken = await sign(devices, posture);
    expect((await authenticate({ humanToken })).expiresAt).toBe((seconds + 600) * 1_000);
    expect((await authenticate({ humanToken, deviceToken })).expiresAt).toBe((seconds + 300) * 1_000);
    const notAfter = new Date(now + 5_000).toISOString();
    expect((await authenticate({ humanToken, deviceToken }, { notAfter })).expiresAt).toBe(now + 5_000);
    expect(await authenticate({})).not.toHaveProperty('expiresAt');
  });

  it('of an API key alone is there at once, and has nothing else', () => {
    const principal = authenticate({}) as Principal;
    expect(principal).toMatchObject({ apiKeyId: 'key-1' });
    for (const name of ['human', 'device', 'network', 'refusal']) expect(principal).not.toHaveProperty(name);
  });

  it('has no human, device or network where nobody is believed about them', async () => {
    const peer = { address: '10.20.0.7' };
    const principal = await authenticate({ humanToken: 'x.y.z', deviceToken: 'x', peer }, {}, {});
    for (const name of ['human', 'device', 'network', 'refusal']) expect(principal).not.toHaveProperty(name);
  });
});

describe('a genuine key', () => {
  it.each([
    ['from the networks that it is for', { address: '10.20.0.7' }, true],
    ['through a trusted proxy there', { address: '192.0.2.1', forwardedFor: '10.20.0.7' }, true],
    ['from elsewhere', { address: '203.0.113.9' }, false],
    [
      'from elsewhere with a header that claims otherwise',
      { address: '203.0.113.9', forwardedFor: '10.20.0.7' },
      false,
    ],
    [
      'through a proxy that tells the truth',
      { address: '192.0.2.1', forwardedFor: '10.20.0.7, 203.0.113.9' },
      false,
    ],
    ['over a unix socket', {}, false],
    ['from nowhere', undefined, false],
  ])('%s', async (_, peer, counts) => {
    const principal = await authenticate({ peer }, { cidrs: ['10.20.0.0/16'] });
    expect(principal.refusal?.code).toBe(counts ? undefined : 'KEY_NETWORK_REFUSED');
    if (!counts) expect(() => assertAdmitted(principal)).toThrow(refused('KEY_NETWORK_REFUSED'));
  });

  it('that is for some networks counts nowhere when networks cannot be told', async () => {
    const principal = await authenticate({ peer: { address: '10.20.0.7' } }, { cidrs: ['10.20.0.0/16'] }, {});
    expect(principal.refusal?.code).toBe('KEY_NETWORK_REFUSED');
  });

  it('from elsewhere has no issuer asked, and its place stated', async () => {
    const before = asked;
    const humanToken = await sign(people, { ...goodClaims, jti: 'unseen' });
    const principal = await authenticate(
      { humanToken, peer: { address: '203.0.113.9' } },
      { cidrs: ['10.20.0.0/16'] },
    );
    expect(principal).toMatchObject({ network: { value: { ip: '203.0.113.9', zone: 'unknown' } } });
    expect(principal).not.toHaveProperty('human');
    expect(asked).toBe(before);
  });

  it('with a token that does not hold is known and refused, and nothing of the token is kept', async () => {
    const stranger = await testKey('people');
    const cases: readonly [string, Omit<Credentials, 'apiKey'>][] = [
      ['HUMAN_TOKEN_SIGNATURE_INVALID', { humanToken: await sign(stranger) }],
      ['HUMAN_TOKEN_EXPIRED', { humanToken: await sign(people, { ...goodClaims, exp: seconds - 1 }) }],
      ['HUMAN_TOKEN_MALFORMED', { humanToken: apiKey }],
      ['HUMAN_TOKEN_ISSUER_UNKNOWN', { humanToken: await sign(devices, posture) }],
      ['DEVICE_TOKEN_ISSUER_UNKNOWN', { deviceToken: await sign(people) }],
      ['DEVICE_TOKEN_AUDIENCE_REFUSED', { deviceToken: await sign(devices, { ...posture, aud: 'x' }) }],
    ];
    for (const [code, credentials] of cases) {
      const principal = await authenticate(credentials);
      expect(principal.refusal).toMatchObject({ code });
      expect(JSON.stringify(principal)).not.toContain('eyJ');
      expect(principal).not.toHaveProperty('human');
      expect(principal).not.toHaveProperty('device');
    }
  });

  it('of another tenant than its human or its device is refused', async () => {
    const tokens = { humanToken: await sign(people), deviceToken: await sign(devices, posture) };
    expect((await authenticate({ humanToken: tokens.humanToken }, { tenant: 'other' })).refusal?.code).toBe(
      'HUMAN_TENANT_REFUSED',
    );
    expect((await authenticate({ deviceToken: tokens.deviceToken }, { tenant: 'other' })).refusal?.code).toBe(
      'DEVICE_TENANT_REFUSED',
    );
  });
});

describe('a key that is not genuine', () => {
  it('is nobody’s, whatever else comes with it', async () => {
    const humanToken = await sign(people);
    expect(() => authenticate({ humanToken }, { status: 'revoked' })).toThrow(refused('API_KEY_REVOKED'));
  });
});
