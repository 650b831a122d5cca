import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { declareIdentity } from '../../../src/runtime/config/declare-identity.ts';
import { identitySchema } from '../../../src/runtime/config/identity-schema.ts';
import { readSettings } from '../../../src/runtime/home/home-config.ts';
import { homeGranters } from '../../../src/runtime/grants/home-granters.ts';
import { makeGrantKey, readGrantKey, readPublicJwk } from '../../../src/runtime/grants/key-file.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = publicKey.export({ format: 'jwk' }) as Record<string, string>;
const refused = (code: string) => expect.objectContaining({ code }) as unknown as Error;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-granters-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('identity.granters', () => {
  const isTaken = (...granters: readonly unknown[]): boolean =>
    identitySchema.safeParse({ granters }).success;

  it('takes a name with public keys, and a person', () => {
    const human = { issuer: 'https://idp.test', subject: 'ada' };
    expect(isTaken({ name: 'shift-lead', keys: [jwk] }, { name: 'ada', keys: [jwk], human })).toBe(true);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a private key', { keys: [privateKey.export({ format: 'jwk' })] }],
    ['a shared secret', { keys: [{ kty: 'oct', k: 'AAAA' }] }],
    ['no key', { keys: [] }],
    ['a key that is a URL', { keys: { url: 'https://example.org/keys' } }],
    ['a name that a grant could have', { name: 'sha256:00' }],
    ['an empty name', { name: '' }],
    ['half a person', { human: { subject: 'ada' } }],
    ['something that is not known', { tools: ['*/*'] }],
  ])('refuses %s', (_, changes) => {
    expect(isTaken({ name: 'shift-lead', keys: [jwk], ...changes })).toBe(false);
  });

  it('refuses one name for two', () => {
    expect(isTaken({ name: 'a', keys: [jwk] }, { name: 'a', keys: [jwk] })).toBe(false);
  });

  it('comes to granters, and to agents that need one', () => {
    const config = identitySchema.parse({
      granters: [{ name: 'shift-lead', keys: [jwk] }],
      grantsRequired: ['planner'],
    });
    const { granters, grantsRequired } = declareIdentity(config, () => () => Promise.reject(new Error()));
    expect(granters?.().find('shift-lead')).toMatchObject({ tenant: 'default' });
    expect(granters?.().find('constructor')).toBeUndefined();
    expect(grantsRequired).toEqual(['planner']);
  });

  it('is heeded by a gate in front of one server, which reads little else of it', () => {
    const has = (text: string) => readSettings('countersign.yaml', text).hasGrants;
    expect(has('identity: { granters: [] }')).toBe(true);
    expect(has('identity: { grantsRequired: [planner] }')).toBe(true);
    expect(has('identity: { zones: {} }')).toBe(false);
    expect(has('version: 1')).toBe(false);
  });
});

describe('the granters of a home', () => {
  const write = (value: unknown): string => {
    const granters = join(folder, 'granters.json');
    writeFileSync(granters, typeof value === 'string' ? value : JSON.stringify(value));
    return granters;
  };
  const one = { name: 'shift-lead', keys: [jwk], tenant: 'default' };

  it('are nobody where there is no file', () => {
    expect(homeGranters({ granters: join(folder, 'nowhere.json') })().find('shift-lead')).toBeUndefined();
  });

  it('are read again when the file has changed', () => {
    const source = homeGranters({ granters: write({ granters: [] }) });
    const before = source();
    expect(before.find('shift-lead')).toBeUndefined();
    write({ granters: [one] });
    expect(source().find('shift-lead')).toBeDefined();
    expect(source().version).not.toBe(before.version);
  });

  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no list', { granters: {} }],
    ['something in it that is no granter', { granters: [one, null] }],
    ['a key that cannot be used', { granters: [{ ...one, keys: [{ ...jwk, d: 'x' }] }] }],
    ['a name twice', { granters: [one, one] }],
  ])('refuse every grant where the file is %s', (_, value) => {
    const source = homeGranters({ granters: write(value) });
    expect(() => source()).toThrow(refused('CONFIG_INVALID'));
    // Whoever calls is told so: nothing of this machine.
    expect(() => source()).toThrow(expect.objectContaining({ message: expect.not.stringContaining(folder) }));
  });

  it('are those of the configuration first', () => {
    const configured = declareIdentity(
      identitySchema.parse({ granters: [{ ...one, tenant: 'configured' }] }),
      () => () => Promise.reject(new Error()),
    );
    const source = homeGranters({ granters: write({ granters: [one] }) }, configured.granters);
    expect(source().find('shift-lead')?.tenant).toBe('configured');
  });
});

describe('a key that signs grants', () => {
  it('is one of Ed25519 or P-256, whose public half alone is told', () => {
    const made = makeGrantKey(join(folder, 'own.pem'));
    expect(made.algorithm).toBe('EdDSA');
    expect(Object.keys(made.jwk).sort()).toEqual(['crv', 'kid', 'kty', 'x']);
    expect(readPublicJwk(join(folder, 'own.pem'))).toEqual(made.jwk);
    const file = join(folder, 'ec.pem');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    expect(readGrantKey(file).algorithm).toBe('ES256');
    writeFileSync(join(folder, 'private.jwk'), JSON.stringify(privateKey.export({ format: 'jwk' })));
    expect(readPublicJwk(join(folder, 'private.jwk'))).not.toHaveProperty('d');
  });

  it('is none of another kind, and no text that is none', () => {
    const file = join(folder, 'other.pem');
    for (const text of [
      generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
      '{"kty":"EC"}',
      'x',
    ]) {
      writeFileSync(file, text);
      expect(() => readGrantKey(file)).toThrow(refused('USAGE'));
      expect(() => readPublicJwk(file)).toThrow(refused('USAGE'));
    }
  });
});
