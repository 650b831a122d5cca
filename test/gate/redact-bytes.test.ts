import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../src/call/json.ts';
import { parseJson } from '../../src/call/json-scan.ts';
import { utf8 } from '../../src/call/sha256.ts';
import { boundResult } from '../../src/gate/bound-result.ts';
import { redactBytes } from '../../src/gate/redact-bytes.ts';
import type { RedactObligation } from '../../src/policy/obligation.ts';
import { redactJson, redactorsOf } from '../../src/policy/redact.ts';

const card: RedactObligation = {
  ...{ type: 'redact', rule: 'r', of: 'result' },
  ...{ fields: ['/people/*/name', '/secret'], match: '[0-9]{4}-[0-9]{4}', with: '[x]' },
};
const redactors = await redactorsOf([card]);

function redacted(text: string): string {
  return new TextDecoder().decode(redactBytes(utf8(text), redactors));
}

describe('taking out of JSON text', () => {
  it.each([
    ['what a pattern finds in any text', '["card 4111-1111 and 4222-2222"]', '["card [x] and [x]"]'],
    ['a field, whatever it holds', '{"secret":{"deep":[1,2]}}', '{"secret":"[x]"}'],
    [
      'a field of every element',
      '{"people":[{"name":"A"},{"name":null}]}',
      '{"people":[{"name":"[x]"},{"name":"[x]"}]}',
    ],
    [
      'each of two members of one name',
      '{"secret":1,"secret":"4111-1111"}',
      '{"secret":"[x]","secret":"[x]"}',
    ],
    ['what an escape hides', '["4111\\u002d1111"]', '["[x]"]'],
  ])('takes out %s', (_, before, after) => {
    expect(redacted(before)).toBe(after);
  });

  it('leaves every other byte: numbers that no double holds, blanks, keys of the prototype', () => {
    const text = '{ "id" : 9007199254740993, "__proto__" : [ 1.0e2 ], "note": "4111-1111" }';
    expect(redacted(text)).toBe(text.replace('4111-1111', '[x]'));
  });

  it('leaves bytes alone in which there is nothing to take out', () => {
    const bytes = utf8('{"n":1}');
    expect(redactBytes(bytes, redactors)).toBe(bytes);
  });

  it('puts in its text as it stands, whatever a pattern would make of it', async () => {
    const [literal] = await redactorsOf([{ ...card, match: '([0-9])+', with: '$1\\' }]);
    expect(literal?.text('a 42')).toBe('a $1\\');
  });

  it('comes to the same as taking it out of the value', () => {
    const texts = fc.oneof(fc.string(), fc.constantFrom('4111-1111', 'a 4111-1111 b'));
    const json = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof(
        texts,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('secret', 'people', 'name')), tie('value'), {
          maxKeys: 3,
        }),
      ),
    })).value;
    fc.assert(
      fc.property(json, (value) => {
        const after = parseJson(redactBytes(utf8(JSON.stringify(value)), redactors)).root.value;
        expect(JSON.stringify(after)).toBe(JSON.stringify(redactJson(value, redactors)));
      }),
      { numRuns: 200 },
    );
  });
});

describe('a result that cannot be redacted', () => {
  it('is withheld: the call ran, and nothing of it reaches the caller', async () => {
    const bytes = utf8('{"secret":1}');
    // No slice of its frame.
    const answer = {
      kind: 'result',
      result: bytes,
      value: { secret: 1 },
      frame: utf8('{}'),
      pending: false,
    } as const;
    const bound = await boundResult(answer, [card]);
    expect(bound).toMatchObject({
      execution: { kind: 'none', outcome: 'executed' },
      enforcement: ['withheld'],
    });
    const broken = { ...answer, result: utf8('{'), frame: utf8('{') };
    expect((await boundResult(broken, [card])).enforcement).toEqual(['withheld']);
  });
});
