import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { parseJson } from '../../src/call/json-scan.ts';
import { pointer, resolve } from '../../src/call/pointer.ts';

// The document and the pointers of RFC 6901 section 5.
const { value: document } = parseJson(
  utf8(
    '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8,"__proto__":9}',
  ),
).root;

describe('a JSON pointer', () => {
  it.each([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
    ['/__proto__', 9],
  ])('%j leads to what RFC 6901 says', (path, value) => {
    expect(resolve(document, path)).toEqual(value);
  });

  it.each([
    ['no slash', 'foo'],
    ['an escape that there is not', '/m~2n'],
    ['a tilde at the end', '/m~'],
    ['a leading zero', '/foo/00'],
    ['the place after the last', '/foo/-'],
    ['an index beyond the end', '/foo/2'],
    ['a negative index', '/foo/-1'],
    ['a property of arrays', '/foo/length'],
    ['a key that is not there', '/bar'],
    ['a step into a string', '/foo/0/0'],
    ['a step after nothing', '/bar/0'],
    ['a property of objects', '/toString'],
  ])('leads nowhere: %s', (_, path) => {
    expect(resolve(document, path)).toBeUndefined();
  });

  it('reads no inherited property, whoever made the object', () => {
    expect(resolve({ a: 1 }, '/constructor')).toBeUndefined();
    expect(resolve({ a: 1 }, '/__proto__')).toBeUndefined();
  });

  it('of some keys leads to the value under them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a') })), (keys) => {
        const value = keys.reduceRight<object | number>((inner, key) => ({ [key]: inner }), 7);
        expect(resolve(value as never, pointer(...keys))).toBe(keys.length === 0 ? value : 7);
      }),
    );
    expect(pointer('a', 0, 'b/c~d')).toBe('/a/0/b~1c~0d');
    expect(pointer()).toBe('');
  });
});
