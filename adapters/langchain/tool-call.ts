import type { ClientTool } from '@langchain/core/tools';
import { isJsonObject, type Json, type JsonObject } from '../../src/adapter.ts';
import { toJsonSchema } from './peers.ts';

/** What `tool.invoke` was given: a model's tool call, or arguments alone. */
export interface ToolInput {
  /** Nobody else holds it: what is decided on cannot be changed by who made the call. */
  readonly args: unknown;
  /** Absent where the input was no tool call. Then the answer is no message either. */
  readonly call?: { readonly id: string; readonly name: string };
  /** The same input with exactly these arguments. */
  readonly with: (args: JsonObject) => unknown;
}

export function readInput(input: unknown): ToolInput {
  if (isToolCall(input)) {
    const { id = '', name } = input;
    return { args: copied(input.args), call: { id, name }, with: (args) => ({ ...input, args }) };
  }
  // A tool without a schema takes a text; LangChain's own name for it is `input`.
  if (typeof input === 'string') return { args: { input }, with: () => input };
  return { args: copied(input), with: (args) => args };
}

interface GivenCall {
  readonly id?: string;
  readonly name: string;
  readonly args: unknown;
}

function isToolCall(input: unknown): input is GivenCall {
  return typeof input === 'object' && input !== null && 'type' in input && input.type === 'tool_call';
}

/** What is no JSON stays what it is: the gate refuses it. */
function copied(args: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(args ?? {}));
  } catch {
    return args;
  }
}

/** What a tool is, as the gate pins it. Read anew for each call: a description that changes is what the gate wants to know. */
export function definitionOf(tool: ClientTool): JsonObject {
  const { name, description, metadata } = tool as ClientTool & { metadata?: Record<string, unknown> };
  const inputSchema = 'schema' in tool ? schemaOf(tool.schema) : undefined;
  const annotations = jsonObject(metadata?.['annotations']);
  return {
    name,
    ...(description !== undefined && { description }),
    ...(inputSchema && { inputSchema }),
    ...(annotations && { annotations }),
  };
}

function schemaOf(schema: unknown): JsonObject | undefined {
  try {
    return jsonObject(toJsonSchema(schema as Parameters<typeof toJsonSchema>[0]));
  } catch {
    // A schema that JSON Schema cannot say. LangChain offers no model such a tool.
    return undefined;
  }
}

function jsonObject(value: unknown): JsonObject | undefined {
  const json = copied(value) as Json;
  return value !== undefined && isJsonObject(json) ? json : undefined;
}
