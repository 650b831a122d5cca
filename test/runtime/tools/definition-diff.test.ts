import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../src/call/sha256.ts';
import { fieldChanges } from '../../../src/runtime/tools/definition-diff.ts';

const bytesOf = (value: unknown) => ({
  sha256: '',
  bytes: utf8(typeof value === 'string' ? value : JSON.stringify(value)),
});
const between = (before: unknown, after: unknown) =>
  fieldChanges({ pinned: bytesOf(before), listed: bytesOf(after) });
const fields = (before: unknown, after: unknown): readonly string[] | undefined =>
  between(before, after)?.map(({ field }) => field);

const look = {
  name: 'look',
  description: 'Looks.',
  inputSchema: { type: 'object', properties: { at: { type: 'string' } } },
};

describe('what changed of a definition', () => {
  it('shows what is hidden in a description that looks the same', () => {
    const hidden = { ...look, description: 'Looks.\u{e0041}\ufe0f\u3164\u200b' };
    expect(between(look, hidden)).toEqual([
      {
        field: 'description',
        diff: '@@ -1,1 +1,1 @@\n-Looks.\n+Looks.\\u{e0041}\\u{fe0f}\\u{3164}\\u{200b}',
      },
    ]);
  });

  it('writes out what could rewrite a terminal', () => {
    const [change] = between(look, { ...look, description: 'Looks.\u001b[2K\u202e\r' }) ?? [];
    expect(change?.diff.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('is told also where only the writing differs', () => {
    const text = JSON.stringify(look);
    expect(fields(text, text.replace('Looks.', 'Look\\u0073.'))).toEqual(['']);
    expect(fields(text, text.replace(',', ', '))).toEqual(['']);
    expect(fields({ a: 1, b: 2 }, { b: 2, a: 1 })).toEqual(['']);
    expect(fields('{"n":12345678901234567890}', '{"n":12345678901234567891}')).toEqual(['']);
  });

  it('is told of every member, those that we know first', () => {
    const after = {
      _meta: { a: 1 },
      'x-own': 1,
      annotations: { readOnlyHint: true },
      title: 'Look',
      name: 'looks',
    };
    expect(fields(look, after)).toEqual([
      'name',
      'title',
      'description',
      'inputSchema',
      'annotations',
      '_meta',
      'x-own',
    ]);
  });

  it('is the lines that differ of a schema, whatever the order of its members', () => {
    const after = { ...look, inputSchema: { properties: { at: { type: 'number' } }, type: 'object' } };
    expect(between(look, after)).toEqual([
      {
        field: 'inputSchema',
        diff: [
          '@@ -1,7 +1,7 @@',
          ' {',
          '   "properties": {',
          '     "at": {',
          '-      "type": "string"',
          '+      "type": "number"',
          '     }',
          '   },',
          '   "type": "object"',
        ].join('\n'),
      },
    ]);
  });

  it('is all of a definition that is new or gone', () => {
    const all = ['name', 'description', 'inputSchema'];
    expect(fieldChanges({ listed: bytesOf(look) })?.map(({ field }) => field)).toEqual(all);
    expect(fieldChanges({ pinned: bytesOf(look) })?.map(({ field }) => field)).toEqual(all);
  });

  it('is not known where the pinned definition is not remembered', () => {
    expect(fieldChanges({ pinned: { sha256: '' }, listed: bytesOf(look) })).toBeUndefined();
  });

  it('is told of any two texts that differ, and of none that do not', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.oneof(fc.json(), fc.string()), (a, b) => {
        expect(between(a, b)?.length === 0).toBe(a === b);
        expect(between(a, a)).toEqual([]);
      }),
    );
  });
});
