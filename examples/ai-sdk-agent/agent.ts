import { ToolLoopAgent, tool, type LanguageModel } from 'ai';
import { z } from 'zod';
import { governTools, type GovernToolsOptions } from '../../adapters/ai/index.ts';

const tools = {
  refund: tool({
    description: 'Gives a customer money back.',
    inputSchema: z.object({ order: z.string(), euros: z.number().positive() }),
    execute: async ({ order, euros }) => `${euros} euros of order ${order} were paid back.`,
  }),
};

export function supportAgent(
  model: LanguageModel,
  { gate, onEnd }: Pick<GovernToolsOptions, 'gate' | 'onEnd'>,
) {
  const governed = governTools(tools, { gate, server: 'shop', ...(onEnd && { onEnd }) });
  return new ToolLoopAgent({ model, ...governed, instructions: 'You help the customers of a shop.' });
}
