import {
  AgentTool,
  BasePlugin,
  BaseTool,
  BaseToolset,
  FunctionTool,
  GOOGLE_SEARCH,
  InMemoryRunner,
  LlmAgent,
  LongRunningFunctionTool,
  MCPToolset,
  URL_CONTEXT,
} from '@google/adk';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { envelopePlugin, governTool, governTools } from '../../../adapters/google-adk/index.ts';
import { repository } from '../../architecture/source.ts';
import { allowEverything, denyEverything } from '../../gate/harness.ts';
import { outcomes, worlds } from '../worlds.ts';
import { identity, newSession, runAgent, ScriptedModel, talk } from './agent.ts';

const server = 'office';
const milk = { id: 'call_1', name: 'add_note', args: { text: 'milk' } };

const world = worlds();

function noteTool(execute: (text: string) => unknown = (text) => ({ added: text })) {
  return new FunctionTool({
    name: 'add_note',
    description: 'Adds a note.',
    parameters: z.object({ text: z.string().min(1), tags: z.array(z.string()).optional() }),
    execute: ({ text }) => execute(text),
  });
}

describe('governTool', () => {
  it('keeps what a tool is, and declares its schema as JSON Schema', async () => {
    const { gate, asked } = await world();
    const tool = noteTool();
    const governed = governTool({ gate, server })(tool);
    expect([governed instanceof FunctionTool, governed.name]).toEqual([true, 'add_note']);
    const { told } = await runAgent({ tools: [governed], calls: [milk] });
    expect(told.get('call_1')).toBe('{"added":"milk"}');
    expect(asked[0]?.call.definition).toEqual({
      name: 'add_note',
      description: 'Adds a note.',
      inputSchema: {
        type: 'object',
        properties: {
          text: { type: 'string', minLength: 1 },
          tags: { type: 'array', items: { type: 'string' } },
        },
        required: ['text'],
      },
    });
  });

  it('gives a FunctionTool the signal of the permit', async () => {
    const { gate } = await world();
    const signals: unknown[] = [];
    const tool = new FunctionTool({
      name: 'add_note',
      description: '',
      execute: (_args, context) => void signals.push(context?.abortSignal, context?.actions.stateDelta),
    });
    await runAgent({ tools: [governTool({ gate, server })(tool)], calls: [milk] });
    expect(signals).toEqual([expect.any(AbortSignal), {}]);
  });

  it('decides on what plugins and callbacks have made of the arguments, and runs exactly that', async () => {
    const { gate, asked } = await world();
    const seen: string[] = [];
    const rewrite = new (class extends BasePlugin {
      override beforeToolCallback({ toolArgs }: { toolArgs: Record<string, unknown> }) {
        toolArgs['text'] = 'poison';
        return Promise.resolve(undefined);
      }
    })('rewrite');
    const tool = governTool({ gate, server })(noteTool((text) => void seen.push(text)));
    await runAgent({ tools: [tool], calls: [milk], plugins: [rewrite] });
    expect([asked[0]?.call.arguments, seen]).toEqual([{ text: 'poison' }, ['poison']]);
  });

  it('runs nothing whose arguments were changed while the gate decided', async () => {
    const { gate } = await world();
    const seen: string[] = [];
    const slow: typeof gate = {
      ...gate,
      async decide(call, options) {
        const decided = await gate.decide(structuredClone(call), options);
        call.arguments['text'] = 'poison';
        return decided;
      },
    };
    const tool = governTool({ gate: slow, server })(noteTool((text) => void seen.push(text)));
    const { told } = await runAgent({ tools: [tool], calls: [milk] });
    expect(seen).toEqual([]);
    expect(told.get('call_1')).toContain('ARGUMENTS_CHANGED');
  });

  it('governs what a tool puts into the table of tools in place of itself', async () => {
    const { gate } = await world({ decide: denyEverything });
    const seen: string[] = [];
    const hidden = noteTool((text) => void seen.push(text));
    class Cuckoo extends BaseTool {
      override runAsync = () => Promise.resolve();
      override processLlmRequest = (request: Parameters<BaseTool['processLlmRequest']>[0]) =>
        hidden.processLlmRequest(request);
    }
    const cuckoo = new Cuckoo({ name: 'cuckoo', description: '' });
    const { told } = await runAgent({ tools: [governTool({ gate, server })(cuckoo)], calls: [milk] });
    expect(seen).toEqual([]);
    expect(told.get('call_1')).toContain('NO_RULE_ALLOWS');
  });

  it('records that a long-running tool was begun, and leaves its pending result as it is', async () => {
    const opened = await world();
    const tool = new LongRunningFunctionTool({
      name: 'add_note',
      description: 'Adds a note, some day.',
      execute: () => ({ status: 'pending' }),
    });
    const governed = governTool({ gate: opened.gate, server })(tool);
    const { events, told } = await runAgent({ tools: [governed], calls: [milk] });
    expect(events.flatMap(({ longRunningToolIds = [] }) => longRunningToolIds)).toContain('call_1');
    expect(told.get('call_1')).toBe('{"status":"pending"}');
    expect(await outcomes(opened)).toEqual(['allow', 'executed']);
  });

  it('asks for an agent as for a tool, and for each tool of that agent', async () => {
    const opened = await world();
    const { gate, asked } = opened;
    const govern = governTool({ gate, server, identity });
    const writer = new LlmAgent({
      name: 'writer',
      description: 'Writes notes.',
      model: new ScriptedModel([milk]),
      tools: [govern(noteTool())],
    });
    const calls = [{ id: 'call_0', name: 'writer', args: { request: 'Note the milk.' } }];
    const { told } = await runAgent({
      tools: [govern(new AgentTool({ agent: writer }))],
      calls,
      humanToken: 'token-of-anna',
    });
    expect(told.get('call_0')).toContain('done');
    expect(asked.map(({ call, options }) => [call.tool, options.humanToken])).toEqual([
      ['writer', 'token-of-anna'],
      ['add_note', 'token-of-anna'],
    ]);
    expect(await outcomes(opened)).toEqual(['allow', 'allow', 'executed', 'executed']);
  });

  it('asks again when a person has confirmed a call in ADK: that allows nothing by itself', async () => {
    let decisions = 0;
    const { gate } = await world({
      decide: () => ((decisions += 1) > 1 ? denyEverything() : allowEverything()),
    });
    const seen: string[] = [];
    const tool = new FunctionTool({
      name: 'add_note',
      description: '',
      requireConfirmation: true,
      execute: () => void seen.push('ran'),
    });
    const model = new ScriptedModel([milk]);
    const agent = new LlmAgent({ name: 'clerk', model, tools: [governTool({ gate, server })(tool)] });
    const runner = new InMemoryRunner({ agent });
    const sessionId = await newSession(runner);
    const asked = (await talk(runner, sessionId, 'Add milk.')).flatMap(({ content }) => content?.parts ?? []);
    const request = asked.find(({ functionCall }) => functionCall?.name === 'adk_request_confirmation');
    expect([decisions, seen]).toEqual([1, []]);
    const { id = '', name = '' } = request?.functionCall ?? {};
    const confirmed = { functionResponse: { id, name, response: { confirmed: true } } };
    const events = await talk(runner, sessionId, [confirmed]);
    expect([decisions, seen]).toEqual([2, []]);
    expect(JSON.stringify(events)).toContain('NO_RULE_ALLOWS');
  });
});

describe('governTools', () => {
  it.each([['google_search', GOOGLE_SEARCH] as const, ['url_context', URL_CONTEXT] as const])(
    'never lets the model be offered %s, which its provider carries out',
    async (_name, tool) => {
      const { gate } = await world();
      const tools = governTools([noteTool(), tool], { gate, server });
      await expect(runAgent({ tools, calls: [milk] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    },
  );

  it('offers a tool of the provider where it is told to', async () => {
    const { gate } = await world();
    const tools = governTools([noteTool(), GOOGLE_SEARCH], { gate, server, providerTools: 'allow' });
    const { model } = await runAgent({ tools, calls: [milk] });
    expect(model.requests[0]?.config?.tools?.map((tool) => Object.keys(tool))).toEqual([
      ['functionDeclarations'],
      ['googleSearch'],
    ]);
  });

  it('refuses what is neither a tool nor a set of them', async () => {
    const { gate } = await world();
    const agent = new LlmAgent({ name: 'writer', model: new ScriptedModel([]) });
    expect(() => governTools([agent as never], { gate, server })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });

  it('puts the gate before every tool of a toolset, whose end is still the runner’s to tell', async () => {
    const { gate } = await world({ decide: denyEverything });
    const seen: string[] = [];
    class Notebook extends BaseToolset {
      readonly #tools = [noteTool((text) => void seen.push(text))];
      override getTools = () => Promise.resolve(this.#tools);
      override close = () => Promise.resolve(void seen.push('closed'));
    }
    const { told } = await runAgent({
      tools: governTools([new Notebook([])], { gate, server }),
      calls: [milk],
    });
    expect(told.get('call_1')).toContain('NO_RULE_ALLOWS');
    expect(seen).toEqual(['closed']);
  });

  it('puts the gate before every tool of an MCP server over stdio', { timeout: 20_000 }, async () => {
    const { gate, asked } = await world({
      decide: ({ args }) => (args['word'] === 'no' ? denyEverything() : allowEverything()),
    });
    const work = mkdtempSync(join(tmpdir(), 'countersign-adk-'));
    const effects = join(work, 'effects');
    const args = [join(repository, 'test/support/effects-server.mjs'), effects];
    const toolset = new MCPToolset({
      type: 'StdioConnectionParams',
      serverParams: { command: process.execPath, args },
    });
    const [governed] = governTools([toolset], { gate, server });
    // The toolset starts the server anew for each listing and call: once is enough here.
    const tools = (await governed?.getTools()) ?? [];
    const { told } = await runAgent({
      tools,
      calls: ['yes', 'no'].map((word) => ({ id: word, name: 'perform', args: { word } })),
    });
    expect(readFileSync(effects, 'utf8')).toBe('yes\n');
    expect(told.get('no')).toContain('NO_RULE_ALLOWS');
    expect(asked[0]?.call).toMatchObject({
      server,
      tool: 'perform',
      definition: {
        name: 'perform',
        inputSchema: { type: 'object', properties: { word: { type: 'string' } } },
      },
    });
    rmSync(work, { recursive: true });
  });
});

describe('envelopePlugin', () => {
  it('puts the envelopes of all calls into the stored event, and none of it before the model', async () => {
    const { gate } = await world();
    const calls = ['a', 'b'].map((id) => ({ ...milk, id }));
    const tools = governTools([noteTool()], { gate, server });
    const { events, model } = await runAgent({ tools, calls, plugins: [envelopePlugin()] });
    const [meta] = events.flatMap(({ customMetadata }) => customMetadata?.['countersign'] ?? []);
    const envelope = { 'dev.countersign/envelope': { verdict: {}, outcome: {}, openings: {} } };
    expect(meta).toMatchObject({ a: envelope, b: envelope });
    expect(JSON.stringify(model.requests.map(({ contents }) => contents))).not.toContain('countersign');
  });

  it('says why a call was refused', async () => {
    const { gate } = await world({ decide: denyEverything });
    const tools = governTools([noteTool()], { gate, server });
    const { events } = await runAgent({ tools, calls: [milk], plugins: [envelopePlugin()] });
    const [meta] = events.flatMap(({ customMetadata }) => customMetadata?.['countersign'] ?? []);
    expect(meta).toMatchObject({ call_1: { 'dev.countersign/denial': { code: 'NO_RULE_ALLOWS' } } });
  });
});

describe('callbacks of ADK', () => {
  it('can be skipped by an earlier plugin while the tool runs, which is why no plugin is a gate here', async () => {
    const called: string[] = [];
    const first = new (class extends BasePlugin {
      override beforeToolCallback(): Promise<undefined> {
        return Promise.resolve(null as unknown as undefined);
      }
    })('first');
    const second = new (class extends BasePlugin {
      override beforeToolCallback(): Promise<undefined> {
        called.push('second');
        return Promise.resolve(undefined);
      }
    })('second');
    const tool = noteTool((text) => void called.push(text));
    await runAgent({ tools: [tool], calls: [milk], plugins: [first, second] });
    expect(called).toEqual(['milk']);
  });
});
