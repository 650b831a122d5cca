import {
  Agent,
  applyPatchTool,
  codeInterpreterTool,
  hostedMcpTool,
  Runner,
  shellTool,
  tool,
  webSearchTool,
  type Tool,
} from '@openai/agents';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { governTools } from '../../../adapters/openai-agents/index.ts';
import type { PolicyInput } from '../../../src/policy/policy.ts';
import { allowEverything, denyEverything } from '../../gate/harness.ts';
import { worlds } from '../worlds.ts';
import { scriptedModel } from './scripted-model.ts';

const open = worlds();

const add = tool({
  name: 'add_note',
  description: 'Adds a note.',
  parameters: z.object({ text: z.string() }),
  execute: ({ text }) => `noted ${text}`,
});

const unseen: readonly Tool[] = [
  webSearchTool(),
  codeInterpreterTool(),
  hostedMcpTool({ serverLabel: 'elsewhere', serverUrl: 'https://mcp.example.com' }),
  shellTool({ shell: { run: () => Promise.resolve({ output: [] }) } }),
  applyPatchTool({
    editor: {
      createFile: () => Promise.resolve(),
      updateFile: () => Promise.resolve(),
      deleteFile: () => Promise.resolve(),
    },
  }),
];

describe('governTools', () => {
  it('governs each function tool', async () => {
    const world = await open({ decide: denyEverything });
    const model = scriptedModel([{ id: 'call_1', name: 'add_note', args: { text: 'milk' } }]);
    const tools = governTools([add], { gate: world.gate, server: 'office' });
    await new Runner().run(new Agent({ name: 'Clerk', model, tools }), 'Note it.');
    expect(model.told().get('call_1')).toContain('NO_RULE_ALLOWS');
  });

  it.each(unseen.map((each) => [each.name, each] as const))(
    'refuses %s, which would run without passing the gate',
    async (_name, each) => {
      const world = await open();
      const options = { gate: world.gate, server: 'office' };
      expect(() => governTools([add, each], options)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
      expect(governTools([add, each], { ...options, providerTools: 'allow' })[1]).toBe(each);
    },
  );

  it('governs an agent that is a tool, and the tools of that agent each by itself', async () => {
    const decide = (input: PolicyInput) =>
      input.tool.name === 'add_note' ? denyEverything() : allowEverything();
    const world = await open({ decide });
    const options = { gate: world.gate, server: 'office' };
    const inner = scriptedModel([{ id: 'call_2', name: 'add_note', args: { text: 'milk' } }]);
    const clerk = new Agent({ name: 'Clerk', model: inner, tools: governTools([add], options) });
    const asked = clerk.asTool({ toolName: 'ask_clerk', toolDescription: 'Asks the clerk.' });
    const model = scriptedModel([{ id: 'call_1', name: 'ask_clerk', args: { input: 'Note milk.' } }]);
    const chief = new Agent({ name: 'Chief', model, tools: governTools([asked], options) });
    await new Runner().run(chief, 'Have it noted.');
    expect((await world.logged()).map(({ kind }) => kind)).toEqual(['allow', 'deny', 'outcome']);
    expect(inner.told().get('call_2')).toContain('NO_RULE_ALLOWS');
    expect(model.told().get('call_1')).toContain('done');
  });
});
