import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HookCallback, HookEvent, HookInput } from '@anthropic-ai/claude-agent-sdk';
import { FunctionTool } from '@google/adk';
import { createTool } from '@mastra/core/tools';
import { RunContext, tool as agentsTool } from '@openai/agents';
import { tool as aiTool } from 'ai';
import { tool as langchainTool } from 'langchain';
import { z } from 'zod';
import { governTools as governAiTools } from '../adapters/ai/index.ts';
import { governedOptions } from '../adapters/claude-agent-sdk/index.ts';
import { governMcp } from '../adapters/cloudflare-agents/index.ts';
import { governTool as governAdkTool } from '../adapters/google-adk/index.ts';
import { governTool as governLangchainTool } from '../adapters/langchain/index.ts';
import { governTool as governMastraTool } from '../adapters/mastra/index.ts';
import { governTool as governAgentsTool } from '../adapters/openai-agents/index.ts';
import { govern } from '../src/client/govern.ts';
import type { GateClient } from '../src/client/gate-client.ts';
import { createHome } from '../src/runtime/home/create-home.ts';
import { openGate } from '../src/runtime/open-gate.ts';
import { allowEverything } from './allow-everything.ts';
import { figure, quantile, type Figure } from './figure.ts';

/**
 * One call after the other of a tool that does nothing, as its framework would call it. First before a gate in this process, whose log
 * is a file, beside that gate alone. Then before one that has its answers ready: what is left, without what the tool takes
 * bare, is the adapter's own.
 */
const rounds = 400;
const warmUp = 300;

type Call = () => unknown;

export async function* bench(): AsyncGenerator<Figure> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const policyFile = join(work, 'policy.yaml');
  writeFileSync(policyFile, allowEverything);
  const { apiKey } = await createHome(join(work, 'home'));
  const gate = await openGate({ home: join(work, 'home'), apiKey, policies: [policyFile] });
  try {
    const alone = quantile(await timed(() => gate.run(gateCall, () => Promise.resolve(answer))), 0.5);
    yield figure('adapters: the gate alone, p50', alone, 'ms');
    for (const [name, { governed }] of Object.entries(adapters(gate))) {
      yield figure(`adapters: ${name}, p50`, quantile(await timed(governed), 0.5), 'ms', alone);
    }
    for (const [name, { bare, governed }] of Object.entries(adapters(await ready(gate)))) {
      const own = quantile(await timed(governed), 0.5) - quantile(await timed(bare), 0.5);
      yield figure(`adapters: ${name}, its own part, p50`, own * 1_000, 'µs');
    }
  } finally {
    await gate.close();
    rmSync(work, { recursive: true, force: true });
  }
}

/** A gate that says again what a real one has said once. */
async function ready(gate: GateClient): Promise<GateClient> {
  const decided = await gate.decide(gateCall);
  if (decided.decision === 'DENY') throw new Error(decided.denial.message);
  const { callId, permit } = decided;
  const reported = await gate.report(callId, permit, { outcome: 'executed', result: answer });
  return {
    ...gate,
    decide: () => Promise.resolve(decided),
    report: () => Promise.resolve(reported),
  };
}

async function timed(call: Call): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    const before = performance.now();
    await call();
    if (round >= 0) times.push(performance.now() - before);
  }
  return times;
}

const args = { text: 'milk', copies: 1 };
const answer = { note: 7 };
const schema = z.object({ text: z.string(), copies: z.number() });
const description = 'Adds a note.';
const server = 'bench';
const gateCall = { server, tool: 'alone', definition: { name: 'alone' }, arguments: args };

function adapters(
  gate: GateClient,
): Readonly<Record<string, { readonly bare: Call; readonly governed: Call }>> {
  const options = { gate, server };
  const execute = async (): Promise<typeof answer> => answer;

  const add = govern(gate, { tool: `${server}/function`, description, schema }, execute);

  const chained = langchainTool(execute, { name: 'langchain', description, schema });
  const governedChained = governLangchainTool(options)(chained);
  const chainCall = { type: 'tool_call', id: 'call_1', name: 'langchain', args } as const;

  const ai = { ai: aiTool({ description, inputSchema: schema, execute }) };
  const governedAi = governAiTools(ai, options).tools;
  const aiCall = { toolCallId: 'call_1', messages: [], context: {} };

  const agents = agentsTool({ name: 'agents', description, parameters: schema, execute });
  const governedAgents = governAgentsTool(options)(agents);
  const input = JSON.stringify(args);

  const mastra = createTool({ id: 'mastra', description, inputSchema: schema, execute });
  const governedMastra = governMastraTool(options)(mastra);

  const mastraContext = {} as Parameters<NonNullable<typeof mastra.execute>>[1];

  const adk = new FunctionTool({ name: 'adk', description, parameters: schema, execute });
  const governedAdk = governAdkTool(options)(adk);
  const adkRequest = { args, toolContext: adkContext() };

  const governedClients = governMcp(options)(clients());
  const mcpCall = { serverId: 'notes', name: 'cloudflare', arguments: args };

  return {
    'a function': { bare: execute, governed: () => add(args) },
    LangChain: { bare: () => chained.invoke(chainCall), governed: () => governedChained.invoke(chainCall) },
    'AI SDK': {
      bare: () => ai.ai.execute(args, aiCall),
      governed: () => governedAi.ai.execute(args, aiCall),
    },
    'OpenAI Agents SDK': {
      bare: () => agents.invoke(new RunContext({}), input),
      governed: () => governedAgents.invoke(new RunContext({}), input),
    },
    Mastra: {
      bare: () => mastra.execute?.(args, mastraContext),
      governed: () => governedMastra.execute?.(args, mastraContext),
    },
    'Claude Agent SDK': { bare: () => undefined, governed: claudeCall(options) },
    'Cloudflare agents': {
      bare: () => clients().callTool(mcpCall),
      governed: () => governedClients.callTool(mcpCall),
    },
    'Google ADK': { bare: () => adk.runAsync(adkRequest), governed: () => governedAdk.runAsync(adkRequest) },
  };
}

/** What a tool and its adapter look at of it: a runner makes the whole one. */
function adkContext(): Parameters<FunctionTool['runAsync']>[0]['toolContext'] {
  const context: unknown = { functionCallId: 'call_1', invocationContext: { session: {} }, actions: {} };
  return context as ReturnType<typeof adkContext>;
}

/** The hooks before and after a tool that Claude Code carries out itself. */
function claudeCall(options: { readonly gate: GateClient; readonly server: string }): Call {
  const { hooks } = governedOptions({}, options);
  const hookOf = (event: HookEvent): HookCallback | undefined => hooks?.[event]?.[0]?.hooks[0];
  const [before, after] = [hookOf('PreToolUse'), hookOf('PostToolUse')];
  const common = {
    session_id: 'bench',
    transcript_path: '',
    cwd: '/',
    tool_name: 'claude',
    tool_input: args,
  };
  const told = (event: HookEvent, more: object): HookInput =>
    ({ hook_event_name: event, ...common, tool_use_id: 'call_1', ...more }) as unknown as HookInput;
  const { signal } = new AbortController();
  return async () => {
    await before?.(told('PreToolUse', {}), 'call_1', { signal });
    await after?.(told('PostToolUse', { tool_response: answer }), 'call_1', { signal });
  };
}

/** An agent's MCP clients, whose server answers at once. */
function clients() {
  return {
    callTool: async (_call: object): Promise<unknown> => answer,
    readResource: async (): Promise<unknown> => answer,
    getPrompt: async (): Promise<unknown> => answer,
    listTools: () => [{ name: 'cloudflare', description, inputSchema: { type: 'object' } }],
  };
}
