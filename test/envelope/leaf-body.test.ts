import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/call/canonical-json.ts';
import { fromUtf8, utf8 } from '../../src/call/bytes.ts';
import { leafBody, parseLeafBody } from '../../src/envelope/leaf-body.ts';
import { mutationsOf } from '../pki/mutations.ts';
import { vector, vectorCertificate } from '../pki/vectors.ts';
import { sha256 } from '../../src/call/sha256.ts';

const body = vector('body.json');
const content = {
  paeSha256: sha256(vector('pae.bin')),
  signature: vector('sig.bin'),
  certificate: vectorCertificate('leaf.pem'),
};

describe('a leaf', () => {
  it('is byte for byte the one that stock verifiers build', () => {
    expect(leafBody(content)).toEqual(body);
    expect(parseLeafBody(body)).toEqual(content);
  });

  it('is canonical JSON', () => {
    const text = fromUtf8(leafBody(content)) ?? '';
    expect(canonicalJson(JSON.parse(text))).toBe(text);
  });

  it('is read back whatever is in it', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 99 });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        bytes,
        bytes,
        (paeSha256, signature, certificate) => {
          const leaf = { paeSha256, signature, certificate };
          expect(parseLeafBody(leafBody(leaf))).toEqual(leaf);
        },
      ),
    );
  });

  it('is accepted in this one spelling', () => {
    fc.assert(
      fc.property(mutationsOf(body), (mutated) => {
        const parsed = parseLeafBody(mutated);
        if (parsed) expect(leafBody(parsed)).toEqual(mutated);
      }),
      { numRuns: 1000 },
    );
  });

  const text = fromUtf8(body) ?? '';
  it.each([
    ['with a space', text.replace(':{', ': {')],
    ['with a line break at its end', `${text}\n`],
    ['with an escaped character', text.replace('kind', '\\u006bind')],
    [
      'with members in another order',
      text.replace(
        '"apiVersion":"0.0.2","kind":"hashedrekord"',
        '"kind":"hashedrekord","apiVersion":"0.0.2"',
      ),
    ],
    ['with a member twice', text.replace('{"apiVersion"', '{"kind":"hashedrekord","apiVersion"')],
    ['with a shorter digest', text.replace(/"digest":"[^"]*"/, '"digest":"AAAA"')],
    [
      'with base64 whose unused bits are set',
      text.replace(/"digest":"[^"]*"/, `"digest":"${'A'.repeat(42)}B="`),
    ],
    ['with base64 without padding', text.replace('kA==', 'kA')],
    ['with nothing', ''],
  ])('is refused %s', (_what, changed) => {
    expect(changed).not.toBe(text);
    expect(parseLeafBody(utf8(changed))).toBeUndefined();
  });
});
