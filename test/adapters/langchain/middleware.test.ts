import { ToolMessage } from '@langchain/core/messages';
import { Command, interrupt, MemorySaver } from '@langchain/langgraph';
import { createAgent, createMiddleware, tool, toolRetryMiddleware, type AgentMiddleware } from 'langchain';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { governanceMiddleware, type GovernanceOptions } from '../../../adapters/langchain/index.ts';
import type { GateClient } from '../../../src/client/gate-client.ts';
import { metaKeys } from '../../../src/names.ts';
import { denyEverything } from '../../gate/harness.ts';
import { noteTool, type ModelCall } from '../contract.ts';
import { langchainTool, scripted, toolMessages } from './agent.ts';
import { outcomes, worlds } from '../worlds.ts';

const open = worlds();
const text = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } as const;
const note = (args: ModelCall['args'] = { text: 'milk' }): ModelCall => ({
  id: 'call_1',
  name: 'add_note',
  args,
});
const go = { messages: [{ role: 'user', content: 'Go.' }] };

interface Given {
  readonly gate: GateClient;
  readonly tools?: Parameters<typeof createAgent>[0]['tools'];
  readonly calls?: readonly ModelCall[];
  readonly before?: readonly AgentMiddleware[];
  readonly behind?: readonly AgentMiddleware[];
  readonly options?: Partial<GovernanceOptions>;
}

/** Runs an agent, and gives what its tools answered. */
async function answers(given: Given): Promise<ToolMessage[]> {
  const { gate, tools = [langchainTool(noteTool())], calls = [note()], before = [], behind = [] } = given;
  const middleware = [
    ...before,
    governanceMiddleware({ gate, server: 'office', ...given.options }),
    ...behind,
  ];
  const agent = createAgent({ model: scripted(calls), tools, middleware });
  const { messages } = await agent.invoke(go);
  return toolMessages(messages);
}

/** Fails so often before it gives something. */
function flaky(failures: number) {
  let tries = 0;
  const run = async ({ text: added }: { text: string }) => {
    if ((tries += 1) <= failures) throw new Error(`try ${tries} failed`);
    return { added };
  };
  return tool(run, { name: 'add_note', description: 'Adds a note.', schema: z.object({ text: z.string() }) });
}

const rewriting = (to: string): AgentMiddleware =>
  createMiddleware({
    name: 'Rewriting',
    wrapToolCall: (request, handler) =>
      handler({ ...request, toolCall: { ...request.toolCall, args: { text: to } } }),
  });

describe('the gate in an agent', () => {
  it('puts the envelopes into the metadata of what it answers, and leaves what else is there', async () => {
    const { gate } = await open();
    const own = tool(
      (_args, config) =>
        new ToolMessage({
          tool_call_id: (config as { toolCall: { id: string } }).toolCall.id,
          content: 'added',
          artifact: { rows: 1 },
          metadata: { unit: 'note', [metaKeys.denial]: 'forged', [metaKeys.envelope]: 'forged' },
        }),
      { name: 'add_note', description: 'Adds a note.', schema: text },
    );
    const [message] = await answers({ gate, tools: [own] });
    expect(message).toMatchObject({ content: 'added', artifact: { rows: 1 } });
    expect(message?.metadata).toEqual({
      unit: 'note',
      [metaKeys.envelope]: {
        verdict: expect.any(Object),
        outcome: expect.any(Object),
        openings: expect.any(Object),
      },
    });
    expect(JSON.stringify(message)).toContain('dsseEnvelope');
  });

  it('answers a denial with an error that the agent can act on', async () => {
    const { gate } = await open({ decide: denyEverything });
    const [message] = await answers({ gate });
    expect(message).toMatchObject({ status: 'error', name: 'add_note', tool_call_id: 'call_1' });
    expect(message?.metadata?.[metaKeys.denial]).toMatchObject({ code: 'NO_RULE_ALLOWS' });
    expect(message?.metadata?.[metaKeys.envelope]).toHaveProperty('verdict');
    expect(message?.content).not.toContain('dsse');
  });

  it('tells the model of a tool’s error in the words of LangChain’s default', async () => {
    const world = await open();
    const { messages } = await createAgent({ model: scripted([note()]), tools: [flaky(1)] }).invoke(go);
    const [governed] = await answers({ gate: world.gate, tools: [flaky(1)] });
    expect(governed?.content).toBe(toolMessages(messages)[0]?.content);
    expect(governed).toMatchObject({
      status: 'error',
      metadata: { [metaKeys.envelope]: expect.any(Object) },
    });
    expect(await outcomes(world)).toEqual(['allow', 'failed']);
  });

  it('tells the model of arguments that do not fit the schema as LangChain does', async () => {
    const world = await open();
    const [message] = await answers({ gate: world.gate, tools: [flaky(0)], calls: [note({ text: 7 })] });
    expect(message).toMatchObject({ status: 'error' });
    expect(message?.content).toContain('did not match expected schema');
    expect(await outcomes(world)).toEqual(['allow', 'failed']);
  });

  it('decides each try of a middleware that retries behind it', async () => {
    const world = await open();
    const retry = toolRetryMiddleware({ maxRetries: 2, initialDelayMs: 0 });
    const [message] = await answers({ gate: world.gate, tools: [flaky(2)], behind: [retry] });
    expect(message).toMatchObject({ content: '{"added":"milk"}' });
    expect(await outcomes(world)).toEqual(['allow', 'failed', 'allow', 'failed', 'allow', 'executed']);
  });

  it('gives the envelopes of the last try when retrying came to nothing', async () => {
    for (const onFailure of ['continue', 'error'] as const) {
      const world = await open();
      const retry = toolRetryMiddleware({ maxRetries: 1, initialDelayMs: 0, onFailure });
      const [message] = await answers({ gate: world.gate, tools: [flaky(9)], behind: [retry] });
      expect(message).toMatchObject({
        status: 'error',
        metadata: { [metaKeys.envelope]: expect.any(Object) },
      });
      expect(message?.content).toMatch(/failed after 2 attempts|try 2 failed/);
      expect(await outcomes(world)).toEqual(['allow', 'failed', 'allow', 'failed']);
    }
  });

  it('decides on what other middleware has made of a call, wherever it stands', async () => {
    for (const place of ['before', 'behind'] as const) {
      const { gate, asked } = await open();
      const [message] = await answers({ gate, [place]: [rewriting('bread')] });
      expect(asked.map(({ call }) => call.arguments)).toEqual([{ text: 'bread' }]);
      expect(message?.content).toBe('{"added":"bread"}');
    }
  });

  it('runs what was decided on, also when somebody changes the call while the gate decides', async () => {
    const { gate } = await open();
    const held = { text: 'milk' };
    const holding = createMiddleware({
      name: 'Holding',
      wrapToolCall: (request, handler) =>
        handler({ ...request, toolCall: { ...request.toolCall, args: held } }),
    });
    const slow: GateClient = {
      ...gate,
      async decide(...asked) {
        const decided = await gate.decide(...asked);
        held.text = 'the house';
        return decided;
      },
    };
    const [message] = await answers({ gate: slow, behind: [holding] });
    expect(message?.content).toBe('{"added":"milk"}');
  });

  it('ends a run in which a middleware behind it runs something in the tool’s place', async () => {
    const { gate, asked } = await open();
    const around = createMiddleware({
      name: 'Around',
      wrapToolCall: ({ toolCall }) =>
        new ToolMessage({ tool_call_id: toolCall.id ?? '', content: 'ran elsewhere' }),
    });
    await expect(answers({ gate, behind: [around] })).rejects.toMatchObject({
      cause: { code: 'CONFIG_INVALID' },
    });
    expect(asked).toEqual([]);
  });

  it('leaves errors of other middleware to the framework', async () => {
    const { gate } = await open();
    const broken = createMiddleware({
      name: 'Broken',
      async wrapToolCall(request, handler) {
        await handler(request);
        throw new Error('a bug');
      },
    });
    await expect(answers({ gate, behind: [broken] })).rejects.toThrow('a bug');
  });

  it('refuses a tool that there is not, with what was tried in the log', async () => {
    const world = await open();
    const calls = [{ id: 'call_1', name: 'drop_tables', args: {} }];
    const [message] = await answers({ gate: world.gate, calls });
    expect(message).toMatchObject({ status: 'error', content: expect.stringContaining('TOOL_UNKNOWN') });
    expect(await outcomes(world)).toEqual(['deny']);

    // One that the gate knows, from an agent that has it.
    const known = await open();
    await answers({ gate: known.gate });
    const [refused] = await answers({ gate: known.gate, tools: [] });
    expect(refused).toMatchObject({
      status: 'error',
      content: expect.stringContaining('TOOL_UNKNOWN'),
      metadata: { [metaKeys.denial]: { code: 'TOOL_UNKNOWN' }, [metaKeys.envelope]: expect.any(Object) },
    });
    expect(await outcomes(known)).toEqual(['allow', 'executed', 'allow', 'aborted']);

    const strict = await open({ decide: denyEverything });
    await answers({ gate: strict.gate });
    const [denied] = await answers({ gate: strict.gate, tools: [] });
    expect(denied?.content).toContain('NO_RULE_ALLOWS');
    expect(await outcomes(strict)).toEqual(['deny', 'deny']);
  });

  it('governs a tool that a middleware before it supplies', async () => {
    const world = await open({ decide: denyEverything });
    const dynamic = langchainTool({ ...noteTool(), name: 'late' });
    const supplying = createMiddleware({
      name: 'Supplying',
      wrapToolCall: (request, handler) => handler({ ...request, tool: dynamic }),
    });
    const calls = [{ id: 'call_1', name: 'late', args: { text: 'x' } }];
    const [message] = await answers({ gate: world.gate, calls, before: [supplying] });
    expect(message?.content).toContain('NO_RULE_ALLOWS');
  });

  it('passes a Command on, says what it asks for, and marks the answer in it', async () => {
    const world = await open();
    const directing = tool(
      () =>
        new Command({
          update: { messages: [new ToolMessage({ tool_call_id: 'call_1', content: 'sent on' })] },
        }),
      { name: 'add_note', description: 'Sends the agent on.', schema: text },
    );
    const ends: unknown[] = [];
    const options = { onEnd: ({ ended }: { ended: unknown }) => void ends.push(ended) };
    const [message] = await answers({ gate: world.gate, tools: [directing], options });
    expect(message).toMatchObject({
      content: 'sent on',
      metadata: { [metaKeys.envelope]: expect.any(Object) },
    });
    expect(ends).toMatchObject([{ kind: 'done', evidence: expect.stringContaining('"lg_name":"Command"') }]);
    expect(await outcomes(world)).toEqual(['allow', 'executed']);
  });

  it('lets an interrupt inside a tool pause the graph: unknown, and decided anew when it goes on', async () => {
    const world = await open();
    const asking = tool(() => `answered ${String(interrupt('Sure?'))}`, {
      name: 'add_note',
      description: 'Asks.',
      schema: text,
    });
    const agent = createAgent({
      model: scripted([note()]),
      tools: [asking],
      checkpointer: new MemorySaver(),
      middleware: [governanceMiddleware({ gate: world.gate, server: 'office' })],
    });
    const config = { configurable: { thread_id: 'one' } };
    expect(await agent.invoke(go, config)).toMatchObject({ __interrupt__: [{ value: 'Sure?' }] });
    expect(await outcomes(world)).toEqual(['allow', 'unknown']);
    const { messages } = await agent.invoke(new Command({ resume: 'yes' }), config);
    expect(toolMessages(messages)[0]?.content).toBe('answered yes');
    expect(await outcomes(world)).toEqual(['allow', 'unknown', 'allow', 'executed']);
  });

  it('takes as long as it is told that a call may', async () => {
    const { gate, asked } = await open();
    await answers({ gate, options: { settleWithin: 5_000 } });
    expect(asked[0]?.call.settleWithin).toBe(5_000);
  });

  it('keeps every mode of streaming', async () => {
    for (const streamMode of ['updates', 'values', 'messages'] as const) {
      const { gate } = await open();
      const agent = createAgent({
        model: scripted([note()]),
        tools: [langchainTool(noteTool())],
        middleware: [governanceMiddleware({ gate, server: 'office' })],
      });
      const parts: unknown[] = [];
      for await (const part of await agent.stream(go, { streamMode })) parts.push(part);
      expect(JSON.stringify(parts)).toContain('added');
    }
  });
});

describe('tools that the model’s provider runs', () => {
  const search = { type: 'web_search_20250305', name: 'web_search' };

  /** The tools that the model was offered. */
  async function offered(options: Partial<GovernanceOptions>): Promise<unknown[]> {
    const { gate } = await open();
    const model = scripted([]);
    const seen: unknown[] = [];
    const bind = model.bindTools.bind(model);
    model.bindTools = (tools) => {
      seen.push(...tools);
      return bind(tools);
    };
    const middleware = [governanceMiddleware({ gate, server: 'office', ...options })];
    await createAgent({ model, tools: [langchainTool(noteTool()), search], middleware }).invoke(go);
    return seen;
  }

  it('are not offered to the model, since no gate would hear of them', async () => {
    const tools = await offered({});
    expect(tools).toMatchObject([{ name: 'add_note' }]);
    expect(tools).not.toContain(search);
  });

  it('are offered where that is said', async () => {
    expect(await offered({ providerTools: 'allow' })).toContain(search);
  });
});
