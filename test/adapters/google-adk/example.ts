import { FunctionTool, InMemoryRunner, LlmAgent, type BaseLlm } from '@google/adk';
import type { GateClient } from '../../../src/index.ts';
import { envelopePlugin, governTools } from '../../../adapters/google-adk/index.ts';
import { z } from 'zod';

const addNote = new FunctionTool({
  name: 'add_note',
  description: 'Adds a note.',
  parameters: z.object({ text: z.string() }),
  execute: ({ text }) => ({ added: text }),
});

export function clerk(gate: GateClient, model: string | BaseLlm) {
  const tools = governTools([addNote], { gate, server: 'notes' });
  const agent = new LlmAgent({ name: 'clerk', model, tools });
  return new InMemoryRunner({ agent, plugins: [envelopePlugin()] });
}
