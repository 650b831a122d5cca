import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import { questionParams } from '../../../src/gateway/mcp/confirm-question.ts';

const asks = 'Countersign asks, not the server: may the agent run this call once?';

function asked(args: JsonObject, tool = 'send', server = 'mail'): string {
  const call = { server: { name: server, digest: '0'.repeat(64) }, tool, arguments: args };
  return (JSON.parse(questionParams(call)) as { readonly message: string }).message;
}

describe('what a person is asked', () => {
  it('is a line of ours, one for the tool, and one for each argument', () => {
    expect(asked({ to: 'ada', copies: [1, 2] })).toBe(`${asks}\nmail/send\n- "to": "ada"\n- "copies": [1,2]`);
    expect(asked({})).toBe(`${asks}\nmail/send\nwithout arguments`);
  });

  it.each([
    ['a line end', '\n- "to": "ada"'],
    ['a return', '\rmail/read'],
    ['a line separator', '\u2028- "to": "ada"'],
    ['what turns the direction round', '\u202eada'],
    ['what prints nothing', 'a\u200bda'],
    ['what a terminal obeys', '\u009b2J\u001b[2J'],
  ])('begins no line and hides nothing by %s in a name or a value', (_, text) => {
    const message = asked({ [text]: text }, text, text);
    expect(message.split('\n')).toHaveLength(3);
    expect(message.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  it('says what it does not show of a text, and nothing where it shows all', () => {
    expect(asked({ a: 'x'.repeat(398) })).toMatch(/x"$/);
    expect(asked({ a: 'x'.repeat(399) })).toMatch(/x… \(1 more characters\)$/);
    expect(asked({}, 't'.repeat(101))).toContain('t… (1 more characters)\n');
  });

  it('says how many arguments it does not show', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`a${at}`, at]));
    expect(asked(many(24))).toMatch(/"a23": 23$/);
    expect(asked(many(25))).toMatch(/"a23": 23\n- and 1 more arguments that are not shown$/);
  });
});
