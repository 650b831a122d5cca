import type { JsonObject } from '../../src/adapter.ts';

/** What a framework, or an MCP server, says of a tool. */
export interface DescribedTool {
  readonly name: string;
  readonly description?: string | undefined;
  /** JSON Schema. */
  readonly inputSchema?: unknown;
  readonly annotations?: unknown;
}

/** The definition that a gate pins, in MCP's words: a copy of its own, and without whatever else stands in the tool. */
export function definitionFrom({ name, description, inputSchema, annotations }: DescribedTool): JsonObject {
  return JSON.parse(JSON.stringify({ name, description, inputSchema, annotations })) as JsonObject;
}
