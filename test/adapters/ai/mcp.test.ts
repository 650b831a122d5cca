import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createMCPClient, type MCPClient } from '@ai-sdk/mcp';
import { StdioMCPTransport } from '@ai-sdk/mcp/mcp-stdio';
import * as ai7 from 'ai';
import * as ai6 from 'ai-v6';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { governTools } from '../../../adapters/ai/index.ts';
import type { JsonObject } from '../../../src/call/json.ts';
import { denyEverything } from '../../gate/harness.ts';
import { openWorld } from '../world.ts';
import { modelOf6, modelOf7, toldTo } from './scripted-model.ts';

const require = createRequire(import.meta.url);
const folder = dirname(require.resolve('@modelcontextprotocol/server-everything/package.json'));

let client: MCPClient;
beforeAll(async () => {
  const args = [join(folder, 'dist', 'index.js'), 'stdio'];
  const transport = new StdioMCPTransport({ command: process.execPath, args, stderr: 'ignore' });
  client = await createMCPClient({ transport });
});
afterAll(() => client.close());

const calls = [{ id: 'call_1', name: 'echo', args: { message: 'milk' } }];

const versions = [
  {
    name: 'AI SDK 6',
    async run(tools7: ai7.ToolSet) {
      const model = modelOf6(calls);
      // The client's types are those of AI SDK 7; its tools are the same.
      const tools = tools7 as unknown as ai6.ToolSet;
      await ai6.generateText({ model, tools, prompt: 'Go.', stopWhen: ai6.stepCountIs(3) });
      return toldTo(model.doGenerateCalls).get('call_1');
    },
  },
  {
    name: 'AI SDK 7',
    async run(tools: ai7.ToolSet) {
      const model = modelOf7(calls);
      await ai7.generateText({ model, tools, prompt: 'Go.', stopWhen: ai7.stepCountIs(3) });
      return toldTo(model.doGenerateCalls).get('call_1');
    },
  },
];

describe.each(versions)('tools of an MCP server, in $name', ({ run }) => {
  it('are asked about with what the server has listed, and run when they are allowed', async () => {
    const { gate, asked, logged, close } = await openWorld();
    const listed = await client.listTools();
    const echo = listed.tools.find(({ name }) => name === 'echo');
    const { tools } = governTools(await client.tools(), { gate, server: 'everything' });
    expect(await run(tools)).toContain('Echo: milk');
    expect(asked[0]?.call).toMatchObject({
      server: 'everything',
      tool: 'echo',
      arguments: { message: 'milk' },
      definition: {
        name: 'echo',
        description: echo?.description,
        inputSchema: { properties: echo?.inputSchema.properties as JsonObject },
      },
    });
    expect((await logged()).map(({ kind }) => kind)).toEqual(['allow', 'outcome']);
    await close();
  });

  it('are not reached by a denied call', async () => {
    const { gate, close } = await openWorld({ decide: denyEverything });
    const { tools } = governTools(await client.tools(), { gate, server: 'everything' });
    const told = await run(tools);
    expect(told).toContain('NO_RULE_ALLOWS');
    expect(told).not.toContain('Echo');
    await close();
  });
});
