import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { argumentSchema, type StandardSchema } from '../../src/client/argument-schema.ts';
import type { JsonObject } from '../../src/call/json.ts';

const invalid = { code: 'ARGUMENTS_INVALID' };

describe('the arguments of a governed function', () => {
  it('are any JSON object where nothing is said of them, and nothing else', async () => {
    const { check, inputSchema } = argumentSchema(undefined);
    expect(inputSchema).toBeUndefined();
    expect(await check({ a: [1] })).toEqual({ a: [1] });
    for (const wrong of [undefined, null, 'text', 7, [1]])
      await expect(check(wrong)).rejects.toMatchObject(invalid);
  });

  it('are what a validator makes of them, defaults included, and its JSON Schema is told', async () => {
    const schema = z.object({ text: z.string(), copies: z.number().default(1) }) as unknown as StandardSchema;
    const { check, inputSchema } = argumentSchema(schema);
    expect(await check({ text: 'x' })).toEqual({ text: 'x', copies: 1 });
    expect(inputSchema).toMatchObject({ type: 'object', properties: { text: { type: 'string' } } });
  });

  it('are refused with the place where they do not fit, and without their values', async () => {
    const secret = 'hunter2';
    const zod = argumentSchema(z.object({ to: z.object({ age: z.number() }) }));
    const json = argumentSchema({
      type: 'object',
      properties: { to: { type: 'object', properties: { age: { type: 'number' } } } },
    });
    for (const { check } of [zod, json]) {
      const refused = await check({ to: { age: secret } }).catch((error: unknown) => error);
      expect(refused).toMatchObject(invalid);
      expect(String(refused)).toContain('/to/age');
      expect(String(refused)).not.toContain(secret);
    }
  });

  it('go without a schema where a validator cannot say it in JSON Schema', () => {
    const schema = z.object({ when: z.date() }) as unknown as StandardSchema;
    expect(argumentSchema(schema).inputSchema).toBeUndefined();
  });

  it('are checked alike whatever they are: a refusal with a code, or the object itself', async () => {
    const { check } = argumentSchema({ type: 'object', properties: { n: { type: 'integer' } } });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (given) => {
        const checked = await check(given).catch((error: unknown) => error);
        if (checked !== given) expect(checked).toMatchObject(invalid);
      }),
    );
  });

  it('called __proto__ are members like others', async () => {
    const args = JSON.parse('{"__proto__":{"isAdmin":true}}') as JsonObject;
    const { check } = argumentSchema({ type: 'object', additionalProperties: false });
    await expect(check(args)).rejects.toMatchObject(invalid);
  });
});
