import { createTool } from '@mastra/core/tools';
import { tool as aiTool } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { governTools } from '../../../adapters/mastra/index.ts';
import { worlds } from '../worlds.ts';

const open = worlds();

const inputSchema = z.object({ text: z.string() });
const add = createTool({
  id: 'add_note',
  description: 'Adds a note.',
  inputSchema,
  execute: ({ text }) => Promise.resolve({ note: text }),
});
const onClient = createTool({ id: 'on_client', description: 'Runs in the browser.', inputSchema });
const atProvider = { type: 'provider-defined', id: 'openai.web_search', args: {} };

describe('governTools', () => {
  it.each([
    ['without execute, which the client runs', onClient],
    ['that the provider of the model runs', atProvider],
  ])('refuses a tool %s', async (_which, elsewhere) => {
    const world = await open();
    const options = { gate: world.gate, server: 'office' };
    expect(() => governTools({ add, elsewhere }, options)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    const allowed = governTools({ add, elsewhere }, { ...options, providerTools: 'allow' });
    expect(allowed.elsewhere).toBe(elsewhere);
    expect(allowed.add.execute).not.toBe(add.execute);
  });

  it('refuses a tool of the AI SDK, which has no id, even where others may run elsewhere', async () => {
    const world = await open();
    const options = { gate: world.gate, server: 'office', providerTools: 'allow' } as const;
    const other = aiTool({ inputSchema, execute: ({ text }) => text });
    expect(() => governTools({ other }, options)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
