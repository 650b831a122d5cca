import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { foldCase } from '../../src/call/case-fold.ts';
import { ambiguityWithin, memberOf, repeatedKey } from '../../src/call/json-node.ts';
import { parseJson } from '../../src/call/json-scan.ts';

const parse = (text: string) => parseJson(utf8(text));
const kindsOf = (text: string) => parse(text).ambiguities.map(({ kind }) => kind);

describe('a key that is there twice', () => {
  it.each([
    ['at the top', '{"a":1,"a":1}'],
    ['deep inside', '[{"x":[{"a":1,"b":2,"a":3}]}]'],
    ['once escaped', '{"a":1,"\\u0061":2}'],
    ['as the empty key', '{"":1,"":2}'],
    ['as __proto__', '{"__proto__":1,"__proto__":2}'],
    ['beyond ASCII', '{"é":1,"\\u00e9":2}'],
  ])('is found %s', (_, text) => {
    expect(kindsOf(text)).toEqual(['duplicate-key']);
  });

  it('is reported each time that it comes again', () => {
    expect(kindsOf('{"a":1,"a":2,"a":3}')).toEqual(['duplicate-key', 'duplicate-key']);
  });

  it('is none in another object, nor where names of Object.prototype are keys', () => {
    expect(kindsOf('[{"a":{"a":1}},{"a":2}]')).toEqual([]);
    expect(kindsOf('{"toString":1,"hasOwnProperty":2,"__proto__":3,"constructor":4}')).toEqual([]);
  });

  it('is not another normal form of it', () => {
    expect(kindsOf('{"\\u00e9":1,"e\\u0301":2}')).toEqual([]);
  });
});

describe('two keys of one object that differ only in case', () => {
  it.each([
    ['ASCII', '{"path":1,"Path":2}'],
    ['capitals first', '{"PATH":1,"path":2}'],
    ['an escaped capital', '{"path":1,"\\u0050ath":2}'],
    ['the Kelvin sign', '{"key":1,"\u212aey":2}'],
    ['the Kelvin sign, escaped', '{"key":1,"\\u212aey":2}'],
    ['the long s', '{"user":1,"u\u017fer":2}'],
    ['Greek', '{"\u03c3":1,"\u03c2":2}'],
    ['an astral script', '{"\u{10400}":1,"\u{10428}":2}'],
  ])('are found: %s', (_, text) => {
    expect(kindsOf(text)).toEqual(['case-twin']);
  });

  it('are no twins in different objects, or under full folding only', () => {
    expect(kindsOf('{"a":{"A":1},"b":{"a":2}}')).toEqual([]);
    expect(kindsOf('{"stra\u00dfe":1,"strasse":2,"STRASSE1":3}')).toEqual([]);
    expect(kindsOf('{"i":1,"\u0131":2,"\u0130":3}')).toEqual([]);
  });

  it('are found exactly where folding makes two different keys equal', () => {
    const letter = fc.constantFrom(...'aAbBkKsS\u212a\u017f\u00df\u1e9e\u0130iI');
    const keys = fc.array(fc.string({ unit: letter, maxLength: 3 }), { maxLength: 6 });
    fc.assert(
      fc.property(keys, (names) => {
        const text = `{${names.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`;
        const unique = new Set(names);
        const folded = new Set(names.map(foldCase));
        const kinds = new Set(kindsOf(text));
        expect(kinds.has('duplicate-key')).toBe(unique.size < names.length);
        expect(kinds.has('case-twin')).toBe(folded.size < unique.size);
      }),
    );
  });
});

describe('a string that is not Unicode text', () => {
  it.each([
    ['a high half alone', '"\\ud800"'],
    ['a low half alone', '"\\udc00"'],
    ['the halves the wrong way round', '"\\ude00\\ud83d"'],
    ['a high half before something else', '"\\ud83dx\\ude00"'],
    ['a key', '{"\\udfff":1}'],
  ])('is found: %s', (_, text) => {
    expect(kindsOf(text)).toEqual(['lone-surrogate']);
  });

  it('is not one with both halves, escaped or not', () => {
    expect(kindsOf('["\\ud83d\\ude00","😀","\\ufffd"]')).toEqual([]);
  });
});

describe('a number that a double does not hold', () => {
  it.each([
    ['9007199254740993', 'inexact-integer'],
    ['-9007199254740993', 'inexact-integer'],
    ['12345678901234567890', 'inexact-integer'],
    ['18446744073709551615', 'inexact-integer'],
    ['1e400', 'number-overflow'],
    ['-1e400', 'number-overflow'],
    [`1${'0'.repeat(400)}`, 'number-overflow'],
    ['1e-400', 'number-underflow'],
    ['-0.000e-1', undefined],
    ['0.0000001e-9999', 'number-underflow'],
    ['-0', undefined],
    ['0e400', undefined],
    ['9007199254740992', undefined],
    ['9007199254740994', undefined],
    ['100000000000000000000', undefined],
    ['1e23', undefined],
    ['0.1', undefined],
    ['5e-324', undefined],
    ['999999999999999', undefined],
  ])('%s is %s', (lexeme, kind) => {
    expect(kindsOf(`[${lexeme}]`)).toEqual(kind === undefined ? [] : [kind]);
  });

  it('is an integer exactly if its double is another integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (integer) => {
        const exact = BigInt(Number(integer)) === integer;
        expect(kindsOf(`${integer}`)).toEqual(exact ? [] : ['inexact-integer']);
      }),
    );
  });
});

describe('where an ambiguity is', () => {
  const text = '{"method":"x","params":{"n":1e999,"é":{"b":1,"B":2}},"x":[9007199254740993],"Method":"y"}';
  const parsed = parse(text);

  it('is known by offset, key and the container around it', () => {
    const params = memberOf(parsed.root, 'params')!;
    expect(parsed.ambiguities.map(({ kind, key, container }) => [kind, key, container?.start])).toEqual([
      ['number-overflow', undefined, params.start],
      ['case-twin', 'B', memberOf(params, 'é')!.start],
      ['inexact-integer', undefined, memberOf(parsed.root, 'x')!.start],
      ['case-twin', 'Method', 0],
    ]);
    for (const { offset, container } of parsed.ambiguities) {
      expect(offset).toBeGreaterThan(container!.start);
      expect(offset).toBeLessThan(container!.end);
    }
  });

  it('is found inside a node and not beside it', () => {
    expect(ambiguityWithin(parsed, memberOf(parsed.root, 'params')!)?.kind).toBe('number-overflow');
    expect(ambiguityWithin(parsed, memberOf(parsed.root, 'method')!)).toBeUndefined();
    expect(ambiguityWithin(parse('1e999'), parse('1e999').root)?.container).toBeUndefined();
  });

  it('is found as a repeated key of one object alone', () => {
    expect(repeatedKey(parsed, parsed.root, new Set(['method']))?.key).toBe('Method');
    expect(repeatedKey(parsed, parsed.root, new Set(['params', 'b']))).toBeUndefined();
    const first = parse('{"Method":1,"method":2}');
    expect(repeatedKey(first, first.root, new Set(['method']))?.kind).toBe('case-twin');
  });
});
