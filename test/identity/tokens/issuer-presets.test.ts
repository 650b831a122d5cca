import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/call/json.ts';
import { issuerPresets, type IssuerPreset } from '../../../src/identity/tokens/issuer-presets.ts';
import { deviceReader, humanReader } from '../../../src/identity/tokens/read-claims.ts';
import type { Tenancy } from '../../../src/identity/tokens/tenancy.ts';
import { tokenRefusals } from '../../../src/identity/tokens/token-fault.ts';
import { refused } from './tokens.ts';

const refuse = tokenRefusals('HUMAN');
const home: Tenancy = { tenant: 'default' };
const read = (preset: IssuerPreset, claims: JsonObject, tenancy = home) =>
  humanReader('https://idp.test', preset, tenancy)(claims, refuse);

/** Access tokens as these issuers document them, with what matters here. */
const entra = {
  sub: 'pairwise',
  oid: '7f9e',
  tid: 't-1',
  azp: 'client',
  scp: 'call',
  roles: ['ot.operator'],
  groups: ['g-1'],
  auth_time: 1_767_225_600,
};
const keycloak = {
  sub: 'f3c1',
  azp: 'agent',
  preferred_username: 'ada',
  realm_access: { roles: ['ot.operator'] },
  resource_access: { scada: { roles: ['write'] }, account: { roles: ['view'] } },
  groups: ['/plant/shift-a'],
};

describe('a human', () => {
  it('of Entra is the object, not the pairwise subject', () => {
    expect(read(issuerPresets.entra, entra)).toEqual({
      issuer: 'https://idp.test',
      subject: '7f9e',
      tenant: 'default',
      roles: ['ot.operator'],
      groups: ['g-1'],
      authTime: 1_767_225_600,
      clientId: 'client',
      scopes: ['call'],
      binding: 'none',
    });
  });

  it.each([{ _claim_names: { groups: 'src1' } }, { hasgroups: true }])(
    'of Entra with more groups than fit (%j) has none that a rule could read',
    (overage) => {
      const { groups, ...claims } = entra;
      expect(groups).toHaveLength(1);
      const human = read(issuerPresets.entra, {
        ...claims,
        ...overage,
        _claim_sources: { src1: { endpoint: 'https://x' } },
      });
      expect(human).not.toHaveProperty('groups');
    },
  );

  it('of Okta has a subject that does not change with the login', () => {
    expect(
      read(issuerPresets.okta, { sub: 'ada@x.test', uid: '00u1', cid: 'client', groups: ['Everyone'] }),
    ).toMatchObject({
      subject: '00u1',
      groups: ['Everyone'],
      roles: [],
    });
  });

  it('of Auth0 has its permissions as roles', () => {
    expect(read(issuerPresets.auth0, { sub: 'auth0|1', permissions: ['ot:operate'] }).roles).toEqual([
      'ot:operate',
    ]);
  });

  it('of Keycloak has the roles of the realm, and those of clients under their names', () => {
    const human = read(issuerPresets.keycloak, keycloak);
    expect(human.roles).toEqual(['ot.operator', 'scada/write', 'account/view']);
    expect(human.groups).toEqual(['/plant/shift-a']);
  });

  it('of Google belongs to a Workspace that is listed', () => {
    const tenancy = { ...home, tenants: new Map([['acme.test', 'acme']]) };
    expect(read(issuerPresets.google, { sub: '1', hd: 'acme.test' }, tenancy).tenant).toBe('acme');
    for (const hd of [undefined, 'evil.test', 'ACME.test', 'constructor', ['acme.test']]) {
      const claims = { sub: '1', ...(hd === undefined ? {} : { hd }) } as JsonObject;
      expect(() => read(issuerPresets.google, claims, tenancy)).toThrow(
        refused('HUMAN_TOKEN_SUBJECT_REFUSED'),
      );
    }
  });

  it('of an issuer without a preset is wherever the configuration says', () => {
    const places = {
      subject: '/person/id',
      roles: ['/person/roles', '/https:~1~1acme.test~1role'],
      groups: ['/none'],
      authTime: '/auth_time',
      clientId: ['/client_id'],
    };
    const claims = { sub: 'x', person: { id: 'ada', roles: ['a', 'b'] }, 'https://acme.test/role': 'b' };
    expect(read({ ...issuerPresets.generic, places }, claims)).toMatchObject({
      subject: 'ada',
      roles: ['a', 'b'],
      groups: [],
    });
  });
});

describe('what is no human', () => {
  const programs: readonly [what: string, preset: IssuerPreset, claims: JsonObject][] = [
    ['an application of Entra', issuerPresets.entra, { ...entra, idtyp: 'app' }],
    ['an Entra token whose subject is its own object', issuerPresets.entra, { ...entra, sub: '7f9e' }],
    ['an Entra agent’s own account', issuerPresets.entra, { ...entra, xms_sub_fct: '9 13' }],
    ['the same as a list', issuerPresets.entra, { ...entra, xms_sub_fct: [9, 13] }],
    ['an Auth0 machine', issuerPresets.auth0, { sub: 'c@clients', gty: 'client-credentials' }],
    [
      'a Keycloak service account',
      issuerPresets.keycloak,
      { ...keycloak, preferred_username: 'service-account-agent' },
    ],
    ['an Okta client', issuerPresets.okta, { sub: 'client', cid: 'client', uid: 'x' }],
    ['a client by RFC 9068', issuerPresets.generic, { sub: 'client', client_id: 'client' }],
  ];
  it.each(programs)('%s', (_, preset, claims) => {
    expect(() => read(preset, claims)).toThrow(refused('HUMAN_TOKEN_SUBJECT_REFUSED'));
  });

  it('an agent of facet 130 is somebody else', () => {
    expect(read(issuerPresets.entra, { ...entra, xms_sub_fct: '130 3' }).subject).toBe('7f9e');
  });
});

describe('claims of another form than expected', () => {
  it.each<Json>([
    { roles: { 0: 'admin' } },
    { roles: [['admin']] },
    { roles: 1 },
    { roles: true },
    { groups: [null] },
    { oid: 7 },
    { oid: '' },
  ])('%j are refused', (changes) => {
    expect(() => read(issuerPresets.entra, { ...entra, ...(changes as JsonObject) })).toThrow(
      refused('HUMAN_TOKEN_CLAIMS_INVALID'),
    );
  });

  it('do not reach the prototype', () => {
    const preset = {
      ...issuerPresets.generic,
      places: { ...issuerPresets.generic.places, subject: '/constructor/name' },
    };
    expect(() => read(preset, { sub: 'ada' })).toThrow(refused('HUMAN_TOKEN_CLAIMS_INVALID'));
  });

  it('of Keycloak’s clients are no roles', () => {
    for (const access of [null, [], 'x', { scada: null }, { scada: { roles: 'write' } }])
      expect(read(issuerPresets.keycloak, { ...keycloak, resource_access: access }).roles).toEqual([
        'ot.operator',
      ]);
  });
});

describe('a device', () => {
  const posture = deviceReader({ trust: '/posture/trust' }, home);
  it('is the subject, with its trust', () => {
    expect(posture({ sub: 'hmi-7', posture: { trust: 'managed' } }, refuse)).toEqual({
      id: 'hmi-7',
      trust: 'managed',
      tenant: 'default',
    });
  });

  it('without its trust is none', () => {
    for (const claims of [{ sub: 'hmi-7' }, { sub: 'hmi-7', posture: { trust: true } }])
      expect(() => posture(claims, refuse)).toThrow(refused('HUMAN_TOKEN_CLAIMS_INVALID'));
  });
});
