import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/call/json.ts';
import { compileParameters } from '../../../src/gateway/http/action-schema.ts';

const pressure: JsonObject = {
  type: 'object',
  properties: { value: { type: 'number', minimum: 0, maximum: 100 }, line: { $ref: '#/$defs/line' } },
  required: ['value'],
  additionalProperties: false,
  $defs: { line: { type: 'string', pattern: '^L[0-9]+$' } },
};

describe('the schema of an action’s parameters', () => {
  it('admits what fits it, with or without a prototype', () => {
    const misfit = compileParameters(pressure);
    expect(misfit({ value: 12.5, line: 'L7' })).toBeUndefined();
    expect(misfit(Object.assign(Object.create(null), { value: 1 }) as JsonObject)).toBeUndefined();
  });

  it.each([
    ['a value out of range', { value: 101 }, 'value'],
    ['a wrong type', { value: '12' }, 'value'],
    ['a pattern', { value: 1, line: 'x' }, 'line'],
    ['a missing property', {}, 'required'],
  ])('says what does not fit: %s', (_, given, told) => {
    expect(compileParameters(pressure)(given)).toContain(`“${told}”`);
  });

  it('tells no name that the caller made up, and no value', () => {
    const sentence = compileParameters(pressure)({ value: 1, 'jane@example.com': 'secret' });
    expect(sentence).toBeDefined();
    expect(sentence).not.toMatch(/jane|secret/);
  });

  it.each([
    ['does not ask for an object', { type: 'array' }],
    ['has a keyword that nothing here enforces', { type: 'object', requierd: ['value'] }],
    ['has it deep inside', { type: 'object', properties: { a: { allOf: [{ maximun: 3 }] } } }],
    ['refers to another document', { type: 'object', properties: { a: { $ref: 'https://example.com/s' } } }],
    ['has a pattern that is none', { type: 'object', properties: { a: { pattern: '(' } } }],
    ['holds what is no schema', { type: 'object', properties: { a: 3 } }],
  ])('is refused when it %s', (_, schema) => {
    expect(() => compileParameters(schema as unknown as JsonObject)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
