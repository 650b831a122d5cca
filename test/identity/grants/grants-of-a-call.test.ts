import { beforeAll, describe, expect, it } from 'vitest';
import type { ApiKeyRecord } from '../../../src/identity/api-key.ts';
import type { Evidence } from '../../../src/identity/evidence.ts';
import type { Credentials, Principal } from '../../../src/identity/principal.ts';
import { refuseUnavailable } from '../../../src/identity/unavailable.ts';
import { createTokenVerifier } from '../../../src/identity/tokens/token-verifier.ts';
import { apiKey, authenticatorOfOneKey } from '../one-key.ts';
import {
  goodClaims,
  issuerName,
  keysOf,
  now,
  seconds,
  sign,
  testIssuer,
  testKey,
  type TestKey,
} from '../tokens/tokens.ts';
import {
  grantClaims,
  granterWith,
  handOn,
  heldBy,
  mailer,
  planner,
  signGrant,
  trusting,
} from './granting.ts';

let lead: TestKey;
let holder: TestKey;
let people: TestKey;
let evidence: Evidence;

beforeAll(async () => {
  [lead, holder, people] = await Promise.all([testKey('lead'), testKey('holder'), testKey('people')]);
  evidence = {
    humans: createTokenVerifier({ holder: 'HUMAN', version: '1', issuers: [testIssuer(keysOf(people))] }),
    granters: trusting(granterWith(lead)),
  };
});

async function authenticate(
  credentials: Omit<Credentials, 'apiKey'>,
  changes: Partial<ApiKeyRecord> = {},
  believed: Evidence = evidence,
): Promise<Principal> {
  const authenticator = authenticatorOfOneKey(believed, changes);
  return refuseUnavailable(authenticator).authenticate({ apiKey, ...credentials }, now);
}

const refusalOf = async (...given: Parameters<typeof authenticate>) =>
  (await authenticate(...given)).refusal?.code;

describe('a grant is for one agent alone', () => {
  it('refuses another agent that has copied it', async () => {
    const grant = await signGrant(lead);
    expect(await refusalOf({ grant }, { agents: ['thief'] })).toBe('GRANT_FOREIGN');
  });

  it('refuses the agent above with what was handed on, and the agent below with what was not', async () => {
    const parent = await signGrant(lead, grantClaims(heldBy(holder)));
    const part = await handOn(holder, parent);
    expect(await refusalOf({ grant: part })).toBe('GRANT_FOREIGN');
    expect(await refusalOf({ grant: parent }, { agents: ['mailer'] })).toBe('GRANT_FOREIGN');
    expect(await refusalOf({ grant: part }, { agents: ['mailer'] })).toBeUndefined();
  });

  it('refuses an agent of another tenant', async () => {
    expect(await refusalOf({ grant: await signGrant(lead) }, { tenant: 'other' })).toBe('GRANT_FOREIGN');
  });

  it('refuses an agent of the same name in another trust domain', async () => {
    const grant = await signGrant(lead, grantClaims({ sub: 'spiffe://other.test/agent/planner' }));
    expect(await refusalOf({ grant })).toBe('GRANT_FOREIGN');
  });

  it('refuses a key for several agents that does not say which of them calls', async () => {
    const grant = await signGrant(lead);
    expect(await refusalOf({ grant }, { agents: ['planner', 'mailer'] })).toBe('AGENT_PROOF_MISSING');
  });
});

describe('a grant that does not hold denies', () => {
  it.each(['', 'x', 'a.b.c'])('refuses what is no grant: “%s”', async (grant) => {
    expect(await refusalOf({ grant })).toBe('GRANT_INVALID');
  });

  it('refuses one where nobody’s grants count, as without it more would be allowed', async () => {
    expect(await refusalOf({ grant: await signGrant(lead) }, {}, {})).toBe('GRANT_FOREIGN');
  });

  it('refuses one that has ended', async () => {
    const grant = await signGrant(lead, grantClaims({ exp: seconds }));
    expect(await refusalOf({ grant })).toBe('GRANT_EXPIRED');
  });

  it('refuses when the granters cannot be read', async () => {
    const granters = () => {
      throw new Error('secret path');
    };
    await expect(authenticate({ grant: await signGrant(lead) }, {}, { granters })).rejects.toThrow();
  });

  it('refuses a call whose grant should be there and cannot be had', async () => {
    const grantUnavailable = { code: 'GRANT_INVALID', message: 'The file is not there.' } as const;
    expect(await refusalOf({ grantUnavailable })).toBe('GRANT_INVALID');
  });

  it('tells first what is wrong with the key’s holder', async () => {
    for (const grant of [await signGrant(lead), 'x'])
      expect(await refusalOf({ grant, humanToken: 'x' })).toBe('HUMAN_TOKEN_MALFORMED');
  });

  it('knows the agent all the same, so that the denial names it', async () => {
    expect((await authenticate({ grant: 'x' })).agent).toMatchObject({
      value: { id: planner },
      verified: true,
    });
  });
});

describe('an agent that acts under a grant alone', () => {
  const required = (): Evidence => ({ ...evidence, grantsRequired: ['planner', mailer] });

  it('may nothing without one', async () => {
    expect(await refusalOf({}, {}, required())).toBe('GRANT_MISSING');
    expect(await refusalOf({}, { agents: ['mailer'] }, required())).toBe('GRANT_MISSING');
    expect(await refusalOf({ humanToken: await sign(people) }, {}, required())).toBe('GRANT_MISSING');
  });

  it('counts with one, and others count without', async () => {
    expect(await refusalOf({ grant: await signGrant(lead) }, {}, required())).toBeUndefined();
    expect(await refusalOf({}, { agents: ['reader'] }, required())).toBeUndefined();
  });
});

describe('the grant of a person', () => {
  const person = (): Evidence => ({
    ...evidence,
    granters: trusting(granterWith(lead, { human: { issuer: issuerName, subject: 'ada' } })),
  });

  it('is for calls that are made for that person', async () => {
    const grant = await signGrant(lead);
    expect(await refusalOf({ grant, humanToken: await sign(people) }, {}, person())).toBeUndefined();
  });

  it('is for calls that are made for nobody', async () => {
    expect(await refusalOf({ grant: await signGrant(lead) }, {}, person())).toBeUndefined();
  });

  it('is not for calls that are made for another person', async () => {
    const humanToken = await sign(people, { ...goodClaims, sub: 'bob' });
    expect(await refusalOf({ grant: await signGrant(lead), humanToken }, {}, person())).toBe('GRANT_FOREIGN');
  });

  it('is not for calls that are made for a person of the same name elsewhere', async () => {
    const granters = trusting(granterWith(lead, { human: { issuer: 'https://other.test', subject: 'ada' } }));
    const given = { grant: await signGrant(lead), humanToken: await sign(people) };
    expect(await refusalOf(given, {}, { ...evidence, granters })).toBe('GRANT_FOREIGN');
  });

  it('is not for them further down the chain either', async () => {
    const part = await handOn(holder, await signGrant(lead, grantClaims(heldBy(holder))));
    const humanToken = await sign(people, { ...goodClaims, sub: 'bob' });
    expect(await refusalOf({ grant: part, humanToken }, { agents: ['mailer'] }, person())).toBe(
      'GRANT_FOREIGN',
    );
  });
});

describe('a principal under a grant', () => {
  it('is limited to the tools of each grant beside those of its key', async () => {
    const parent = await signGrant(lead, grantClaims(heldBy(holder)));
    const grant = await handOn(holder, parent, { tools: ['files/read_*'] });
    const { limits } = await authenticate({ grant }, { agents: ['mailer'], tools: ['files/*'] });
    expect(limits).toEqual([
      { by: 'api-key', tools: ['files/*'] },
      { by: 'grant', tools: ['files/*'] },
      { by: 'grant', tools: ['files/read_*'] },
    ]);
  });

  it('is limited to what the person’s token delegates as well, and ends with it', async () => {
    const humanToken = await sign(people, { ...goodClaims, exp: seconds + 50, authorization_details: [] });
    const { limits, expiresAt } = await authenticate({ grant: await signGrant(lead), humanToken });
    expect(limits).toEqual([
      { by: 'delegation', tools: [] },
      { by: 'grant', tools: ['files/*'] },
    ]);
    expect(expiresAt).toBe((seconds + 50) * 1_000);
  });

  it('ends with whatever ends first', async () => {
    const parent = await signGrant(lead, grantClaims({ ...heldBy(holder), exp: seconds + 100 }));
    const grant = await handOn(holder, parent, { exp: seconds + 200 });
    expect((await authenticate({ grant }, { agents: ['mailer'] })).expiresAt).toBe((seconds + 100) * 1_000);
    const notAfter = new Date((seconds + 50) * 1_000).toISOString();
    expect((await authenticate({ grant }, { agents: ['mailer'], notAfter })).expiresAt).toBe(
      (seconds + 50) * 1_000,
    );
  });

  it('has its grants, the root first', async () => {
    const grant = await handOn(holder, await signGrant(lead, grantClaims(heldBy(holder))));
    const { grants } = await authenticate({ grant }, { agents: ['mailer'] });
    expect(grants?.map(({ subject }) => subject)).toEqual([planner, mailer]);
    expect(grants?.[1]?.issuer).toBe(`sha256:${grants?.[0]?.sha256}`);
  });

  it('has none where none came', async () => {
    expect(await authenticate({})).not.toHaveProperty('grants');
  });
});
