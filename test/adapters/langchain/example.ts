import type { GateClient } from '../../../src/index.ts';
import { delegatorOf, governanceMiddleware, type Delegation } from '../../../adapters/langchain/index.ts';
import { createAgent, tool, type CreateAgentParams } from 'langchain';
import { z } from 'zod';

const addNote = tool(({ text }) => ({ added: text }), {
  name: 'add_note',
  description: 'Adds a note.',
  schema: z.object({ text: z.string() }),
});

export function clerk(gate: GateClient, model: CreateAgentParams['model']) {
  const governance = governanceMiddleware<{ person?: Delegation }>({
    gate,
    server: 'notes',
    identity: ({ context }) => delegatorOf(context.person),
  });
  return createAgent({ model, tools: [addNote], middleware: [governance] });
}
