import { beforeAll, describe, expect, it } from 'vitest';
import type { Human } from '../../../src/identity/principal.ts';
import { createTokenVerifier, type TokenVerifier } from '../../../src/identity/tokens/token-verifier.ts';
import { goodClaims, keysOf, now, refused, sign, testIssuer, testKey, type TestKey } from './tokens.ts';

let key: TestKey;
beforeAll(async () => {
  key = await testKey('k1');
});

describe('what was verified before', () => {
  /** A verifier, and how often it verified a signature. */
  function countingVerifier(): { readonly counting: TokenVerifier<Human>; readonly asked: () => number } {
    let asked = 0;
    const keys = keysOf(key);
    const find: typeof keys.find = (question, at) => {
      asked += 1;
      return keys.find(question, at);
    };
    const issuers = [testIssuer({ find })];
    return { counting: createTokenVerifier({ holder: 'HUMAN', version: '1', issuers }), asked: () => asked };
  }

  it('is remembered by the whole token: a forged signature under known claims is refused', async () => {
    const token = await sign(key, { ...goodClaims, jti: 'known' });
    const { counting } = countingVerifier();
    await counting.verify(token, 'default', now);
    const forged = token.slice(0, -8) + (token.endsWith('AAAAAAAA') ? 'AAAAAAAE' : 'AAAAAAAA').slice(0, 8);
    await expect(counting.verify(forged, 'default', now)).rejects.toThrow(
      refused('HUMAN_TOKEN_SIGNATURE_INVALID'),
    );
  });

  it('ends when the token does', async () => {
    const token = await sign(key);
    const { counting } = countingVerifier();
    await expect(counting.verify(token, 'default', now)).resolves.toBeDefined();
    await expect(counting.verify(token, 'default', now + 600_000)).rejects.toThrow(
      refused('HUMAN_TOKEN_EXPIRED'),
    );
  });

  it('is verified again after five minutes, with the keys of then', async () => {
    const { counting, asked } = countingVerifier();
    const token = await sign(key);
    for (const at of [0, 1_000, 299_000, 300_000]) await counting.verify(token, 'default', now + at);
    expect(asked()).toBe(2);
  });

  it('is another’s nothing: each tenant has its own', async () => {
    const { counting, asked } = countingVerifier();
    const token = await sign(key);
    for (const tenant of ['a', 'b', 'a']) await counting.verify(token, tenant, now);
    expect(asked()).toBe(2);
  });

  it('is forgotten when there is too much of it', async () => {
    const token = await sign(key);
    const { counting, asked } = countingVerifier();
    await counting.verify(token, 'first', now);
    for (let i = 0; i < 1_024; i += 1) await counting.verify(token, `t${i}`, now);
    await counting.verify(token, 'first', now);
    expect(asked()).toBe(1_026);
  });
});
