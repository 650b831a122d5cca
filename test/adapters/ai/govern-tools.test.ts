import * as ai7 from 'ai';
import * as ai6 from 'ai-v6';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { governTools, type ToolCallInfo } from '../../../adapters/ai/index.ts';
import { CountersignError } from '../../../src/adapter.ts';
import { denyEverything } from '../../gate/harness.ts';
import { worlds } from '../worlds.ts';
import { all, modelOf6, modelOf7, toldTo } from './scripted-model.ts';

const world = worlds();

const server = 'office';
const calls = [{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }];
const input = z.object({ text: z.string() });
const info: ToolCallInfo = { toolCallId: 'call_1', messages: [] };

async function* written(text: string) {
  yield { done: 0 };
  yield { done: 1, text };
}

describe('governTools', () => {
  it('keeps the types of tools, of both versions', async () => {
    const { gate } = await world();
    const seven = {
      add_note: ai7.tool({ inputSchema: input, execute: async ({ text }) => ({ added: text }) }),
      count: ai7.tool({ inputSchema: z.object({}), execute: () => 7 }),
    };
    const governed7 = governTools(seven, { gate, server });
    expectTypeOf(governed7.tools).toEqualTypeOf<typeof seven>();
    const ran7 = await ai7.generateText({ model: modelOf7(calls), ...governed7, prompt: 'Go.' });
    for (const result of ran7.toolResults) {
      if (!result.dynamic && result.toolName === 'count') expectTypeOf(result.output).toEqualTypeOf<number>();
      else if (!result.dynamic) expectTypeOf(result.output).toEqualTypeOf<{ added: string }>();
    }
    const six = {
      add_note: ai6.tool({ inputSchema: input, execute: async ({ text }) => ({ added: text }) }),
    };
    const governed6 = governTools(six, { gate, server });
    expectTypeOf(governed6.tools).toEqualTypeOf<typeof six>();
    const ran6 = await ai6.generateText({ model: modelOf6(calls), tools: governed6.tools, prompt: 'Go.' });
    for (const result of ran6.toolResults)
      if (!result.dynamic) expectTypeOf(result.output).toEqualTypeOf<{ added: string }>();
    expect([ran7, ran6].map(({ toolResults }) => toolResults[0]?.output)).toEqual([
      { added: 'milk' },
      { added: 'milk' },
    ]);
    new ai7.ToolLoopAgent({ model: modelOf7([]), ...governed7 });
    new ai6.ToolLoopAgent({ model: modelOf6([]), tools: governed6.tools });
  });

  it('declares the very schema that the model is told, whichever library it was written with', async () => {
    const { gate, asked } = await world();
    const json = { type: 'object' as const, properties: { text: { type: 'string' as const } } };
    const standard = {
      '~standard': {
        version: 1 as const,
        vendor: 'tests',
        validate: (value: unknown) => ({ value: value as { text: string } }),
        jsonSchema: { input: () => ({ ...json }), output: () => ({ ...json }) },
      },
    };
    const schemas = [input, ai7.jsonSchema<{ text: string }>(json), standard, () => ai7.jsonSchema(json)];
    for (const [n, inputSchema] of schemas.entries()) {
      const add_note = ai7.dynamicTool({ description: 'Adds.', inputSchema, execute: async () => n });
      const model = modelOf7(calls);
      await ai7.generateText({
        model,
        ...governTools({ add_note }, { gate, server: `s${n}` }),
        prompt: 'Go.',
      });
      const [told] = model.doGenerateCalls[0]?.tools ?? [];
      expect(asked[n]?.call.definition).toEqual({
        name: 'add_note',
        description: 'Adds.',
        inputSchema: told?.type === 'function' ? told.inputSchema : undefined,
      });
      expect(told).toMatchObject({ inputSchema: { properties: json.properties } });
    }
  });

  it('leaves out of the definition what AI SDK 7 describes anew for each call', async () => {
    const { gate, asked } = await world();
    const add_note = ai7.tool({
      description: () => `At ${Date.now()}.`,
      inputSchema: input,
      execute: () => 1,
    });
    await ai7.generateText({
      model: modelOf7(calls),
      tools: governTools({ add_note }, { gate, server }).tools,
      prompt: 'Go.',
    });
    expect(asked[0]?.call.definition).not.toHaveProperty('description');
  });

  it('asks for as long as its tools may take', async () => {
    const { gate, asked } = await world();
    const add_note = ai7.tool({ inputSchema: input, execute: () => 1 });
    const governed = governTools({ add_note }, { gate, server, settleWithin: 300_000 });
    await ai7.generateText({ model: modelOf7(calls), ...governed, prompt: 'Go.' });
    expect(asked[0]?.call.settleWithin).toBe(300_000);
  });

  it('passes parts on as they come, in both versions', async () => {
    const { gate, logged } = await world();
    async function* execute({ text }: { text: string }) {
      yield* written(text);
    }
    const seven = governTools({ add_note: ai7.tool({ inputSchema: input, execute }) }, { gate, server });
    const six = governTools({ add_note: ai6.tool({ inputSchema: input, execute }) }, { gate, server });
    const streams = [
      ai7.streamText({ model: modelOf7(calls), ...seven, prompt: 'Go.' }).stream,
      ai6.streamText({ model: modelOf6(calls), tools: six.tools, prompt: 'Go.' }).fullStream,
    ];
    for (const stream of streams) {
      const parts: unknown[] = [];
      for await (const part of stream) if (part.type === 'tool-result') parts.push(part);
      expect(parts).toMatchObject([
        { preliminary: true, output: { done: 0 } },
        { preliminary: true, output: { done: 1 } },
        { output: { done: 1, text: 'milk' } },
      ]);
    }
    expect(await logged()).toHaveLength(4);
  });

  it('takes parts whole that no generator function gave', async () => {
    const { gate, logged } = await world();
    const execute = ({ text }: { text: string }) => written(text);
    const { tools } = governTools({ add_note: ai7.tool({ inputSchema: input, execute }) }, { gate, server });
    const model = modelOf7(calls);
    await ai7.generateText({ model, tools, prompt: 'Go.', stopWhen: ai7.stepCountIs(3) });
    expect(toldTo(model.doGenerateCalls).get('call_1')).toContain('{"done":1,"text":"milk"}');
    expect((await logged())[1]?.predicate['outcome']).toBe('executed');
  });

  it('throws a denial from execute, with its code for programs and its reason for the model', async () => {
    const { gate } = await world({ decide: denyEverything });
    const whole = async (_input: unknown, _info: ToolCallInfo): Promise<number> => 1;
    const streaming = async function* (_input: unknown, _info: ToolCallInfo) {
      yield 1;
    };
    for (const execute of [whole, streaming]) {
      const { tools } = governTools({ add_note: { inputSchema: input, execute } }, { gate, server });
      const given = tools.add_note.execute({ text: 'milk' }, info);
      const thrown: unknown = await (given instanceof Promise ? given : all(given)).catch(
        (error: unknown) => error,
      );
      expect(thrown).toBeInstanceOf(CountersignError);
      expect(thrown).toMatchObject({
        code: 'NO_RULE_ALLOWS',
        message: expect.stringContaining('NO_RULE_ALLOWS'),
      });
    }
  });

  it('keeps everything else of a tool: its prototype, its getters, its own this', async () => {
    const { gate } = await world();
    class Notebook {
      readonly inputSchema = input;
      readonly notes: string[] = [];
      get description() {
        return `Has ${this.notes.length} notes.`;
      }
      execute({ text }: { text: string }, _info: ToolCallInfo) {
        return this.notes.push(text);
      }
    }
    const notebook = new Notebook();
    const { tools } = governTools({ add_note: notebook }, { gate, server });
    expect(tools.add_note).toBeInstanceOf(Notebook);
    expect(await Promise.resolve(tools.add_note.execute({ text: 'milk' }, info))).toBe(1);
    expect(notebook.notes).toEqual(['milk']);
    expect(tools.add_note.description).toBe('Has 1 notes.');
  });

  it('refuses tools that the model’s provider runs, unless they are allowed in so many words', async () => {
    const { gate } = await world();
    const outputSchema = z.unknown();
    const search7 = {
      type: 'provider',
      id: 'some.search',
      args: {},
      inputSchema: input,
      outputSchema,
    } as const;
    const said7 = { ...search7, isProviderExecuted: true, execute: () => 1 };
    for (const search of [search7, said7]) {
      expect(() => governTools({ search }, { gate, server })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
      const allowed = governTools({ search }, { gate, server, providerTools: 'allow' });
      expect(allowed).toEqual({ tools: { search }, toolApproval: {} });
    }
  });

  it('governs tools that the provider defines and the application runs', async () => {
    const { gate } = await world({ decide: denyEverything });
    const shell = {
      type: 'provider',
      id: 'some.shell',
      args: {},
      inputSchema: input,
      isProviderExecuted: false,
    };
    const execute = async (_input: unknown, _info: ToolCallInfo): Promise<number> => 1;
    const { tools } = governTools({ shell: { ...shell, execute } }, { gate, server });
    await expect(tools.shell.execute({ text: 'x' }, info)).rejects.toMatchObject({
      code: 'NO_RULE_ALLOWS',
    });
  });

  it('leaves tools as they are that somebody else runs', async () => {
    const { gate } = await world();
    const ask = ai7.tool({ inputSchema: input, outputSchema: z.string() });
    const governed = governTools({ ask }, { gate, server });
    expect(governed.tools.ask).toBe(ask);
    expect(governed.toolApproval).toEqual({});
  });
});
