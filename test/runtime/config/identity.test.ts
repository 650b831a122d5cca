import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { readConfig } from '../../../src/runtime/config/read.ts';
import { readIdentity } from '../../../src/runtime/serve/identity.ts';
import {
  jwksOf,
  now,
  sign,
  testKey,
  goodClaims,
  audience,
  issuerName,
} from '../../identity/tokens/tokens.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-identity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const key = await testKey('k1');
writeFileSync(join(folder, 'jwks.json'), jwksOf(key));
writeFileSync(join(folder, 'empty.json'), '{"keys":[]}');

const whole = `version: 1
identity:
  audience: ${audience}
  humans:
    - issuer: ${issuerName}
      keys: { file: jwks.json }
      algorithms: [ES256]
      claims: { roles: /person/roles }
  devices:
    - issuer: https://mdm.test
      keys: { url: "https://mdm.test/jwks" }
  zones:
    ot-control: [10.20.0.0/16]
  trustedProxies: [192.0.2.1]
`;

function read(text: string) {
  return readConfig({ name: 'countersign.yaml', text, env: {} }).identity;
}

function refusal(text: string): string {
  try {
    readIdentity(read(text), folder);
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'CONFIG_INVALID') return error.message;
    throw error;
  }
  throw new Error('it was read');
}

describe('the section identity', () => {
  it('is read with its defaults: no symmetric signature, tokens of a day for people, of an hour for devices', () => {
    expect(read(whole)).toMatchObject({
      audience: [audience],
      humans: [{ preset: 'generic', maxLifetime: 86_400_000 }],
      devices: [{ algorithms: ['RS256'], claims: { trust: '/trust' }, maxLifetime: 3_600_000 }],
    });
  });

  it('comes to verifiers, zones, and the files with keys', async () => {
    const { evidence, files } = readIdentity(read(whole), folder);
    expect(files).toEqual([join(folder, 'jwks.json')]);
    const token = await sign(key, { ...goodClaims, person: { roles: 'ot.lead' } });
    expect(await evidence.humans?.verify(token, 'default', now)).toMatchObject({
      value: { subject: 'ada', roles: ['ot.lead'], groups: ['shift-a'], tenant: 'default' },
    });
    expect(evidence.network?.locate({ address: '10.20.0.1' }).zone).toBe('ot-control');
    expect(evidence.devices).toBeDefined();
  });

  it('is not needed for keys that count from some networks', () => {
    const { evidence } = readIdentity(undefined, folder);
    expect(evidence).not.toHaveProperty('humans');
    expect(evidence.network?.isWithin({ address: '127.0.0.1' }, ['127.0.0.0/8'])).toBe(true);
  });

  it.each([
    [
      'an algorithm with a shared secret',
      'algorithms: [ES256]',
      'algorithms: [HS256]',
      '7:20: identity.humans.0.algorithms.0',
    ],
    ['no algorithm', 'algorithms: [ES256]', 'algorithms: []', '7:7: identity.humans.0.algorithms'],
    ['a preset that nobody knows', 'algorithms: [ES256]', 'preset: ldap', '7:7: identity.humans.0.preset'],
    ['keys over plain HTTP', '"https://mdm.test/jwks"', '"http://mdm.test/jwks"', 'identity.devices.0.keys'],
    [
      'keys at two places',
      '{ file: jwks.json }',
      '{ file: jwks.json, url: "https://x.test" }',
      'identity.humans.0.keys',
    ],
    ['no audience', `  audience: ${audience}\n`, '', 'needs an audience'],
    ['a pointer that is none', '/person/roles', 'person.roles', 'identity.humans.0.claims.roles'],
    [
      'a block with bits behind its prefix',
      '10.20.0.0/16',
      '10.20.0.1/16',
      '13:18: identity.zones.ot-control.0: must be a CIDR',
    ],
    ['a proxy by its name', '192.0.2.1]', 'proxy.test]', 'identity.trustedProxies.0'],
    ['a zone of the name unknown', 'ot-control:', 'unknown:', 'identity.zones'],
    [
      'an issuer twice',
      '  devices:\n',
      `    - { issuer: "${issuerName}", keys: { file: jwks.json } }\n  devices:\n`,
      'has this name',
    ],
    ['everybody’s issuer without tenants', 'algorithms: [ES256]', 'preset: google', 'needs tenants'],
    ['tenants that no claim tells', 'algorithms: [ES256]', 'tenants: { a: b }', 'needs claims.tenant'],
    [
      'one tenant and several',
      'algorithms: [ES256]',
      'tenant: a\n      tenants: { a: b }',
      'either one tenant',
    ],
    ['a field that nobody knows', 'audience:', 'audiences:', '3:3: identity: unknown field "audiences"'],
    ['a file that is not there', 'file: jwks.json', 'file: none.json', 'none.json, the keys of'],
    ['a file without a key', 'file: jwks.json', 'file: empty.json', 'empty.json, the keys of'],
  ])('is refused for %s', (_, from, to, where) => {
    expect(whole).toContain(from);
    expect(refusal(whole.replace(from, to))).toContain(where);
  });
});
