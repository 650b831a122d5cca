import { query, tool, type Options } from '@anthropic-ai/claude-agent-sdk';
import type { GateClient } from '../../../src/index.ts';
import { governedMcpServer, governedOptions } from '../../../adapters/claude-agent-sdk/index.ts';
import { z } from 'zod';

const addNote = tool('add_note', 'Adds a note.', { text: z.string() }, async ({ text }) => ({
  content: [{ type: 'text', text: `added ${text}` }],
}));

export function clerk(gate: GateClient, humanToken: string, prompt: string, options: Options = {}) {
  const governed = { gate, server: 'desk', identity: () => ({ humanToken }) };
  const mcpServers = { notes: governedMcpServer({ name: 'notes', tools: [addNote] }, governed) };
  return query({ prompt, options: governedOptions({ ...options, mcpServers }, governed) });
}
