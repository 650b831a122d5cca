import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import type { JsonNode } from '../../src/call/json-node.ts';
import { memberOf } from '../../src/call/json-node.ts';
import { parseJson } from '../../src/call/json-scan.ts';

const parse = (text: string) => parseJson(utf8(text));
const valueOf = (text: string) => parse(text).root.value;
const invalid = expect.objectContaining({ code: 'FRAME_INVALID' });
const tooLarge = expect.objectContaining({ code: 'TOO_LARGE' });

/** A value without its prototypes, with the order of members and the sign of zero. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return ['array', ...value.map(shape)];
  if (value === null || typeof value !== 'object') return Object.is(value, -0) ? 'negative zero' : value;
  return ['object', ...Object.entries(value).map(([key, member]) => [key, shape(member)])];
}

/** What the platform makes of bytes, or undefined. */
function reference(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

function ours(bytes: Uint8Array): { value: unknown } | undefined {
  try {
    return { value: parseJson(bytes).root.value };
  } catch {
    return undefined;
  }
}

function* nodesOf(node: JsonNode): Generator<JsonNode> {
  yield node;
  if (node.kind === 'array') for (const element of node.elements) yield* nodesOf(element);
  if (node.kind === 'object') for (const member of node.members) yield* nodesOf(member.node);
}

const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', '', '1', 'é', '😀'),
  fc.string({ unit: 'binary' }),
);
const { tree: anyJson } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    fc.string({ unit: 'binary' }),
    fc.array(tie('tree'), { maxLength: 5 }),
    fc.dictionary(key, tie('tree'), { maxKeys: 5 }),
  ),
}));

describe('parsing JSON', () => {
  it('gives what the platform gives, except that objects have no prototype', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(shape(valueOf(text))).toEqual(shape(JSON.parse(text)));
      }),
    );
  });

  it('accepts what the platform accepts, and nothing else, however a text was damaged', () => {
    const junk = fc.oneof(
      fc.constantFrom(...'{}[]",:\\/-+.eEu0123456789 \t\n\rtfn\0\x7f'),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }),
    );
    const damage = fc.record({
      at: fc.nat(),
      remove: fc.nat({ max: 2 }),
      insert: fc.oneof(fc.constant(''), junk),
    });
    fc.assert(
      fc.property(anyJson, fc.array(damage, { minLength: 1, maxLength: 3 }), (value, damages) => {
        let text = JSON.stringify(value);
        for (const { at, remove, insert } of damages) {
          const from = at % (text.length + 1);
          text = text.slice(0, from) + insert + text.slice(from + remove);
        }
        expect(shape(ours(utf8(text)))).toEqual(shape(reference(utf8(text))));
      }),
      { numRuns: 1500 },
    );
  });

  it('accepts what the platform accepts, and nothing else, for damaged bytes', () => {
    fc.assert(
      fc.property(anyJson, fc.nat(), fc.nat({ max: 255 }), (value, at, byte) => {
        const bytes = utf8(JSON.stringify(value));
        bytes[at % bytes.length] = byte;
        expect(shape(ours(bytes))).toEqual(shape(reference(bytes)));
      }),
      { numRuns: 1000 },
    );
  });

  it('knows where each value and each key stands, in bytes', () => {
    fc.assert(
      fc.property(anyJson, fc.constantFrom(undefined, 2), (value, indent) => {
        const bytes = utf8(` ${JSON.stringify(value, null, indent)}\n`);
        for (const node of nodesOf(parseJson(bytes).root)) {
          const { root } = parseJson(bytes.slice(node.start, node.end));
          expect(root.start).toBe(0);
          expect(root.end).toBe(node.end - node.start);
          expect(shape(root.value)).toEqual(shape(node.value));
          if (node.kind !== 'object') continue;
          for (const member of node.members) {
            const text = new TextDecoder().decode(bytes.subarray(member.keyStart, member.node.start));
            expect(JSON.parse(text.trimEnd().slice(0, -1))).toBe(member.key);
          }
        }
      }),
    );
  });
});

describe('the grammar of RFC 8259', () => {
  it.each([
    ['nothing', ''],
    ['blanks alone', ' \n'],
    ['a byte order mark', '\ufeff{}'],
    ['a no-break space', '\u00a0[]'],
    ['a form feed', '\f[]'],
    ['a second value', '{} {}'],
    ['a NUL after the value', '{}\0'],
    ['a comment', '{}//'],
    ['a comma at the end of an array', '[1,]'],
    ['a comma at the end of an object', '{"a":1,}'],
    ['a comma alone', '[,]'],
    ['two commas', '[1,,2]'],
    ['a missing comma', '[1 2]'],
    ['a missing colon', '{"a" 1}'],
    ['a missing value', '{"a":}'],
    ['a key without quotes', '{a:1}'],
    ['a number for a key', '{1:1}'],
    ['single quotes', "['a']"],
    ['the wrong bracket', '[1}'],
    ['a closing bracket alone', ']'],
    ['an array without end', '[1'],
    ['an object without end', '{"a":1'],
    ['a string without end', '"a'],
    ['a string that ends in its escape', '"a\\"'],
    ['a line feed in a string', '"\n"'],
    ['a tab in a string', '"\t"'],
    ['a NUL in a string', '"\0"'],
    ['an unknown escape', '"\\x41"'],
    ['an escaped capital U', '"\\U0041"'],
    ['a short escape', '"\\u00a"'],
    ['an escape with a sign', '"\\u+041"'],
    ['an escape cut off by the end', '"\\u00'],
    ['a leading zero', '[01]'],
    ['a negative leading zero', '[-01]'],
    ['a plus sign', '[+1]'],
    ['a minus sign alone', '[-]'],
    ['a dot alone', '[.]'],
    ['no integer part', '[.5]'],
    ['no fraction after the dot', '[1.]'],
    ['an exponent without digits', '[1e]'],
    ['an exponent with a sign alone', '[1e+]'],
    ['a fraction in the exponent', '[1e1.5]'],
    ['a hexadecimal number', '[0x1]'],
    ['full-width digits', '[１]'],
    ['an underscore', '[1_0]'],
    ['a bigint', '[1n]'],
    ['NaN', '[NaN]'],
    ['Infinity', '[-Infinity]'],
    ['a capital literal', '[True]'],
    ['a cut literal', '[nul'],
    ['a literal that goes on', '[nullx]'],
  ])('refuses %s', (_, text) => {
    expect(reference(utf8(text))).toBeUndefined();
    expect(() => parse(text)).toThrow(invalid);
  });

  it.each([
    ['overlong', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xe2, 0x82, 0x22]],
    ['Latin-1', [0x22, 0xe9, 0x22]],
    ['UTF-16', [0x5b, 0x00, 0x5d, 0x00]],
  ])('refuses bytes that are not UTF-8: %s', (_, bytes) => {
    expect(() => parseJson(Uint8Array.from(bytes))).toThrow(invalid);
  });

  it.each([
    ['"\\u0041\\n\\/\\"\\\\"', 'A\n/"\\'],
    ['"\\ud83d\\uDE00"', '😀'],
    ['"\u2028\x7f"', '\u2028\x7f'],
    ['"\\u0000"', '\0'],
    ['-0', -0],
    ['-0.0e-5', -0],
    ['1E+2', 100],
    ['0e9999999999', 0],
    ['true', true],
    [' \t\r\n[ ]\n', []],
  ])('reads %s', (text, value) => {
    expect(shape(valueOf(text))).toEqual(shape(value));
  });

  it('says where a text is wrong and nothing of what it says', () => {
    try {
      parse('{"password":"hunter2","b":tru}');
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).toMatch(/byte 26/);
      expect((error as Error).message).not.toMatch(/hunter2|password|tru}/);
    }
  });
});

describe('hostile JSON', () => {
  it('cannot reach a prototype', () => {
    const value = valueOf('{"__proto__":{"admin":true},"constructor":1,"toString":2}') as object;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString']);
    expect('admin' in value).toBe(false);
    expect('admin' in {}).toBe(false);
  });

  it('cannot nest deeper than the limit, however deep it is', () => {
    expect(valueOf('['.repeat(128) + ']'.repeat(128))).toHaveLength(1);
    expect(() => parse('['.repeat(129) + ']'.repeat(129))).toThrow(tooLarge);
    expect(() => parse('['.repeat(1_000_000))).toThrow(tooLarge);
    expect(() => parse('{"a":'.repeat(1_000_000))).toThrow(tooLarge);
    expect(() => parseJson(utf8('[[]]'), { depth: 1, nodes: 9 })).toThrow(tooLarge);
  });

  it('cannot have more values than the limit', () => {
    expect(parseJson(utf8('[1,{"a":2}]'), { depth: 9, nodes: 4 }).root.kind).toBe('array');
    expect(() => parseJson(utf8('[1,{"a":2}]'), { depth: 9, nodes: 3 })).toThrow(tooLarge);
  });

  it('takes time in proportion to its length, also as one object of many keys or one long number', () => {
    const many = `{${Array.from({ length: 50_000 }, (_, i) => `"Key${i}":${i}`).join(',')}}`;
    expect(parse(many).ambiguities).toEqual([]);
    expect(parse(`[${'9'.repeat(100_000)}]`).ambiguities[0]?.kind).toBe('number-overflow');
    expect(valueOf(`"${'\\u0041'.repeat(100_000)}"`)).toHaveLength(100_000);
  });
});

it('finds the member that wins, and none where there is none', () => {
  const { root } = parse('{"a":1,"b":{"c":2},"a":3}');
  expect(memberOf(root, 'a')?.value).toBe(3);
  expect(memberOf(root, 'c')).toBeUndefined();
  expect(memberOf(root, 'toString')).toBeUndefined();
  expect(memberOf(memberOf(root, 'a')!, 'a')).toBeUndefined();
});
