import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/bytes.ts';
import { parseJson } from '../../../src/call/json-scan.ts';
import {
  headerText,
  mirroredArguments,
  mirroredText,
  textOfHeader,
} from '../../../src/gateway/mcp/mirrored-headers.ts';

const nodeOf = (value: unknown) => parseJson(utf8(JSON.stringify(value))).root;

describe('a text in a header', () => {
  it('is read back whatever it is, and is always something that a header can carry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const value = headerText(text);
        expect(new Headers({ name: value }).get('name')).toBe(value);
        expect(textOfHeader(value)).toBe(text);
      }),
    );
  });

  it.each(['=?base64?A===?=', '=?base64?%%?=', '=?base64?gA==?='])(
    'is none when it is coded badly: %s',
    (value) => {
      expect(textOfHeader(value)).toBeUndefined();
    },
  );
});

describe('the arguments that a tool wants repeated', () => {
  const property = (header: string) => ({ type: 'string', 'x-mcp-header': header });

  it('are found at any depth of properties, and nowhere else', () => {
    const schema = {
      properties: {
        region: property('Region'),
        target: { properties: { host: property('Host') } },
        list: { items: property('Item') },
      },
    };
    expect(mirroredArguments(nodeOf(schema))).toEqual([
      { header: 'region', path: ['region'] },
      { header: 'host', path: ['target', 'host'] },
    ]);
  });

  it('are none where two claim one header, in whatever case', () => {
    const schema = { properties: { a: property('Region'), b: property('REGION'), c: property('Zone') } };
    expect(mirroredArguments(nodeOf(schema)).map(({ header }) => header)).toEqual(['zone']);
  });

  it.each([
    ['eu', 'eu'],
    [true, 'true'],
    [12, '12'],
    [1.5, '1.5'],
    [null, undefined],
    [{}, undefined],
    [[], undefined],
  ])('are repeated by a text where they are one value: %j', (value, text) => {
    const argument = { header: 'at', path: ['deep', 'at'] };
    expect(mirroredText(nodeOf({ deep: { at: value } }), argument)).toBe(text);
  });
});
