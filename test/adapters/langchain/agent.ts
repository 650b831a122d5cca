import { AIMessage, type BaseMessage, type ToolMessage } from '@langchain/core/messages';
import type { RunnableConfig } from '@langchain/core/runnables';
import { fakeModel, tool, type DynamicStructuredTool } from 'langchain';
import type { JsonObject } from '../../../src/call/json.ts';
import type { ModelCall, ToolSpec } from '../contract.ts';

/** A model that makes these calls in its first answer, and says “done” in its second. */
export function scripted(calls: readonly ModelCall[]): ReturnType<typeof fakeModel> {
  return fakeModel()
    .respondWithTools(calls.map(({ id, name, args }) => ({ id, name, args })))
    .respond(new AIMessage('done'));
}

export function langchainTool({
  name,
  description,
  parameters,
  execute,
  parts,
}: ToolSpec): DynamicStructuredTool {
  const fields = { name, description, schema: parameters };
  if (parts === undefined) {
    const run = (args: unknown, { signal }: RunnableConfig): Promise<JsonObject> =>
      execute(args as JsonObject, signal);
    return tool(run, fields) as DynamicStructuredTool;
  }
  // LangChain takes what a generator returns for the result, and what it yields for progress.
  const run = async function* (args: unknown): AsyncGenerator<JsonObject, JsonObject> {
    let last: JsonObject = {};
    for await (const part of parts(args as JsonObject)) {
      last = part;
      yield part;
    }
    return last;
  };
  return tool(run, fields);
}

export function toolMessages(messages: readonly BaseMessage[]): ToolMessage[] {
  return messages.filter((message): message is ToolMessage => message.type === 'tool');
}

/** Every text that can be reached from these, by whichever property: what a tracer could send elsewhere. */
export function textsIn(...roots: readonly unknown[]): string {
  const texts: string[] = [];
  const seen = new Set<object>();
  const waiting: unknown[] = [...roots];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === 'string') texts.push(value);
    if (value instanceof Uint8Array) texts.push(new TextDecoder().decode(value));
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array || seen.has(value))
      continue;
    seen.add(value);
    if (value instanceof Map || value instanceof Set) waiting.push(...value.keys(), ...value.values());
    for (const key of Reflect.ownKeys(value)) waiting.push(String(key), Reflect.get(value, key));
  }
  return texts.join('\n');
}
