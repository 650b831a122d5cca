import { describe, expect, it } from 'vitest';
import { fromHex } from '../../src/call/bytes.ts';
import { verifyEd25519 } from '../../src/tlog/ed25519.ts';
import { importEd25519, importP256, verifySignature } from '../../src/verify/crypto.ts';
import type { VerifyKey } from '../../src/verify/crypto.ts';
import { vectorJson } from '../support/vectors.ts';

/** `test/vectors/wycheproof/`: signatures that implementations got wrong, and good ones that they refused. */
interface Suite {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKeyDer: string;
    readonly publicKey: { readonly pk?: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly flags: readonly string[];
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

interface Case {
  readonly name: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
  readonly spki: Uint8Array;
  readonly raw: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

const bytes = (text: string): Uint8Array => fromHex(text) ?? expect.unreachable(`not hexadecimal: ${text}`);

function casesOf(suite: Suite): readonly Case[] {
  return suite.testGroups.flatMap(({ publicKeyDer, publicKey, tests }) =>
    tests.map(({ tcId, comment, flags, msg, sig, result }) => ({
      name: `${tcId} ${flags.join(' ')}: ${comment}`,
      result,
      spki: bytes(publicKeyDer),
      raw: bytes(publicKey.pk ?? ''),
      message: bytes(msg),
      signature: bytes(sig),
    })),
  );
}

/** Names of the cases that were decided otherwise than the suite does. */
async function disagreements(
  cases: readonly Case[],
  accepts: (vector: Case) => boolean | Promise<boolean>,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const vector of cases) {
    if ((await accepts(vector)) !== (vector.result === 'valid')) wrong.push(vector.name);
  }
  return wrong;
}

function verifierOf(importKey: (spki: Uint8Array) => Promise<VerifyKey | undefined>) {
  return async ({ spki, message, signature }: Case): Promise<boolean> => {
    const key = await importKey(spki);
    return key !== undefined && (await verifySignature(key, message, signature));
  };
}

describe.each([
  { file: 'ecdsa_secp256r1_sha256_test.json', importKey: importP256, valid: 174, invalid: 310 },
  { file: 'ed25519_test.json', importKey: importEd25519, valid: 88, invalid: 62 },
])('Wycheproof’s $file', ({ file, importKey, valid, invalid }) => {
  const suite = vectorJson(`wycheproof/${file}`) as Suite;
  const cases = casesOf(suite);

  it('leaves nothing to taste: each case is valid or invalid', () => {
    const count = (result: Case['result']): number => cases.filter((c) => c.result === result).length;
    expect(cases.length).toBe(suite.numberOfTests);
    expect([count('valid'), count('invalid'), count('acceptable')]).toEqual([valid, invalid, 0]);
  });

  it('has no key that we cannot read', async () => {
    for (const { spki } of cases) expect(await importKey(spki)).toBeDefined();
  });

  it('is decided by the verifier as its authors decided it', async () => {
    expect(await disagreements(cases, verifierOf(importKey))).toEqual([]);
  });
});

describe('Wycheproof’s ed25519_test.json', () => {
  it('is decided by the log’s own reader of signatures alike', async () => {
    const cases = casesOf(vectorJson('wycheproof/ed25519_test.json') as Suite);
    const accepts = ({ signature, message, raw }: Case): boolean => verifyEd25519(signature, message, raw);
    expect(await disagreements(cases, accepts)).toEqual([]);
  });
});
