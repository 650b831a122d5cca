import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, hex, utf8 } from '../../src/call/bytes.ts';
import { canonicalJson } from '../../src/call/canonical-json.ts';
import { parseJson } from '../../src/call/json-scan.ts';
import type { Json } from '../../src/call/json.ts';

const vectors = JSON.parse(readFileSync(new URL('../vectors/jcs/rfc8785.json', import.meta.url), 'utf8')) as {
  sample: { input: string; canonical: string; utf8: string };
  sorting: { input: string; values: string[] };
  numbers: [bits: string, text: string | null][];
};

const canonicalOf = (text: string): string => canonicalJson(parseJson(utf8(text)).root.value);

describe('canonical JSON', () => {
  it('gives the bytes of the sample in RFC 8785', () => {
    const { input, canonical, utf8: bytes } = vectors.sample;
    expect(canonicalOf(input)).toBe(canonical);
    expect(hex(utf8(canonicalOf(input)))).toBe(bytes);
  });

  it('sorts members by UTF-16 code units, not by code points', () => {
    const values = [...canonicalOf(vectors.sorting.input).matchAll(/:"(.*?)"/g)].map(([, value]) => value);
    expect(values).toEqual(vectors.sorting.values);
  });

  it.each(vectors.numbers)('writes the double %s as %s', (bits, text) => {
    const value = new DataView(fromHex(bits)!.buffer).getFloat64(0);
    if (text === null) {
      expect(() => canonicalJson(value)).toThrow(expect.objectContaining({ code: 'ARGUMENTS_AMBIGUOUS' }));
    } else {
      expect(canonicalJson(value)).toBe(text);
    }
  });

  it('is its own canonical form, and the same for every order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = canonicalJson(value as Json);
        expect(canonicalOf(text)).toBe(text);
        expect(canonicalOf(JSON.stringify(reversed(value as Json), null, 1))).toBe(text);
      }),
    );
  });

  it.each([['\ud800'], ['a\udc00b'], [{ '\udfff': 1 }], [[{ a: ['\udc00\ud800'] }]]])(
    'refuses a lone surrogate in %j',
    (value) => {
      expect(() => canonicalJson(value as Json)).toThrow(
        expect.objectContaining({ code: 'ARGUMENTS_AMBIGUOUS' }),
      );
    },
  );

  it('refuses what JSON does not have, rather than dropping it', () => {
    expect(() => canonicalJson({ a: undefined } as unknown as Json)).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    );
  });

  it('treats __proto__ as a key like any other', () => {
    expect(canonicalOf('{"__proto__":{"b":1},"a":2}')).toBe('{"__proto__":{"b":1},"a":2}');
  });
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (value === null || typeof value !== 'object') return value;
  const object = Object.create(null) as Record<string, Json>;
  for (const [key, member] of Object.entries(value).reverse()) object[key] = reversed(member);
  return object;
}
