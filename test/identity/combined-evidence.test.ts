import { beforeAll, describe, expect, it } from 'vitest';
import type { ApiKeyRecord } from '../../src/identity/api-key.ts';
import type { Credentials } from '../../src/identity/principal.ts';
import {
  authenticate,
  buyer,
  certified,
  mdm,
  mdmKey,
  ofProgram,
  over,
  people,
  planner,
  posture,
  programs,
  setUp,
  several,
  svid,
  svidOf,
  trustDomain,
} from './believed.ts';
import { goodClaims, issuerName, now, seconds, sign, testKey, type Claims } from './tokens/tokens.ts';

beforeAll(setUp);

describe('which agent calls', () => {
  it('is the one of a key that has one', async () => {
    expect((await authenticate({})).agent).toMatchObject({
      value: { id: planner, issuer: `spiffe://${trustDomain}`, binding: 'none' },
      source: 'api-key',
      verified: true,
    });
  });

  it('has to be proven of a key that has several', async () => {
    const alone = await authenticate({}, several);
    expect(alone).toMatchObject({ refusal: { code: 'AGENT_PROOF_MISSING' }, agent: { verified: false } });
    const humanToken = await sign(people);
    expect((await authenticate({ humanToken }, several)).refusal?.code).toBe('AGENT_PROOF_MISSING');
    const agentToken = await sign(programs, ofProgram);
    expect((await authenticate({ agentToken }, several, {})).refusal?.code).toBe('AGENT_PROOF_MISSING');
  });

  it('is proven by a token that its issuer gave it', async () => {
    const agentToken = await sign(programs, ofProgram);
    expect(await authenticate({ agentToken }, several)).toMatchObject({
      agent: { value: { id: planner, issuer: issuerName, binding: 'none' }, source: 'token', verified: true },
      expiresAt: (seconds + 600) * 1_000,
    });
  });

  it('is proven by a JWT-SVID', async () => {
    expect((await authenticate({ agentToken: await svidOf() }, several)).agent).toMatchObject({
      value: { id: planner, issuer: `spiffe://${trustDomain}`, binding: 'none' },
      source: 'jwt-svid',
    });
  });

  it('is proven by the certificate of the connection', async () => {
    expect(await authenticate({ peer: over(certified.buyer) }, several)).toMatchObject({
      agent: { value: { id: buyer, binding: 'mtls' }, source: 'certificate', verified: true },
      expiresAt: now + 60_000,
    });
  });

  it('is what a trusted proxy says of the connection before it, and never the proxy itself', async () => {
    const header = `:${Buffer.from(certified.buyer.der).toString('base64')}:`;
    const proxied = { ...over(certified.planner), address: '192.0.2.1', forwardedCertificate: header };
    expect((await authenticate({ peer: proxied }, several)).agent.value).toMatchObject({ id: buyer });
    const silent = { ...over(certified.planner), address: '192.0.2.1' };
    expect((await authenticate({ peer: silent }, several)).refusal?.code).toBe('AGENT_PROOF_MISSING');
    const spoofed = { address: '203.0.113.9', forwardedCertificate: header };
    expect((await authenticate({ peer: spoofed }, several)).refusal?.code).toBe('AGENT_PROOF_MISSING');
  });

  it('is certified where certificate and token agree', async () => {
    const proofs = { peer: over(certified.planner), agentToken: await svidOf() };
    const { agent, expiresAt } = await authenticate(proofs, several);
    expect(agent).toMatchObject({ value: { id: planner, binding: 'mtls' }, source: 'certificate' });
    expect(expiresAt).toBe(now + 60_000);
  });

  it('is nobody the call may be denied in the name of, when its proof does not hold', async () => {
    const stranger = await testKey('programs');
    const cases: readonly [code: string, credentials: Omit<Credentials, 'apiKey'>, Partial<ApiKeyRecord>?][] =
      [
        [
          'AGENT_REFUSED',
          { agentToken: await sign(programs, { ...ofProgram, sub: 'buyer-app', client_id: 'buyer-app' }) },
        ],
        ['AGENT_REFUSED', { peer: over(certified.buyer) }],
        ['AGENT_REFUSED', { agentToken: await svidOf({ ...svid, sub: `spiffe://${trustDomain}/planner` }) }],
        ['AGENTS_DIFFER', { peer: over(certified.buyer), agentToken: await svidOf() }, several],
        ['AGENT_TENANT_REFUSED', { peer: over(certified.foreign) }, several],
        ['AGENT_TENANT_REFUSED', { agentToken: await svidOf() }, { tenant: 'acme' }],
        ['CERTIFICATE_UNTRUSTED', { peer: over(certified.stranger) }],
        ['CERTIFICATE_MALFORMED', { peer: { certificate: Uint8Array.of(1, 2, 3) } }],
        ['CERTIFICATE_MALFORMED', { peer: { address: '192.0.2.1', forwardedCertificate: 'planner' } }],
        ['AGENT_TOKEN_SIGNATURE_INVALID', { agentToken: await sign(stranger, ofProgram) }],
        ['AGENT_TOKEN_SUBJECT_REFUSED', { agentToken: await sign(programs, { ...ofProgram, sub: 'ada' }) }],
        ['AGENT_TOKEN_KEY_UNKNOWN', { agentToken: await sign(people) }],
      ];
    for (const [code, credentials, changes] of cases) {
      const principal = await authenticate(credentials, changes);
      expect(principal, code).toMatchObject({ refusal: { code }, agent: { verified: false } });
      for (const name of ['human', 'device', 'expiresAt']) expect(principal).not.toHaveProperty(name);
    }
  });
});

describe('whom a person’s token lets act', () => {
  it.each<[string, Claims, string | undefined]>([
    ['anybody, when it says nothing', {}, undefined],
    ['the agent that it names', { act: { sub: 'planner-app' } }, undefined],
    ['the agent, by its SPIFFE ID', { act: { sub: planner } }, undefined],
    ['the agent that may act', { may_act: { sub: 'planner-app' } }, undefined],
    ['not another agent', { act: { sub: buyer } }, 'ACTOR_REFUSED'],
    ['not another that may act', { may_act: { sub: 'portal' } }, 'ACTOR_REFUSED'],
    ['not whom the actor had it from', { act: { sub: 'portal', act: { sub: planner } } }, 'ACTOR_REFUSED'],
    ['not whoever may act besides', { act: { sub: 'portal' }, may_act: { sub: planner } }, 'ACTOR_REFUSED'],
    ['nobody whom its issuer cannot speak of', { act: { sub: 'planner-app', iss: mdm } }, 'ACTOR_REFUSED'],
    ['nobody, when it cannot be read', { act: 'planner-app' }, 'HUMAN_TOKEN_CLAIMS_INVALID'],
  ])('is %s', async (_, claims, code) => {
    const humanToken = await sign(people, { ...goodClaims, ...claims });
    const principal = await authenticate({ humanToken });
    expect(principal.refusal?.code).toBe(code);
    expect(principal.human === undefined).toBe(code !== undefined);
    expect(principal.agent.verified).toBe(true);
  });

  it('is told as the issuer tells it, and what we make of it is not', async () => {
    const act = { sub: 'planner-app', act: { sub: 'portal', iss: mdm } };
    const { human } = await authenticate({ humanToken: await sign(people, { ...goodClaims, act }) });
    expect(human?.value.act).toEqual([{ subject: 'planner-app' }, { issuer: mdm, subject: 'portal' }]);
    expect(human?.value).not.toHaveProperty('delegation');
  });
});

describe('what is left of an agent’s tools', () => {
  it('is what key and person both leave', async () => {
    const details = [{ type: 'countersign_tools', tools: ['files/read_*'] }];
    const humanToken = await sign(people, { ...goodClaims, authorization_details: details });
    expect((await authenticate({ humanToken }, { tools: ['files/*'] })).limits).toEqual([
      { by: 'api-key', tools: ['files/*'] },
      { by: 'delegation', tools: ['files/read_*'] },
    ]);
    expect(await authenticate({})).not.toHaveProperty('limits');
  });

  it('is nothing where the person’s token has details for others alone', async () => {
    const humanToken = await sign(people, { ...goodClaims, authorization_details: [{ type: 'payment' }] });
    expect((await authenticate({ humanToken })).limits).toEqual([{ by: 'delegation', tools: [] }]);
  });
});

describe('which device calls', () => {
  it('is proven by the certificate of the connection', async () => {
    expect((await authenticate({ peer: over(certified.device) })).device).toMatchObject({
      value: { id: 'urn:device:7', trust: 'certified' },
      source: 'certificate',
      verified: true,
    });
  });

  it('has the trust of its posture token, where both are of it', async () => {
    const deviceToken = await sign(mdmKey, posture);
    const { device, expiresAt } = await authenticate({ deviceToken, peer: over(certified.device) });
    expect(device).toMatchObject({
      value: { id: 'urn:device:7', trust: 'managed' },
      source: 'posture-token',
    });
    expect(expiresAt).toBe(now + 60_000);
  });

  it('is refused where certificate and token are of two', async () => {
    const deviceToken = await sign(mdmKey, { ...posture, sub: 'urn:device:8' });
    const { refusal } = await authenticate({ deviceToken, peer: over(certified.device) });
    expect(refusal?.code).toBe('DEVICE_TOKEN_SUBJECT_REFUSED');
  });

  it('is refused where its certificate is of another tenant', async () => {
    const { refusal } = await authenticate({ peer: over(certified.device) }, { tenant: 'acme' });
    expect(refusal?.code).toBe('DEVICE_TENANT_REFUSED');
  });

  it('proves no agent', async () => {
    const { refusal } = await authenticate({ peer: over(certified.device) }, several);
    expect(refusal?.code).toBe('AGENT_PROOF_MISSING');
  });
});
