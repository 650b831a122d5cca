import type { JsonObject } from '../../src/adapter.ts';

const text = { type: 'string' };

/** What is no tool, and asked about as one. The gateway's own names for it, `resources:read`, are kept for what it sees itself. */
export const readResource = {
  name: 'resources.read',
  description: 'Reads a resource of the MCP server.',
  inputSchema: { type: 'object', properties: { uri: text }, required: ['uri'] },
} satisfies JsonObject;

export const getPrompt = {
  name: 'prompts.get',
  description: 'Gets a prompt of the MCP server.',
  inputSchema: {
    type: 'object',
    properties: { name: text, arguments: { type: 'object' } },
    required: ['name'],
  },
} satisfies JsonObject;

/** Whether a server that lists such a tool would borrow what policy says of a method. */
export function isStandIn(name: string): boolean {
  return name === readResource.name || name === getPrompt.name;
}
