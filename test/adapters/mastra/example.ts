import { Agent, type AgentConfig } from '@mastra/core/agent';
import { RequestContext } from '@mastra/core/request-context';
import { createTool } from '@mastra/core/tools';
import type { GateClient } from '../../../src/index.ts';
import { governTools, type MastraContext } from '../../../adapters/mastra/index.ts';
import { z } from 'zod';

/** What each run is given. A function is in no span and in no stored run. */
interface Person {
  readonly humanToken: () => string;
}

const addNote = createTool({
  id: 'add_note',
  description: 'Adds a note.',
  inputSchema: z.object({ text: z.string() }),
  execute: async ({ text }) => ({ noted: text }),
});

export function clerk(gate: GateClient, model: AgentConfig['model']) {
  const tools = governTools(
    { addNote },
    {
      gate,
      server: 'notes',
      identity: ({ requestContext }: MastraContext<Person>) =>
        requestContext && { humanToken: requestContext.get('humanToken')() },
    },
  );
  return new Agent({ id: 'clerk', name: 'Clerk', instructions: 'You take notes.', model, tools });
}

export function talk(agent: Agent, input: string, token: string) {
  const requestContext = new RequestContext<Person>([['humanToken', () => token]]);
  return agent.stream(input, { requestContext });
}
