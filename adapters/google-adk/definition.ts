import type { BaseTool } from '@google/adk';
import { isJsonObject, type Json, type JsonObject } from '../../src/adapter.ts';
import { definitionFrom } from '../shared/definition.ts';

/** What the model is told of a tool, in MCP's words: `{name, description, inputSchema}`. */
export function definitionOf(tool: BaseTool): JsonObject {
  const { name, description } = tool;
  const declared = tool._getDeclaration();
  const inputSchema = declared?.parametersJsonSchema ?? jsonSchema((declared?.parameters ?? {}) as Json);
  return definitionFrom({ name, description: declared?.description ?? description, inputSchema });
}

const counts = ['maxItems', 'minItems', 'maxLength', 'minLength', 'maxProperties', 'minProperties'];

/**
 * JSON Schema of Gemini's dialect of OpenAPI 3.0: types in capitals, counts as text, and null as a flag.
 * https://ai.google.dev/api/caching#Schema
 */
function jsonSchema(schema: Json | undefined): Json {
  if (!isJsonObject(schema)) return schema ?? {};
  const { nullable, type, ...rest } = schema;
  const members = Object.entries(rest).map(([key, value]) => [key, member(key, value)] as const);
  return {
    ...(typeof type === 'string' && { type: nullable === true ? [typeName(type), 'null'] : typeName(type) }),
    ...Object.fromEntries(members),
  };
}

function member(key: string, value: Json): Json {
  if (counts.includes(key) && typeof value === 'string') return Number(value);
  if (key === 'items') return jsonSchema(value);
  if (key === 'anyOf' && Array.isArray(value)) return value.map(jsonSchema);
  if (key === 'properties' && isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, property]) => [name, jsonSchema(property)]));
  }
  return value;
}

function typeName(type: string): string {
  return type.toLowerCase();
}
