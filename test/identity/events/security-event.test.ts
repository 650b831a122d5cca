import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SignJWT } from 'jose';
import type { Json, JsonObject } from '../../../src/call/json.ts';
import { CountersignError } from '../../../src/errors.ts';
import {
  createSecurityEventVerifier,
  readSecurityEvent,
  type EventTransmitter,
} from '../../../src/identity/events/security-event.ts';
import { audience, jwksOf, keysOf, now, refused, seconds, sign, signRaw, testKey } from '../tokens/tokens.ts';

const transmitterName = 'https://idp.test';
const caep = 'https://schemas.openid.net/secevent/caep/event-type/';
const risc = 'https://schemas.openid.net/secevent/risc/event-type/';
const ssf = 'https://schemas.openid.net/secevent/ssf/event-type/';
const at = seconds - 30;
const before = new Date(at * 1_000).toISOString();

const key = await testKey('k1');
const thief = await testKey('k1');
const transmitter: EventTransmitter = {
  issuer: transmitterName,
  audiences: [audience],
  algorithms: ['ES256'],
  keys: keysOf(key),
  subjects: [transmitterName],
  devices: false,
};

type Claims = Readonly<Record<string, unknown>>;
const ada = { format: 'iss_sub', iss: transmitterName, sub: 'ada' };
const sessionRevoked = { [`${caep}session-revoked`]: { event_timestamp: at } };
const good: Claims = {
  iss: transmitterName,
  aud: audience,
  iat: seconds,
  jti: 'e-1',
  sub_id: ada,
  events: sessionRevoked,
};

const header = { typ: 'secevent+jwt' };
const signed = (claims: Claims = good, more: Claims = {}, by = key): Promise<string> =>
  sign(by, claims, { ...header, ...more });
const verify = (token: string, changes: Partial<EventTransmitter> = {}, authorization?: string) =>
  createSecurityEventVerifier([{ ...transmitter, ...changes }]).verify(token, authorization, now);
const without = (name: string): Claims =>
  Object.fromEntries(Object.entries(good).filter(([k]) => k !== name));

describe('a security event that is no genuine one', () => {
  const attacks: readonly (readonly [string, () => Promise<string>, string])[] = [
    ['is forged', () => signed(good, {}, thief), 'SIGNATURE_INVALID'],
    ['has no signature', () => unsigned(), 'MALFORMED'],
    [
      'says that it is not signed',
      () => signRaw(key, '{"alg":"none","typ":"secevent+jwt"}', json(good)),
      'ALGORITHM_REFUSED',
    ],
    ['is signed with a secret that everybody knows', () => withPublicKey(), 'ALGORITHM_REFUSED'],
    ['is an access token', () => signed(good, { typ: 'at+jwt' }), 'TYPE_REFUSED'],
    ['is a token of any kind', () => signed(good, { typ: 'JWT' }), 'TYPE_REFUSED'],
    ['is a logout token', () => signed(good, { typ: 'logout+jwt' }), 'TYPE_REFUSED'],
    ['has no type', () => signed(good, { typ: undefined }), 'TYPE_REFUSED'],
    ['brings its own key', () => signed(good, { jwk: key.jwk }), 'HEADER_REFUSED'],
    ['is of another key', () => signed(good, { kid: 'k2' }), 'KEY_UNKNOWN'],
    ['is of a stranger', () => signed({ ...good, iss: 'https://evil.test' }), 'ISSUER_UNKNOWN'],
    ['is of nobody', () => signed(without('iss')), 'ISSUER_UNKNOWN'],
    ['is for somebody else', () => signed({ ...good, aud: 'https://other.test' }), 'AUDIENCE_REFUSED'],
    ['is for nobody', () => signed(without('aud')), 'CLAIMS_INVALID'],
    ['is old', () => signed({ ...good, iat: seconds - 86_401 }), 'EXPIRED'],
    ['is from the future', () => signed({ ...good, iat: seconds + 60 }), 'NOT_YET_VALID'],
    ['has ended', () => signed({ ...good, exp: seconds - 1 }), 'EXPIRED'],
    ['does not say when', () => signed(without('iat')), 'CLAIMS_INVALID'],
    ['counts parts of seconds', () => signed({ ...good, iat: seconds - 0.5 }), 'CLAIMS_INVALID'],
    ['has no name', () => signed(without('jti')), 'CLAIMS_INVALID'],
    ['has a number for a name', () => signed({ ...good, jti: 7 }), 'CLAIMS_INVALID'],
    ['has a name without end', () => signed({ ...good, jti: 'x'.repeat(257) }), 'CLAIMS_INVALID'],
    ['could pass for a token of the person', () => signed({ ...good, sub: 'ada' }), 'CLAIMS_INVALID'],
    ['has no events', () => signed({ ...good, events: {} }), 'CLAIMS_INVALID'],
    ['has a list of events', () => signed({ ...good, events: [sessionRevoked] }), 'CLAIMS_INVALID'],
    [
      'has an event that says nothing',
      () => signed({ ...good, events: { [`${caep}session-revoked`]: null } }),
      'CLAIMS_INVALID',
    ],
    ['is about nobody', () => signed(without('sub_id')), 'CLAIMS_INVALID'],
    [
      'tells of tomorrow',
      () =>
        signed({ ...good, events: { [`${caep}session-revoked`]: { event_timestamp: seconds + 86_400 } } }),
      'NOT_YET_VALID',
    ],
    [
      'counts milliseconds',
      () => signed({ ...good, events: { [`${caep}session-revoked`]: { event_timestamp: now } } }),
      'CLAIMS_INVALID',
    ],
    [
      'says two things',
      () =>
        signRaw(key, json({ alg: 'ES256', kid: 'k1', ...header }), `${json(good).slice(0, -1)},"aud":"x"}`),
      'MALFORMED',
    ],
    [
      'speaks of another issuer’s people',
      () => signed({ ...good, sub_id: { ...ada, iss: 'https://other.test' } }),
      'SUBJECT_REFUSED',
    ],
    [
      'speaks of a device, and may not',
      () => signed({ ...good, ...compliance('not-compliant') }),
      'SUBJECT_REFUSED',
    ],
    [
      'names an e-mail address',
      () => signed({ ...good, sub_id: { format: 'email', email: 'ada@idp.test' } }),
      'CLAIMS_INVALID',
    ],
    [
      'names an account',
      () => signed({ ...good, sub_id: { format: 'account', uri: 'acct:ada@idp.test' } }),
      'CLAIMS_INVALID',
    ],
    [
      'has several names for one person',
      () => signed({ ...good, sub_id: { format: 'aliases', identifiers: [ada] } }),
      'CLAIMS_INVALID',
    ],
    [
      'names a token',
      () => signed({ ...good, sub_id: { format: 'jwt_id', iss: transmitterName, jti: 't' } }),
      'CLAIMS_INVALID',
    ],
    [
      'hides a complex subject in another',
      () => signed({ ...good, sub_id: { format: 'complex', user: { format: 'complex', user: ada } } }),
      'CLAIMS_INVALID',
    ],
  ];

  it.each(attacks)('%s', async (_, token, fault) => {
    await expect(token().then(verify)).rejects.toThrow(refused(`EVENT_TOKEN_${fault}`));
  });

  it('comes without the secret of its transmitter, or with another', async () => {
    const token = await signed();
    const authorization = 'Bearer the secret';
    for (const given of [undefined, '', 'Bearer the secreT', 'Bearer the secret '])
      await expect(verify(token, { authorization }, given)).rejects.toThrow(
        refused('EVENT_TOKEN_PROOF_INVALID'),
      );
    expect(await verify(token, { authorization }, authorization)).toMatchObject({ jti: 'e-1' });
  });

  it('cannot be checked while its transmitter’s keys cannot be had', async () => {
    const keys: EventTransmitter['keys'] = { find: () => Promise.resolve('KEYS_UNAVAILABLE') };
    await expect(verify(await signed(), { keys })).rejects.toThrow(refused('EVENT_TOKEN_KEYS_UNAVAILABLE'));
  });

  async function unsigned(): Promise<string> {
    return `${(await signed()).split('.').slice(0, 2).join('.')}.`;
  }
  function withPublicKey(): Promise<string> {
    return new SignJWT({ ...good })
      .setProtectedHeader({ alg: 'HS256', kid: 'k1', ...header })
      .sign(jwksOf(key));
  }
});

const human = (more: object = {}) => ({ kind: 'human', id: 'ada', issuer: transmitterName, ...more });
const session = { kind: 'session', id: 's-1', issuer: transmitterName };
const complexOf = (parts: object) => ({ format: 'complex', ...parts });
const opaque = (id: string) => ({ format: 'opaque', id });
function compliance(status: string): { readonly sub_id: object; readonly events: object } {
  return {
    sub_id: complexOf({ device: opaque('laptop-7'), tenant: opaque('t') }),
    events: { [`${caep}device-compliance-change`]: { current_status: status, event_timestamp: at } },
  };
}

describe('what a security event says', () => {
  const event = (type: string, subject: object, payload: object = {}) => ({
    sub_id: subject,
    events: { [type]: { event_timestamp: at, ...payload } },
  });
  const revoke = (revocation: object) => ({ act: 'revoke', revocation });
  const lift = (revocation: object) => ({ act: 'lift', revocation });

  const rules: readonly (readonly [string, object, readonly object[]])[] = [
    ['ends what a person began before', event(`${caep}session-revoked`, ada), [revoke(human({ before }))]],
    [
      'ends one session',
      event(`${caep}session-revoked`, complexOf({ session: opaque('s-1'), user: ada })),
      [revoke(session)],
    ],
    [
      'ends whichever a bare id is',
      event(`${caep}session-revoked`, opaque('ada')),
      [revoke({ ...session, id: 'ada' }), revoke(human({ before }))],
    ],
    [
      'has stale claims count no more',
      event(`${caep}token-claims-change`, ada, { claims: { role: 'x' } }),
      [revoke(human({ before }))],
    ],
    [
      'ends what a lost credential began',
      event(`${caep}credential-change`, ada, { change_type: 'revoke', credential_type: 'fido2-roaming' }),
      [revoke(human({ before }))],
    ],
    [
      'ends what a deleted credential began',
      event(`${caep}credential-change`, ada, { change_type: 'delete' }),
      [revoke(human({ before }))],
    ],
    ['lets a new credential be', event(`${caep}credential-change`, ada, { change_type: 'create' }), []],
    ['shuts a device out', compliance('not-compliant'), [revoke({ kind: 'device', id: 'laptop-7' })]],
    ['lets a device in again', compliance('compliant'), [lift({ kind: 'device', id: 'laptop-7' })]],
    ['shuts a person out', event(`${risc}account-disabled`, ada), [revoke(human())]],
    ['shuts a person out for good', event(`${risc}account-purged`, ada), [revoke(human())]],
    ['lets a person in again', event(`${risc}account-enabled`, ada), [lift(human())]],
    [
      'lets nobody in for one application’s sake',
      event(`${risc}account-enabled`, complexOf({ user: ada, application: opaque('x') })),
      [],
    ],
    [
      'lets no device in for one person’s sake',
      { ...compliance('compliant'), sub_id: complexOf({ device: opaque('laptop-7'), user: ada }) },
      [],
    ],
    [
      'ends sessions before a new password',
      event(`${risc}account-credential-change-required`, ada),
      [revoke(human({ before }))],
    ],
    ['ends all sessions', event(`${risc}sessions-revoked`, opaque('ada')), [revoke(human({ before }))]],
    [
      'ends sessions of a stolen credential',
      event(`${risc}credential-compromise`, ada, { credential_type: 'password' }),
      [revoke(human({ before }))],
    ],
    ['knows of other assurance, and does nothing', event(`${caep}assurance-level-change`, ada), []],
    [
      'knows of another identifier, and does nothing',
      event(`${risc}identifier-changed`, { format: 'email', email: 'a@b.test' }),
      [],
    ],
    ['takes a verification', event(`${ssf}verification`, opaque('stream'), { state: 's' }), []],
    [
      'takes the news of its stream',
      event(`${ssf}stream-updated`, opaque('stream'), { status: 'paused' }),
      [],
    ],
  ];

  it.each(rules)('%s', async (_, claims, facts) => {
    const token = await signed({ ...good, ...claims });
    const told = await verify(token, { devices: true });
    expect(told).toMatchObject({ transmitter: transmitterName, jti: 'e-1', unknown: 0 });
    expect(told.facts).toEqual(
      facts.map((fact) => ({
        ...fact,
        at: at * 1_000,
        event: expect.stringMatching(/^(?:caep|risc)\/event-type\//) as string,
      })),
    );
  });

  it('is taken with a type that nobody knows, which is counted', async () => {
    const events = { ...sessionRevoked, 'https://vendor.test/new': {} };
    expect(await verify(await signed({ ...good, events }))).toMatchObject({
      unknown: 1,
      facts: [{ act: 'revoke' }],
    });
  });

  it('happened when its event says, else when the token does, else when it was issued', async () => {
    const events = { [`${caep}session-revoked`]: {} };
    for (const [claims, happened] of [
      [{ ...good, events, toe: seconds - 90 }, seconds - 90],
      [{ ...good, events }, seconds],
    ] as const)
      expect((await verify(await signed(claims))).facts[0]?.at).toBe(happened * 1_000);
  });

  it('may be about people of the issuers that its transmitter is configured for, and of no others', async () => {
    const subjects = ['https://other.test'];
    const theirs = { ...good, sub_id: { ...ada, iss: 'https://other.test' } };
    expect((await verify(await signed(theirs), { subjects })).facts[0]?.revocation.issuer).toBe(
      'https://other.test',
    );
    await expect(signed().then((token) => verify(token, { subjects }))).rejects.toThrow(
      refused('EVENT_TOKEN_SUBJECT_REFUSED'),
    );
    const bare = { ...good, sub_id: opaque('ada') };
    expect((await verify(await signed(bare), { subjects })).facts[0]?.revocation.issuer).toBe(
      'https://other.test',
    );
    await expect(
      signed(bare).then((token) => verify(token, { subjects: ['https://a.test', 'https://b.test'] })),
    ).rejects.toThrow(refused('EVENT_TOKEN_SUBJECT_REFUSED'));
  });

  it('is refused or read, whatever the claims are, and never speaks of others', () => {
    const name = fc.constantFrom('ada', transmitterName, 'https://other.test', '', '__proto__');
    const simple = fc.record(
      { format: fc.constantFrom('iss_sub', 'opaque', 'email', 'complex'), iss: name, sub: name, id: name },
      { requiredKeys: ['format'] },
    );
    const subject = fc.oneof(
      simple,
      fc.record(
        {
          format: fc.constant('complex'),
          user: simple,
          session: simple,
          device: simple,
          application: simple,
        },
        { requiredKeys: ['format'] },
      ),
      fc.jsonValue(),
    );
    const payload = fc.oneof(
      fc.record(
        {
          event_timestamp: fc.oneof(fc.integer(), fc.constant(at), fc.double()),
          change_type: fc.constantFrom('revoke', 'update', 'x'),
          current_status: fc.constantFrom('compliant', 'not-compliant', 'x'),
        },
        { requiredKeys: [] },
      ),
      fc.jsonValue(),
    );
    const type = fc.constantFrom(
      ...['session-revoked', 'credential-change', 'device-compliance-change', 'token-claims-change'].map(
        (each) => caep + each,
      ),
      ...['account-disabled', 'account-enabled'].map((each) => risc + each),
      '__proto__',
      'toString',
    );
    fc.assert(
      fc.property(
        subject,
        fc.dictionary(type, payload, { maxKeys: 3 }),
        fc.boolean(),
        (sub_id, events, devices) => {
          const claims = { ...good, sub_id, events } as unknown as JsonObject & Record<string, Json>;
          try {
            const { facts } = readSecurityEvent(claims, { ...transmitter, devices }, now);
            for (const { revocation, at: happened } of facts) {
              expect(happened).toBeLessThanOrEqual(now + 30_000);
              expect(revocation.id).not.toBe('');
              if (revocation.kind === 'device') expect(devices).toBe(true);
              else expect(revocation.issuer).toBe(transmitterName);
            }
          } catch (error) {
            if (!(error instanceof CountersignError)) throw error;
            expect(error.code).toMatch(/^EVENT_TOKEN_/);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

function json(value: unknown): string {
  return JSON.stringify(value);
}
