import {
  createUIMessageStream,
  createUIMessageStreamResponse,
  streamText,
  tool,
  toUIMessageStream,
  type LanguageModel,
} from 'ai';
import type { GateClient } from '../../../src/index.ts';
import { governTools, writeEnvelopes } from '../../../adapters/ai/index.ts';
import { z } from 'zod';

const addNote = tool({
  description: 'Adds a note.',
  inputSchema: z.object({ text: z.string() }),
  execute: ({ text }) => ({ added: text }),
});

/** Answers a request of the person whose token this is. */
export function answer(gate: GateClient, model: LanguageModel, humanToken: string, prompt: string): Response {
  const stream = createUIMessageStream({
    execute({ writer }) {
      const governed = governTools(
        { addNote },
        { gate, server: 'notes', identity: () => ({ humanToken }), onEnd: writeEnvelopes(writer) },
      );
      const { stream } = streamText({ model, ...governed, prompt });
      writer.merge(toUIMessageStream({ stream }));
    },
  });
  return createUIMessageStreamResponse({ stream });
}
