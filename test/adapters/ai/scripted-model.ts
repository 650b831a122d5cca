import { MockLanguageModelV4 } from 'ai/test';
import { MockLanguageModelV3 } from 'ai-v6/test';
import type { ModelCall } from '../contract.ts';

/** The SDK's own mock models: one makes the calls in its first answer, and says “done” in each one after that. */

type Prompt =
  | MockLanguageModelV4['doGenerateCalls'][number]['prompt']
  | MockLanguageModelV3['doGenerateCalls'][number]['prompt'];

interface Asked {
  readonly prompt: Prompt;
}

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 1, text: 1, reasoning: undefined },
};

function answersOf(calls: readonly ModelCall[]) {
  const content = calls.map(({ id, name, args }) => ({
    type: 'tool-call' as const,
    toolCallId: id,
    toolName: name,
    input: JSON.stringify(args),
  }));
  const finish = (unified: 'tool-calls' | 'stop') => ({ usage, finishReason: { unified, raw: undefined } });
  const done = { type: 'text' as const, text: 'done' };
  let asked = 0;
  return {
    generate: async () => {
      asked += 1;
      return asked === 1
        ? { content, ...finish('tool-calls'), warnings: [] }
        : { content: [done], ...finish('stop'), warnings: [] };
    },
    stream: async () => {
      asked += 1;
      const said =
        asked === 1
          ? [...content, { type: 'finish' as const, ...finish('tool-calls') }]
          : [
              { type: 'text-start' as const, id: 't' },
              { type: 'text-delta' as const, id: 't', delta: done.text },
              { type: 'text-end' as const, id: 't' },
              { type: 'finish' as const, ...finish('stop') },
            ];
      return { stream: ReadableStream.from([{ type: 'stream-start' as const, warnings: [] }, ...said]) };
    },
  };
}

export function modelOf6(calls: readonly ModelCall[]): MockLanguageModelV3 {
  const { generate, stream } = answersOf(calls);
  return new MockLanguageModelV3({ doGenerate: generate, doStream: stream });
}

export function modelOf7(calls: readonly ModelCall[]): MockLanguageModelV4 {
  const { generate, stream } = answersOf(calls);
  return new MockLanguageModelV4({ doGenerate: generate, doStream: stream });
}

/** What a model was told of each call, as the providers get it. */
export function toldTo(asked: readonly Asked[]): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  for (const { role, content } of asked.at(-1)?.prompt ?? []) {
    if (role !== 'tool') continue;
    for (const part of content)
      if (part.type === 'tool-result') told.set(part.toolCallId, JSON.stringify(part.output));
  }
  return told;
}

export async function all<T>(parts: AsyncIterable<T>): Promise<T[]> {
  const read: T[] = [];
  for await (const part of parts) read.push(part);
  return read;
}
