import { Agent, Runner, tool, type Model, type RunContext } from '@openai/agents';
import type { GateClient } from '../../../src/index.ts';
import { governTools, noteFailures } from '../../../adapters/openai-agents/index.ts';
import { z } from 'zod';

/** What each run is given. A function is in no trace and in no stored run. */
interface Person {
  readonly humanToken: () => string;
}

const addNote = tool({
  name: 'add_note',
  description: 'Adds a note.',
  parameters: z.object({ text: z.string() }),
  execute: ({ text }) => `Noted: ${text}`,
  errorFunction: noteFailures(),
});

export function clerk(gate: GateClient, model: string | Model) {
  const tools = governTools([addNote], {
    gate,
    server: 'notes',
    identity: ({ context }: RunContext<Person>) => ({ humanToken: context.humanToken() }),
  });
  return new Agent<Person>({ name: 'Clerk', model, tools });
}

export function talk(agent: Agent<Person>, input: string, token: string) {
  return new Runner().run(agent, input, { context: { humanToken: () => token } });
}
