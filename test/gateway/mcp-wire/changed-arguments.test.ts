import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../../../src/call/bytes.ts';
import type { Json, JsonObject } from '../../../src/call/json.ts';
import { withArguments } from '../../../src/gateway/mcp/changed-arguments.ts';
import { classify, type Request } from '../../../src/gateway/mcp/message.ts';

function request(text: string): Request {
  const message = classify(utf8(text));
  if (message.kind !== 'request') throw new Error(`not a request: ${text}`);
  return message;
}

function frame(params: string): string {
  return ` {"x" : 1.50,"jsonrpc":"2.0","id":"é","method":"tools/call","params":${params}}\n`;
}

function changed(params: string, args: JsonObject): string | undefined {
  const made = withArguments(request(frame(params)), args);
  return made && fromUtf8(made.payload);
}

describe('a tools/call with other arguments', () => {
  it.each([
    [
      '{"name":"t", "arguments" : {"a":1} ,"_meta":{"b":1.0}}',
      '{"name":"t", "arguments" : @ ,"_meta":{"b":1.0}}',
    ],
    ['{"name":"t","arguments":null}', '{"name":"t","arguments":@}'],
    ['{ "name":"t"}', '{"arguments":@, "name":"t"}'],
  ])('has the same bytes but for them: %s', (before, after) => {
    expect(changed(before, { new: 'é\n' })).toBe(frame(after.replace('@', '{"new":"é\\n"}')));
  });

  it('keeps a key __proto__ as a key', () => {
    const args = JSON.parse('{"__proto__":{"a":1}}') as JsonObject;
    expect(changed('{"name":"t"}', args)).toContain('{"__proto__":{"a":1}}');
  });

  it.each<[string, JsonObject]>([
    ['keys that differ in case alone', { path: 'a', Path: 'b' }],
    ['half a character', { path: '\ud800' }],
    ['a number that parsers take for different ones', { n: 2 ** 60 }],
  ])('is not made of %s', (_, args) => {
    expect(changed('{"name":"t","arguments":{}}', args)).toBeUndefined();
  });

  it('parses to the same message with exactly these arguments, in one line, whatever they are', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 });
    const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }) as fc.Arbitrary<Json>;
    const objects = fc.dictionary(text, json, { maxKeys: 5 });
    fc.assert(
      fc.property(fc.option(objects, { nil: undefined }), objects, objects, (given, meta, args) => {
        const whole = { name: 't', ...(given && { arguments: given }), _meta: meta };
        const params = JSON.parse(JSON.stringify(whole)) as object;
        const asked = request(frame(JSON.stringify(params)));
        const made = withArguments(asked, args);
        if (made === undefined) return;
        const line = fromUtf8(made.payload) ?? '';
        const expected = JSON.parse(JSON.stringify(args)) as object;
        expect(line.slice(0, -1)).not.toContain('\n');
        expect(JSON.parse(line)).toEqual({
          ...(JSON.parse(fromUtf8(asked.frame) ?? '') as object),
          params: { ...params, arguments: expected },
        });
        expect(JSON.parse(JSON.stringify(made.arguments))).toEqual(expected);
        expect(JSON.parse(fromUtf8(made.params) ?? '')).toEqual({ ...params, arguments: expected });
        expect(made.params.buffer).toBe(made.payload.buffer);
      }),
      { numRuns: 200 },
    );
  });
});
