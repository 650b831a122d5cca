import { createHmac } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apiKeyDigest, assertApiKeyShape, newApiKey, type ApiKeyRecord } from '../../src/identity/api-key.ts';
import { createAuthenticator } from '../../src/identity/authenticate.ts';

const pepper = Uint8Array.from({ length: 32 }, (_, i) => i);
const now = Date.UTC(2026, 0, 2);

function authenticatorWith(changes: Partial<ApiKeyRecord> = {}) {
  const key = newApiKey();
  const digest = apiKeyDigest(key, pepper);
  const record: ApiKeyRecord = {
    id: 'key-1',
    digest,
    pepperVersion: 1,
    tenant: 'acme',
    agents: ['default'],
    status: 'active',
    createdAt: '2026-01-01T00:00:00Z',
    ...changes,
  };
  const keys = {
    peppers: () => [{ version: 1, secret: pepper }],
    find: (asked: string, version: number) => (asked === digest && version === 1 ? record : undefined),
  };
  return { key, authenticator: createAuthenticator({ keys, trustDomain: 'acme.test' }) };
}

const refused = (code: string) => expect.objectContaining({ code }) as unknown as Error;

describe('an API key', () => {
  it('is cs_live_, 43 base62 characters, and six of their CRC-32', () => {
    const key = newApiKey();
    expect(key).toMatch(/^cs_live_[0-9A-Za-z]{49}$/);
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const checksum = [...key.slice(-6)].reduce((sum, digit) => sum * 62 + alphabet.indexOf(digit), 0);
    expect(checksum).toBe(crc32(key.slice(8, 51)));
  });

  it('never comes twice', () => {
    const keys = Array.from({ length: 500 }, newApiKey);
    expect(new Set(keys).size).toBe(500);
  });

  it('is stored as HMAC-SHA-256 under the pepper', () => {
    const key = newApiKey();
    expect(apiKeyDigest(key, pepper)).toBe(createHmac('sha256', pepper).update(key).digest('hex'));
  });

  it('of any other shape, or with any one character changed, is API_KEY_MALFORMED', () => {
    const key = newApiKey();
    fc.assert(
      fc.property(fc.nat({ max: key.length - 1 }), fc.constantFrom(...'0aZ_-é '), (at, character) => {
        const changed = key.slice(0, at) + character + key.slice(at + 1);
        if (changed === key) return;
        expect(() => assertApiKeyShape(changed)).toThrow(refused('API_KEY_MALFORMED'));
      }),
    );
    for (const text of ['', `${key} `, ` ${key}`, `${key}\n`, key.toUpperCase(), `${key}0`]) {
      expect(() => assertApiKeyShape(text)).toThrow(refused('API_KEY_MALFORMED'));
    }
  });
});

describe('authentication', () => {
  it('makes a principal whose agent says where it came from', async () => {
    const { key, authenticator } = authenticatorWith();
    expect(await authenticator.authenticate({ apiKey: key }, now)).toMatchObject({
      tenant: 'acme',
      apiKeyId: 'key-1',
      agent: { value: { id: 'spiffe://acme.test/agent/default' }, source: 'api-key', verified: true },
    });
  });

  it.each([
    ['revoked', { status: 'revoked' }, 'API_KEY_REVOKED'],
    ['past its end', { notAfter: '2026-01-01T00:00:00Z' }, 'API_KEY_EXPIRED'],
    ['at its end', { notAfter: '2026-01-02T00:00:00Z' }, 'API_KEY_EXPIRED'],
    ['with an end that is no time', { notAfter: 'soon' }, 'API_KEY_EXPIRED'],
  ] as const)('refuses a key that is %s', (_, changes, code) => {
    const { key, authenticator } = authenticatorWith(changes);
    expect(() => authenticator.authenticate({ apiKey: key }, now)).toThrow(refused(code));
  });

  it('refuses a well-formed key that nobody issued, without repeating it', () => {
    const { authenticator } = authenticatorWith();
    const key = newApiKey();
    expect(() => authenticator.authenticate({ apiKey: key }, now)).toThrow(refused('API_KEY_UNKNOWN'));
    try {
      void authenticator.authenticate({ apiKey: key }, now);
    } catch (error) {
      expect(String(error)).not.toContain(key);
    }
  });

  it('refuses when the keys cannot be read, and looks again each time', () => {
    const { key, authenticator } = authenticatorWith();
    void authenticator.authenticate({ apiKey: key }, now);
    const broken = createAuthenticator({
      trustDomain: 'acme.test',
      keys: {
        peppers: () => [{ version: 1, secret: pepper }],
        find: () => {
          throw new Error('disk on fire');
        },
      },
    });
    expect(() => broken.authenticate({ apiKey: key }, now)).toThrow(refused('API_KEY_STORE_UNREADABLE'));
  });
});
