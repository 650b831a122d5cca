import { tool } from '@openai/agents';
import { RealtimeAgent, RealtimeSession } from '@openai/agents/realtime';
import { ScriptedRealtimeTransport } from '@openai/agents/realtime/testing';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { governTool } from '../../../adapters/openai-agents/index.ts';
import { denyEverything } from '../../gate/harness.ts';
import { openWorld, type WorldOptions } from '../world.ts';

async function speak(options?: WorldOptions) {
  const world = await openWorld(options);
  const add = tool({
    name: 'add_note',
    description: 'Adds a note.',
    parameters: z.object({ text: z.string() }),
    execute: ({ text }) => `noted ${text}`,
  });
  const agent = new RealtimeAgent({
    name: 'Clerk',
    tools: [governTool({ gate: world.gate, server: 'office' })(add)],
  });
  const transport = new ScriptedRealtimeTransport();
  const session = new RealtimeSession(agent, { transport });
  await session.connect({ apiKey: 'none' });
  const output = new Promise<string>((resolve) => {
    session.on('agent_tool_end', (_context, _agent, _tool, result) => resolve(result));
  });
  transport.emit('function_call', {
    type: 'function_call',
    id: 'item_1',
    responseId: 'response_1',
    callId: 'call_1',
    name: 'add_note',
    arguments: '{"text":"milk"}',
  });
  const told = await output;
  session.close();
  const kinds = (await world.logged()).map(({ kind }) => kind);
  await world.close();
  return { told, kinds };
}

it('gates the tools of a realtime agent too', async () => {
  expect(await speak()).toEqual({ told: 'noted milk', kinds: ['allow', 'outcome'] });
  const denied = await speak({ decide: denyEverything });
  expect(denied.told).toContain('NO_RULE_ALLOWS');
  expect(denied.kinds).toEqual(['deny']);
});
