import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/bytes.ts';
import { readJwks } from '../../../src/identity/tokens/jwks.ts';
import { loadFromUrl } from '../../../src/identity/tokens/jwks-url.ts';
import { createKeySet, type KeySet } from '../../../src/identity/tokens/key-set.ts';
import { jwksOf, now, refused, testKey, type TestKey } from './tokens.ts';

let key: TestKey;
let next: TestKey;
let rsa: TestKey;

beforeAll(async () => {
  key = await testKey('k1');
  next = await testKey('k2');
  rsa = await testKey('r1', 'RS256');
});

const minute = 60_000;
const ask = (set: KeySet, keyId: string | undefined, at = now) => set.find({ algorithm: 'ES256', keyId }, at);

/** A published set that can be changed and made to fail, and how often it was read. */
function published(first: Uint8Array) {
  const at = { bytes: first as Uint8Array | undefined, reads: 0, hold: Promise.resolve(), elapsed: 0 };
  const set = createKeySet({
    algorithms: ['ES256', 'RS256'],
    elapsed: () => at.elapsed,
    load: async () => {
      at.reads += 1;
      await at.hold;
      if (at.bytes === undefined) throw new Error('down');
      return at.bytes;
    },
  });
  return { at, set };
}

describe('the keys of an issuer', () => {
  it('are read once, however many ask at once', async () => {
    const { at, set } = published(jwksOf(key));
    const found = await Promise.all(Array.from({ length: 200 }, () => ask(set, 'k1')));
    expect(new Set(found).size).toBe(1);
    expect(found[0]).toMatchObject({ type: 'public' });
    expect(at.reads).toBe(1);
  });

  it('are asked for once when their issuer is down, and then not until a pause is over', async () => {
    const { at, set } = published(new Uint8Array());
    at.bytes = undefined;
    const found = await Promise.all(Array.from({ length: 200 }, () => ask(set, 'k1')));
    expect(new Set(found)).toEqual(new Set(['KEYS_UNAVAILABLE']));
    for (let ms = 0; ms < 1_000; ms += 100) await ask(set, 'k1', now + ms);
    expect(at.reads).toBe(1);
    await ask(set, 'k1', now + 1_000);
    await ask(set, 'k1', now + 2_999);
    expect(at.reads).toBe(2);
    at.bytes = jwksOf(key);
    expect(await ask(set, 'k1', now + 3_000)).toMatchObject({ type: 'public' });
  });

  it('count on while their issuer is down, and not for ever', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    at.bytes = undefined;
    expect(await ask(set, 'k1', now + 69 * minute)).toMatchObject({ type: 'public' });
    expect(await ask(set, 'k1', now + 70 * minute)).toBe('KEYS_UNAVAILABLE');
  });

  it('count on when what is published instead cannot be used', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    const offItsCurve = JSON.stringify({ keys: [{ ...key.jwk, y: key.jwk.x }] });
    const unusable = ['', '{"keys":[]}', '<html>', 'x'.repeat(300_000), offItsCurve];
    for (const [i, bytes] of unusable.entries()) {
      at.bytes = utf8(bytes);
      expect(await ask(set, 'k1', now + (20 + 5 * i) * minute)).toMatchObject({ type: 'public' });
      expect(at.reads).toBe(i + 2);
    }
  });

  it('are forgotten ten minutes after their issuer took them back', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    at.bytes = jwksOf(next);
    expect(await ask(set, 'k1', now + 10 * minute - 1)).toMatchObject({ type: 'public' });
    expect(await ask(set, 'k1', now + 10 * minute)).toBe('KEY_UNKNOWN');
  });

  it('are read again at once for a new name, right after they were read too', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    at.bytes = jwksOf(key, next);
    expect(await ask(set, 'k2', now + 1)).toMatchObject({ type: 'public' });
    expect(at.reads).toBe(2);
  });

  it('are found by everybody who asks for a new name while they are being read again', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    at.bytes = jwksOf(key, next);
    const found = await Promise.all(Array.from({ length: 200 }, (_, i) => ask(set, 'k2', now + i)));
    for (const one of found) expect(one).toMatchObject({ type: 'public' });
    expect(at.reads).toBe(2);
  });

  it('are found a second later when they were published a little after the first token', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    for (let ms = 0; ms < 1_000; ms += 1) expect(await ask(set, 'k2', now + ms)).toBe('KEY_UNKNOWN');
    expect(at.reads).toBe(2);
    at.bytes = jwksOf(key, next);
    expect(await ask(set, 'k2', now + 1_000)).toMatchObject({ type: 'public' });
  });

  it('are read for names that nobody knows four times at most, and then twice a minute', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    const readsUntil = async (seconds: number, from: number): Promise<number> => {
      for (let ms = from * 1_000; ms < seconds * 1_000; ms += 100)
        expect(await ask(set, `guess-${ms}`, now + ms)).toBe('KEY_UNKNOWN');
      return at.reads - 1;
    };
    expect(await readsUntil(30, 0)).toBe(4);
    expect(await readsUntil(9 * 60, 30)).toBe(4 + 2 * 9 - 1);
    // Nobody guesses for a while, and no more is saved up than before.
    expect((await readsUntil(60 * 60 + 30, 60 * 60)) - (4 + 2 * 9 - 1)).toBe(1 + 4);
  });

  it('of an honest issuer count half a minute after it changed them, whatever names others guess', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    for (let ms = 0; ms < 120_000; ms += 100) await ask(set, `guess-${ms}`, now + ms);
    at.bytes = jwksOf(key, next);
    let waited = 0;
    while (typeof (await ask(set, 'k2', now + 120_000 + waited)) === 'string') waited += 1_000;
    expect(waited).toBeLessThanOrEqual(30_000);
  });

  it('are not asked for by an unknown name while their issuer is left alone', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    at.bytes = undefined;
    const tries: number[] = [];
    for (let ms = 0; ms < 70_000; ms += 100) {
      const { reads } = at;
      expect(await ask(set, 'k2', now + ms)).toBe('KEY_UNKNOWN');
      if (at.reads > reads) tries.push(ms);
    }
    // A second after the first failure, two after the second and so on, and no more of them than of other guesses.
    expect(tries).toEqual([0, 1_000, 3_000, 7_000, 30_000, 60_000]);
  });

  it('are guessed at after a clock was set back, too, and not more often', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    for (let i = 0; i < 10; i += 1) await ask(set, `guess-${i}`, now + i * 1_000);
    const before = at.reads;
    const earlier = now - 5 * minute;
    for (let ms = 0; ms < 2 * minute; ms += 100) await ask(set, `guess-${ms}`, earlier + ms);
    expect(at.reads - before).toBe(3);
  });

  it('are not asked for again at once when their issuer was waited for in vain', async () => {
    const { at, set } = published(jwksOf(key));
    at.bytes = undefined;
    let giveUp = (): void => undefined;
    at.hold = new Promise<void>((resolve) => (giveUp = resolve));
    const asking = ask(set, 'k1');
    at.elapsed = 5_000;
    giveUp();
    expect(await asking).toBe('KEYS_UNAVAILABLE');
    for (const ms of [1, 5_000, 5_999]) expect(await ask(set, 'k1', now + ms)).toBe('KEYS_UNAVAILABLE');
    expect(at.reads).toBe(1);
    at.bytes = jwksOf(key);
    expect(await ask(set, 'k1', now + 6_000)).toMatchObject({ type: 'public' });
  });

  it('are given at once, to all but the one who asks, while an issuer that failed does not answer', async () => {
    const { at, set } = published(jwksOf(key));
    await ask(set, 'k1');
    at.bytes = undefined;
    await ask(set, 'k1', now + 10 * minute);
    let answer = (): void => undefined;
    at.hold = new Promise<void>((resolve) => (answer = resolve));
    const asking = ask(set, 'k1', now + 11 * minute);
    expect(await ask(set, 'k1', now + 11 * minute)).toMatchObject({ type: 'public' });
    answer();
    expect(await asking).toMatchObject({ type: 'public' });
    expect(at.reads).toBe(3);
  });

  it('verify one algorithm each', async () => {
    const { set } = published(jwksOf(key, rsa));
    expect(await ask(set, 'r1')).toBe('ALGORITHM_REFUSED');
    expect(await set.find({ algorithm: 'RS256', keyId: 'k1' }, now)).toBe('ALGORITHM_REFUSED');
    expect(await set.find({ algorithm: 'RS256', keyId: 'r1' }, now)).toMatchObject({ type: 'public' });
  });

  it('are meant by a token that names none only where there is one', async () => {
    expect(await ask(published(jwksOf(key, rsa)).set, undefined)).toMatchObject({ type: 'public' });
    expect(await ask(published(jwksOf(key, next)).set, undefined)).toBe('KEY_UNKNOWN');
  });

  it('of one name are none: nobody can tell which was meant', async () => {
    const twin = await testKey('k1');
    expect(await ask(published(jwksOf(key, twin, next)).set, 'k1')).toBe('KEY_UNKNOWN');
  });
});

describe('a key set', () => {
  const allowed = ['ES256', 'RS256'] as const;
  const withKeys = (...keys: readonly object[]) => utf8(JSON.stringify({ keys }));
  const usable = (...keys: readonly object[]) => readJwks(withKeys(...keys), allowed).length;

  it('is refused as a whole when it is none, or too large', () => {
    for (const text of [
      '',
      '[]',
      '{}',
      '{"keys":{}}',
      '{"keys":[],"keys":[]}',
      'null',
      `${' '.repeat(262_144)}{}`,
    ])
      expect(() => readJwks(utf8(text), allowed)).toThrow(refused('CONFIG_INVALID'));
    const many = Array.from({ length: 65 }, (_, i) => ({ ...key.jwk, kid: `k${i}` }));
    expect(() => readJwks(withKeys(...many), allowed)).toThrow(refused('CONFIG_INVALID'));
    expect(usable(...many.slice(1))).toBe(64);
    // So many were seen to be taken, each of them a signature to try.
    for (const one of [{}, { ...key.jwk }])
      expect(() => readJwks(withKeys(...Array.from({ length: 20_001 }, () => one)), allowed)).toThrow(
        refused('CONFIG_INVALID'),
      );
  });

  it.each([
    ['for encryption', () => ({ ...key.jwk, use: 'enc' })],
    ['for signing alone', () => ({ ...key.jwk, key_ops: ['sign'] })],
    ['that is a shared secret', () => ({ kty: 'oct', k: 'AAAA', alg: 'HS256' })],
    ['with its private half', () => ({ ...key.jwk, d: 'AAAA' })],
    ['of an algorithm that is not allowed', () => ({ ...key.jwk, alg: 'ES384' })],
    ['of another curve than its algorithm', () => ({ ...key.jwk, crv: 'P-384' })],
    ['of the curve __proto__', () => ({ ...key.jwk, crv: '__proto__', alg: undefined })],
    ['whose name is a number', () => ({ ...key.jwk, kid: 1 })],
    ['of 1024 bits', () => ({ ...rsa.jwk, n: rsa.jwk.n?.slice(0, 171) })],
    ['with the exponent 1', () => ({ ...rsa.jwk, e: 'AQ' })],
    ['with an even exponent', () => ({ ...rsa.jwk, e: 'AQAA' })],
    ['whose modulus is no base64url', () => ({ ...rsa.jwk, n: `${rsa.jwk.n ?? ''}=` })],
    ['that is no object', () => [key.jwk]],
  ])('has no use for a key %s', (_, odd) => {
    expect(usable(odd(), next.jwk)).toBe(1);
  });

  it('gives a key that names no algorithm the first allowed one that fits', () => {
    const { alg, ...nameless } = rsa.jwk;
    expect(alg).toBe('RS256');
    expect(readJwks(withKeys(nameless), ['PS256', 'RS256'])[0]).toMatchObject({ algorithm: 'PS256' });
    expect(readJwks(withKeys(nameless), ['ES256', 'RS256'])[0]).toMatchObject({ algorithm: 'RS256' });
  });
});

describe('the URL of a key set', () => {
  const serve = async (answer: Parameters<typeof createServer>[1], test: (url: string) => Promise<void>) => {
    const server = createServer(answer as Parameters<typeof createServer>[1] & object);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await test(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };

  it('is read', async () => {
    await serve(
      (_, response) => response.end(jwksOf(key)),
      async (url) => expect(readJwks(await loadFromUrl(url, fetch)(), ['ES256'])).toHaveLength(1),
    );
  });

  it('is not left for another: a redirect is an error', async () => {
    let followed = 0;
    await serve(
      ({ url }, response) => {
        if (url === '/jwks') response.writeHead(302, { location: '/evil' }).end();
        else response.end(jwksOf(key), () => (followed += 1));
      },
      async (url) => expect(loadFromUrl(url, fetch)()).rejects.toThrow(),
    );
    expect(followed).toBe(0);
  });

  it('is not read without end, and an error is no set', async () => {
    await serve(
      (_, response) => {
        const more = (): void => {
          while (response.write('x'.repeat(65_536)));
        };
        response.on('drain', more);
        more();
      },
      async (url) => expect(loadFromUrl(url, fetch)()).rejects.toThrow(),
    );
    await serve(
      (_, response) => response.writeHead(500).end(jwksOf(key)),
      async (url) => expect(loadFromUrl(url, fetch)()).rejects.toThrow(),
    );
  });
});
