import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import { AIMessage } from '@langchain/core/messages';
import { MessagesAnnotation, StateGraph } from '@langchain/langgraph';
import { ToolNode } from '@langchain/langgraph/prebuilt';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { createAgent, StructuredTool, tool } from 'langchain';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  delegation,
  delegatorOf,
  evidenceOf,
  governanceMiddleware,
  governTool,
  governTools,
  type Delegation,
} from '../../../adapters/langchain/index.ts';
import { metaKeys } from '../../../src/names.ts';
import { allowEverything, denyEverything } from '../../gate/harness.ts';
import { scripted, toolMessages } from './agent.ts';
import { outcomes, worlds } from '../worlds.ts';

const open = worlds();
const runs: string[] = [];
const add = tool(
  ({ text }: { text: string }) => {
    runs.push(text);
    return { added: text };
  },
  { name: 'add_note', description: 'Adds a note.', schema: z.object({ text: z.string() }) },
);
const call = { type: 'tool_call' as const, id: 'call_1', name: 'add_note', args: { text: 'milk' } };
const asking = new AIMessage({ content: '', tool_calls: [call] });

class Listener extends BaseCallbackHandler {
  readonly name = 'listener';
  readonly parts: unknown[] = [];
  override handleToolEvent(part: unknown): void {
    this.parts.push(part);
  }
}

async function read(parts: AsyncIterable<unknown>): Promise<void> {
  for await (const part of parts) void part;
}

describe('a governed tool', () => {
  it('is of the same type, and answers a tool call with a message and arguments with a result', async () => {
    const world = await open();
    const governed = governTool({ gate: world.gate, server: 'office' })(add);
    expectTypeOf(governed).toEqualTypeOf(add);
    expect(governed).toBeInstanceOf(StructuredTool);
    expect(await governed.invoke(call)).toMatchObject({
      content: '{"added":"milk"}',
      metadata: { [metaKeys.envelope]: expect.any(Object) },
    });
    expect(await governed.invoke({ text: 'bread' })).toEqual({ added: 'bread' });
    expect(await outcomes(world)).toEqual(['allow', 'executed', 'allow', 'executed']);
  });

  it('has no way around the gate among its methods', async () => {
    runs.length = 0;
    const world = await open({ decide: denyEverything });
    const governed = governTool({ gate: world.gate, server: 'office' })(add);
    const args = { text: 'milk' };
    const ways: (() => unknown)[] = [
      () => governed.invoke(args),
      () => (governed as { call: (given: object) => unknown }).call(args),
      () => governed.batch([args]),
      async () => read(await governed.stream(args)),
      async () => read(governed.streamEvents(args, { version: 'v2' })),
      () => governed.withConfig({ tags: ['x'] }).invoke(args),
      () => governed.withRetry({ stopAfterAttempt: 1 }).invoke(args),
      () => governed.pipe((given: unknown) => given).invoke(args),
    ];
    for (const way of ways)
      await expect((async () => way())()).rejects.toMatchObject({ code: 'NO_RULE_ALLOWS' });
    expect(runs).toEqual([]);
    expect(await outcomes(world)).toEqual(ways.map(() => 'deny'));
  });

  it('answers a denied tool call, and throws where there is no call to answer', async () => {
    const { gate } = await open({ decide: denyEverything });
    const governed = governTool({ gate, server: 'office' })(add);
    expect(await governed.invoke(call)).toMatchObject({ status: 'error', tool_call_id: 'call_1' });
    await expect(governed.invoke({ text: 'milk' })).rejects.toMatchObject({ code: 'NO_RULE_ALLOWS' });
  });

  it('takes a text where the tool does', async () => {
    const { gate, asked } = await open();
    const shout = tool((text: string) => text.toUpperCase(), { name: 'shout', description: 'Shouts.' });
    expect(await governTool({ gate, server: 'office' })(shout).invoke('hey')).toBe('HEY');
    expect(asked[0]?.call.arguments).toEqual({ input: 'hey' });
  });

  it('throws what its tool throws', async () => {
    const world = await open();
    const broken = tool(() => Promise.reject(new TypeError('no')), {
      name: 'broken',
      description: 'Breaks.',
    });
    await expect(governTool({ gate: world.gate, server: 'office' })(broken).invoke('x')).rejects.toThrow(
      TypeError,
    );
    expect(await outcomes(world)).toEqual(['allow', 'failed']);
  });

  it('refuses arguments that are no JSON: they could not be committed to', async () => {
    const { gate } = await open();
    const schema = z.object({ count: z.bigint() });
    const count = tool(() => 'counted', { name: 'count', description: 'Counts.', schema });
    const governed = governTool({ gate, server: 'office' })(count);
    await expect(governed.invoke({ count: 1n })).rejects.toMatchObject({ code: 'FRAME_INVALID' });
  });

  it('runs in a plain ToolNode, for the person of the graph’s context', async () => {
    const { gate, asked } = await open();
    const [governed] = governTools([add], {
      gate,
      server: 'office',
      identity: ({ context }: { context: { person: Delegation } }) => delegatorOf(context.person),
    });
    const graph = new StateGraph(MessagesAnnotation, z.object({ person: z.custom<Delegation>() }))
      .addNode('tools', new ToolNode([governed]))
      .addEdge('__start__', 'tools')
      .compile();
    const { messages } = await graph.invoke(
      { messages: [asking] },
      { context: { person: delegation({ humanToken: 'a-token' }) } },
    );
    expect(toolMessages(messages)).toMatchObject([
      { content: '{"added":"milk"}', metadata: { [metaKeys.envelope]: expect.any(Object) } },
    ]);
    expect(asked.map(({ options }) => options.humanToken)).toEqual(['a-token']);
  });

  it('keeps what a generator tells on its way', async () => {
    const { gate } = await open();
    const counting = tool(
      async function* () {
        yield 'one';
        yield 'two';
        return 'three';
      },
      { name: 'count', description: 'Counts.', schema: z.object({}) },
    );
    const listener = new Listener();
    const [governed] = governTools([counting], { gate, server: 'office' });
    const told = await governed.invoke({ ...call, name: 'count', args: {} }, { callbacks: [listener] });
    expect(listener.parts).toEqual(['one', 'two']);
    expect(told).toMatchObject({ content: 'three' });
  });
});

describe('tools of an MCP server', () => {
  const everything = join(
    dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')),
    'dist',
    'index.js',
  );

  it('are governed like others, with their annotations, in an agent and by themselves', async () => {
    const world = await open({
      decide: ({ args }) => (args['message'] === 'no' ? denyEverything() : allowEverything()),
    });
    const client = new MultiServerMCPClient({
      mcpServers: {
        everything: {
          transport: 'stdio',
          command: process.execPath,
          args: [everything, 'stdio'],
          stderr: 'ignore',
        },
      },
    });
    try {
      const tools = await client.getTools();
      const echo = tools.find(({ name }) => name === 'echo');
      if (echo === undefined) throw new Error('The server has no echo.');

      const [governed] = governTools([echo], { gate: world.gate, server: 'everything' });
      const message = await governed.invoke({ ...call, name: 'echo', args: { message: 'hello' } });
      expect(message).toMatchObject({ content: 'Echo: hello' });
      expect(JSON.parse(evidenceOf(message) ?? '')).toMatchObject({ result: 'Echo: hello' });

      const agent = createAgent({
        model: scripted([
          { id: 'call_1', name: 'echo', args: { message: 'hello' } },
          { id: 'call_2', name: 'echo', args: { message: 'no' } },
        ]),
        tools,
        middleware: [governanceMiddleware({ gate: world.gate, server: 'everything' })],
      });
      const { messages } = await agent.invoke({ messages: [{ role: 'user', content: 'Go.' }] });
      expect(toolMessages(messages)).toMatchObject([
        { content: 'Echo: hello' },
        { status: 'error', content: expect.stringContaining('NO_RULE_ALLOWS') },
      ]);
      expect(world.asked[0]?.call.definition).toMatchObject({
        name: 'echo',
        annotations: expect.any(Object),
        inputSchema: { properties: { message: { type: 'string' } } },
      });
    } finally {
      await client.close();
    }
  });
});
