import type { JsonObject } from '../../src/adapter.ts';
import { peer } from '../shared/peer.ts';
import type { GovernableTool } from './tool.ts';

const { asSchema } = await peer('ai', 'ai', () => import('ai'));

/**
 * What a tool is declared as: the very JSON Schema that the SDK tells the model, whichever library it was written with.
 * A description that AI SDK 7 makes anew for each call is no part of what can be pinned.
 */
export async function definitionOf(
  name: string,
  { description, inputSchema }: GovernableTool,
): Promise<JsonObject> {
  const schema = await asSchema(inputSchema as Parameters<typeof asSchema>[0]).jsonSchema;
  return {
    name,
    ...(typeof description === 'string' && { description }),
    inputSchema: schema as JsonObject,
  };
}
