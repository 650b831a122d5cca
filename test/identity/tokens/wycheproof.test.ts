import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/bytes.ts';
import { readCompactJws } from '../../../src/identity/tokens/compact-jws.ts';
import { tokenAlgorithms } from '../../../src/identity/tokens/jwk.ts';
import { createKeySet } from '../../../src/identity/tokens/key-set.ts';
import { tokenRefusals } from '../../../src/identity/tokens/token-fault.ts';
import { verifySignature } from '../../../src/identity/tokens/token-verifier.ts';

/** See test/vectors/wycheproof/README.md. */
interface Vectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly comment: string;
    readonly public?: object;
    readonly private: object;
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly jws?: unknown;
      readonly jwe?: unknown;
      readonly result: 'valid' | 'invalid';
    }[];
  }[];
}

function vectors(name: string): Vectors {
  return JSON.parse(
    readFileSync(new URL(`../../vectors/wycheproof/${name}`, import.meta.url), 'utf8'),
  ) as Vectors;
}

/** Valid to their authors, and refused here. */
const stricter: Readonly<Record<string, string>> = {
  emptyPayload: 'a payload of nothing is no claims',
  Figure20: 'the key is for PS256, the signature is of PS384',
  Figure27: 'the key is for “ES521”, which is no algorithm',
};

function casesOf(file: string) {
  const { testGroups, numberOfTests } = vectors(file);
  const seen = testGroups.flatMap((group) => group.tests.map((test) => ({ group, test })));
  expect(seen).toHaveLength(numberOfTests);
  return seen;
}

async function outcomes(
  file: string,
): Promise<readonly { readonly title: string; readonly sane: boolean }[]> {
  const signed = casesOf(file).filter(({ test }) => test.jws !== undefined);
  return Promise.all(
    signed.map(async ({ group, test }) => {
      const key = group.public;
      const accepted = key !== undefined && (await isAccepted(key, test.jws));
      // Without a public half there is only a shared secret: never a key of an issuer.
      const expected = test.result === 'valid' && key !== undefined && !(test.comment in stricter);
      return { title: `${group.comment} ${test.tcId} ${test.comment}`, sane: accepted === expected };
    }),
  );
}

async function isAccepted(key: object, jws: unknown): Promise<boolean> {
  const jwks = 'keys' in key ? key : { keys: [key] };
  const refuse = tokenRefusals('HUMAN');
  const keys = createKeySet({
    algorithms: tokenAlgorithms,
    load: () => Promise.resolve(utf8(JSON.stringify(jwks))),
  });
  try {
    const token = typeof jws === 'string' ? jws : JSON.stringify(jws);
    const unverified = readCompactJws(token, refuse);
    const types = [unverified.type];
    await verifySignature(token, unverified, { algorithms: tokenAlgorithms, types, keys }, refuse, 0);
    return true;
  } catch {
    return false;
  }
}

describe('of Wycheproof’s', () => {
  it.each(['json_web_signature_test.json', 'json_web_key_test.json', 'json_web_crypto_test.json'])(
    '%s every signed case is decided as its authors do, or more strictly',
    async (file) => {
      expect((await outcomes(file)).flatMap(({ title, sane }) => (sane ? [] : [title]))).toEqual([]);
    },
  );

  it.each([
    ['json_web_encryption_test.json', 139],
    ['json_web_crypto_test.json', 34],
  ])('%s every encrypted case is refused, the good ones too, and is told so', (file, count) => {
    const encrypted = casesOf(file).filter(({ test }) => test.jwe !== undefined);
    expect(encrypted).toHaveLength(count);
    for (const { test } of encrypted) {
      const token = typeof test.jwe === 'string' ? test.jwe : JSON.stringify(test.jwe);
      const code = token.split('.').length === 5 ? 'HUMAN_TOKEN_HEADER_REFUSED' : 'HUMAN_TOKEN_MALFORMED';
      expect(() => readCompactJws(token, tokenRefusals('HUMAN')), String(test.tcId)).toThrow(
        expect.objectContaining({ code }) as Error,
      );
    }
  });
});
