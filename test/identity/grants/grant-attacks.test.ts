import { beforeAll, describe, expect, it } from 'vitest';
import { base64url, utf8 } from '../../../src/call/bytes.ts';
import { fromBase64url } from '../../../src/identity/tokens/compact-jws.ts';
import { createGrantVerifier } from '../../../src/identity/grants/grant-verifier.ts';
import { grantLimits, grantType } from '../../../src/identity/grants/grant.ts';
import { now, refused, seconds, signRaw, testKey, type TestKey } from '../tokens/tokens.ts';
import { grantClaims, granterWith, handOn, heldBy, planner, signGrant, trusting } from './granting.ts';

let lead: TestKey;
let holder: TestKey;
let thief: TestKey;

beforeAll(async () => {
  [lead, holder, thief] = await Promise.all([testKey('lead'), testKey('holder'), testKey('thief')]);
});

const month = 31 * 86_400;

const verify = (text: string, at = now) => createGrantVerifier(trusting(granterWith(lead))).verify(text, at);

describe('a grant counts only if its granter made it', () => {
  it('refuses one of nobody who is known', async () => {
    await expect(verify(await signGrant(lead, grantClaims({ iss: 'somebody' })))).rejects.toEqual(
      refused('GRANT_FOREIGN'),
    );
  });

  it('refuses one that another key has signed', async () => {
    const forged = await signGrant(thief, grantClaims(), { kid: lead.id });
    await expect(verify(forged)).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it('refuses one that nobody has signed, whatever its algorithm says', async () => {
    const [, payload, signature] = (await signGrant(lead)).split('.');
    for (const alg of ['none', 'HS256', 'RS256']) {
      const header = base64url(utf8(JSON.stringify({ alg, typ: grantType })));
      for (const last of ['', signature])
        await expect(verify(`${header}.${payload}.${last}`)).rejects.toEqual(refused('GRANT_INVALID'));
    }
  });

  it('refuses one that brings its key along', async () => {
    const forged = await signGrant(thief, grantClaims(), { jwk: thief.jwk });
    await expect(verify(forged)).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it('refuses a token that was made for something else', async () => {
    for (const typ of ['JWT', 'at+jwt', undefined])
      await expect(verify(await signGrant(lead, grantClaims(), { typ }))).rejects.toEqual(
        refused('GRANT_INVALID'),
      );
  });

  it('refuses claims that were changed under a signature that is known', async () => {
    const good = await signGrant(lead);
    const verifier = createGrantVerifier(trusting(granterWith(lead)));
    await verifier.verify(good, now);
    const [header, , signature] = good.split('.');
    const changed = base64url(utf8(JSON.stringify(grantClaims({ tools: ['*/*'] }))));
    await expect(verifier.verify(`${header}.${changed}.${signature}`, now)).rejects.toEqual(
      refused('GRANT_INVALID'),
    );
  });

  it('refuses one whose granter is trusted no more, though it was verified before', async () => {
    const good = await signGrant(lead);
    let granters = trusting(granterWith(lead));
    const verifier = createGrantVerifier(() => granters());
    await verifier.verify(good, now);
    granters = trusting();
    await expect(verifier.verify(good, now)).rejects.toEqual(refused('GRANT_FOREIGN'));
  });

  it('refuses one for agents of a tenant in which the granter has no say', async () => {
    const abroad = await signGrant(lead, grantClaims({ tenant: 'other' }));
    await expect(verify(abroad)).rejects.toEqual(refused('GRANT_FOREIGN'));
  });
});

describe('a grant has its time', () => {
  it.each([
    ['has ended', { exp: seconds }, 'GRANT_EXPIRED'],
    ['begins later', { nbf: seconds + 120 }, 'GRANT_INVALID'],
    ['was made in the future', { iat: seconds + 120 }, 'GRANT_INVALID'],
    ['was made in the future, and began before', { iat: seconds + 120, nbf: seconds - 60 }, 'GRANT_INVALID'],
    ['lives a second longer than a month', { iat: seconds, exp: seconds + month + 1 }, 'GRANT_INVALID'],
    ['never ends', { exp: undefined }, 'GRANT_INVALID'],
    ['ends before it begins', { exp: seconds - 120 }, 'GRANT_INVALID'],
  ])('refuses one that %s', async (_, changes, code) => {
    await expect(verify(await signGrant(lead, grantClaims(changes)))).rejects.toEqual(refused(code));
  });

  it('may live for a month', async () => {
    const text = await signGrant(lead, grantClaims({ iat: seconds, exp: seconds + month }));
    expect((await verify(text)).grants).toHaveLength(1);
  });

  it('ends exactly then, though it was verified before', async () => {
    const verifier = createGrantVerifier(trusting(granterWith(lead)));
    const text = await signGrant(lead, grantClaims({ exp: seconds + 60 }));
    await verifier.verify(text, now + 59_999);
    await expect(verifier.verify(text, now + 60_000)).rejects.toEqual(refused('GRANT_EXPIRED'));
  });

  it('ends with the grant above it', async () => {
    const parent = await signGrant(lead, grantClaims({ ...heldBy(holder), exp: seconds + 60 }));
    const longer = await handOn(holder, parent, { exp: seconds + 3_600 });
    await expect(verify(longer, now + 60_000)).rejects.toEqual(refused('GRANT_EXPIRED'));
  });
});

describe('a grant is handed on only by its holder', () => {
  it('refuses what another key has handed on', async () => {
    const parent = await signGrant(lead, grantClaims(heldBy(holder)));
    for (const key of [thief, lead])
      await expect(verify(await handOn(key, parent))).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it('refuses what was handed on of a grant that nobody may hand on', async () => {
    const parent = await signGrant(lead);
    await expect(verify(await handOn(lead, parent))).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it('refuses a grandchild that the grandparent’s holder has signed', async () => {
    const root = await signGrant(lead, grantClaims(heldBy(holder)));
    const last = await handOn(holder, root);
    await expect(verify(await handOn(holder, last, { jti: 'part-2' }))).rejects.toEqual(
      refused('GRANT_INVALID'),
    );
  });

  it('refuses one that names another grant than the one that it carries', async () => {
    const [one, other] = await Promise.all([
      signGrant(lead, grantClaims(heldBy(holder))),
      signGrant(lead, grantClaims({ ...heldBy(holder), jti: 'task-2' })),
    ]);
    await expect(verify(await handOn(holder, one, { parent: other }))).rejects.toEqual(
      refused('GRANT_INVALID'),
    );
  });

  it('refuses one without a parent that names its holder as granter', async () => {
    const alone = await handOn(holder, 'x', { parent: undefined });
    await expect(verify(alone)).rejects.toEqual(refused('GRANT_FOREIGN'));
  });

  it('refuses one that goes to another tenant', async () => {
    const parent = await signGrant(lead, grantClaims(heldBy(holder)));
    await expect(verify(await handOn(holder, parent, { tenant: 'other' }))).rejects.toEqual(
      refused('GRANT_FOREIGN'),
    );
  });

  it('refuses a chain that is too deep, before any signature is looked at', async () => {
    let text = await signGrant(lead, grantClaims(heldBy(holder)));
    for (let level = 1; level < grantLimits.depth; level += 1)
      text = await handOn(holder, text, { jti: `part-${level}`, ...heldBy(holder) });
    expect((await verify(text)).grants).toHaveLength(grantLimits.depth);
    await expect(verify(await handOn(holder, text, { jti: 'one-more' }))).rejects.toEqual(
      refused('GRANT_INVALID'),
    );
  });

  it('refuses a chain that is too long', async () => {
    const parent = await signGrant(lead, grantClaims({ ...heldBy(holder), request: 'x'.repeat(8_000) }));
    const long = await handOn(holder, parent, {
      request: 'x'.repeat(8_000),
      when: ['a'.repeat(4_000), 'b'.repeat(4_000)],
    });
    expect(long.length).toBeGreaterThan(grantLimits.length);
    await expect(verify(long)).rejects.toEqual(refused('GRANT_INVALID'));
  });
});

describe('what is handed on is never more', () => {
  it('keeps the narrower one beside what claims to be wider', async () => {
    const parent = await signGrant(
      lead,
      grantClaims({
        ...heldBy(holder),
        calls: 2,
        when: 'args.n < 3',
        budget: { limit: 5, amount: 'args.n' },
      }),
    );
    const wider = await handOn(holder, parent, {
      tools: ['*/*'],
      calls: 1_000,
      when: 'true',
      budget: { limit: 1_000_000, amount: '0' },
    });
    const { grants } = await verify(wider);
    expect(grants.map(({ tools, calls, budget }) => [tools, calls, budget?.limit])).toEqual([
      [['files/*'], 2, 5],
      [['*/*'], 1_000, 1_000_000],
    ]);
  });

  it('keeps the words of the person, whatever is said further down', async () => {
    const root = await signGrant(lead, grantClaims({ ...heldBy(holder), request: 'Read the report.' }));
    const { grants } = await verify(await handOn(holder, root, { request: 'Delete everything.' }));
    expect(grants.map(({ request }) => request)).toEqual(['Read the report.', undefined]);
  });

  it('has no words of the person where the root has none', async () => {
    const root = await signGrant(lead, grantClaims(heldBy(holder)));
    const { grants } = await verify(await handOn(holder, root, { request: 'Delete everything.' }));
    expect(grants.every((grant) => !('request' in grant))).toBe(true);
  });

  it('counts for the ids from the root down, and for no signature’s bytes', async () => {
    const again = (): Promise<string> => signGrant(lead, grantClaims(heldBy(holder)));
    const [one, other] = await Promise.all([again(), again()]);
    const [first, second] = await Promise.all(
      [one, other].map(async (parent) => (await verify(await handOn(holder, parent))).grants),
    );
    // ECDSA signs the same claims with other bytes each time, and who copies a signature can write it in a second way.
    expect(one).not.toBe(other);
    expect(first?.map(({ lineage }) => lineage)).toEqual(second?.map(({ lineage }) => lineage));
    expect(first?.at(-1)?.lineage).toEqual(['default', 'shift-lead', 'task-1', 'part-1']);
  });

  it('cannot take from the counters of another grant by its id', async () => {
    const parent = await signGrant(lead, grantClaims(heldBy(holder)));
    const [victim] = (await verify(await signGrant(lead, grantClaims({ jti: 'victim' })))).grants;
    const { grants } = await verify(await handOn(holder, parent, { jti: 'victim' }));
    expect(grants.at(-1)?.lineage).not.toEqual(victim?.lineage);
  });
});

describe('a grant has one reading', () => {
  const header = JSON.stringify({ alg: 'ES256', typ: grantType });
  const written = (payload: string) => signRaw(lead, header, payload);

  it.each([
    ['a claim twice', (good: string) => good.replace('{', '{"tools":["*/*"],')],
    ['the same claim under an escape', (good: string) => good.replace('{', '{"\\u0074ools":["*/*"],')],
    ['a claim that is not known', (good: string) => good.replace('{', '{"onlyOn":"mondays",')],
    ['something after it', (good: string) => `${good} {}`],
    ['a lone surrogate', (good: string) => good.replace('task-1', '\\ud800')],
  ])('refuses %s', async (_, change) => {
    const good = JSON.stringify(grantClaims());
    await verify(await written(good));
    await expect(verify(await written(change(good)))).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it('refuses another spelling of the same bytes', async () => {
    const good = await signGrant(lead);
    for (const other of [`${good}=`, `${good}\n`, ` ${good}`, `${good}.`, `${good}, ${good}`, '', '..'])
      await expect(verify(other)).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it.each<[string, Readonly<Record<string, unknown>>]>([
    ['no agent', { sub: 'planner' }],
    ['an agent with a way out of its path', { sub: 'spiffe://plant.test/agent/../planner' }],
    ['no id', { jti: '' }],
    ['an id that would be read as something else', { jti: 'a b' }],
    ['no tools', { tools: undefined }],
    ['tools that are one text', { tools: 'files/*' }],
    ['tools that are no patterns', { tools: ['files'] }],
    ['tools that are too many', { tools: Array.from({ length: 257 }, (_, i) => `files/${i}`) }],
    ['conditions that are no texts', { when: [true] }],
    ['an empty condition', { when: '' }],
    ['a condition that is too long', { when: 'a'.repeat(4_097) }],
    ['conditions that are too many', { when: Array.from({ length: 17 }, () => 'true') }],
    ['a null in place of conditions', { when: null }],
    ['half a call', { calls: 1.5 }],
    ['fewer calls than none', { calls: -1 }],
    ['calls beyond counting', { calls: 2 ** 60 }],
    ['calls as a text', { calls: '3' }],
    ['a budget without a limit', { budget: { amount: 'args.n' } }],
    ['a budget of nothing that is told', { budget: { limit: 1, amount: '' } }],
    ['a budget below nothing', { budget: { limit: -1, amount: 'args.n' } }],
    ['a budget with something that is not known', { budget: { limit: 1, amount: '1', per: 'day' } }],
    ['a request that is no text', { request: { text: 'x' } }],
    ['a request that is too long', { request: 'x'.repeat(8_193) }],
    ['a parent that is no text', { parent: {} }],
    ['a confirmation in another way', { cnf: { jkt: 'x' } }],
    ['a time that is no whole second', { exp: seconds + 0.5 }],
  ])('refuses %s', async (_, changes) => {
    await expect(verify(await signGrant(lead, grantClaims(changes)))).rejects.toEqual(
      refused('GRANT_INVALID'),
    );
  });

  it('refuses a holder’s key that is not public, of another kind, or no point', async () => {
    const { x, y } = holder.jwk;
    for (const jwk of [
      { kty: 'EC', crv: 'P-256', x, y, d: x },
      { kty: 'oct', k: 'AAAA' },
      { kty: 'RSA', n: 'AQAB', e: 'AQAB' },
      { ...holder.jwk, use: 'enc' },
    ])
      await expect(verify(await signGrant(lead, grantClaims({ cnf: { jwk } })))).rejects.toEqual(
        refused('GRANT_INVALID'),
      );
    const both = grantClaims({ cnf: { jwk: holder.jwk, jkt: 'x' } });
    await expect(verify(await signGrant(lead, both))).rejects.toEqual(refused('GRANT_INVALID'));
    // One that is no point on the curve is found when it is to check something.
    const off = await signGrant(lead, grantClaims({ cnf: { jwk: { kty: 'EC', crv: 'P-256', x, y: x } } }));
    await expect(verify(await handOn(holder, off))).rejects.toEqual(refused('GRANT_INVALID'));
  });

  it('tells nothing of what it refuses', async () => {
    const secret = 'swordfish';
    const bad = await signGrant(lead, grantClaims({ [secret]: secret, request: secret }));
    await expect(verify(bad)).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) as string }),
    );
  });
});

it('a good grant is what it says', async () => {
  const text = await signGrant(lead, grantClaims({ calls: 3, request: 'Read the report.' }));
  const { grants, granter } = await verify(text);
  expect(granter.name).toBe('shift-lead');
  expect(grants).toEqual([
    {
      id: 'task-1',
      issuer: 'shift-lead',
      subject: planner,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      tools: ['files/*'],
      when: [],
      calls: 3,
      expiresAt: (seconds + 3_600) * 1_000,
      request: 'Read the report.',
      lineage: ['default', 'shift-lead', 'task-1'],
    },
  ]);
  expect(fromBase64url(text.split('.')[1] ?? '')).toBeDefined();
});

it('a granter may sign with Ed25519, and have several keys', async () => {
  const edwards = await testKey('edwards', 'EdDSA');
  const keys = [lead.jwk, edwards.jwk].map((jwk) => jwk as never);
  const verifier = createGrantVerifier(trusting(granterWith(lead, { keys })));
  expect((await verifier.verify(await signGrant(edwards), now)).grants).toHaveLength(1);
  expect((await verifier.verify(await signGrant(lead), now)).grants).toHaveLength(1);
});

it('the last chains are remembered, and no more of them', async () => {
  const known = trusting(granterWith(lead))();
  let looked = 0;
  const find = (name: string) => (looked++, known.find(name));
  const verifier = createGrantVerifier(() => ({ version: '', find }));
  const texts = await Promise.all(
    Array.from({ length: 257 }, (_, at) => signGrant(lead, grantClaims({ jti: `task-${at}` }))),
  );
  for (const text of texts) await verifier.verify(text, now);
  await verifier.verify(texts[256] ?? '', now);
  expect(looked).toBe(257);
  await verifier.verify(texts[0] ?? '', now);
  expect(looked).toBe(258);
});
