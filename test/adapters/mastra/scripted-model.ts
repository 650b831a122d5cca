import { convertArrayToReadableStream, MockLanguageModelV3 } from 'ai/test';
import type { JsonObject } from '../../../src/call/json.ts';

export interface ScriptedCall {
  readonly id: string;
  /** As the agent names the tool, which need not be its id. */
  readonly name: string;
  readonly args: JsonObject;
}

type Generated = Awaited<ReturnType<MockLanguageModelV3['doGenerate']>>;
type Content = Generated['content'][number];
type Part =
  Awaited<ReturnType<MockLanguageModelV3['doStream']>>['stream'] extends ReadableStream<infer P> ? P : never;

/** A model that makes all of its calls in its first answer, and says “done” in its second. */
export interface ScriptedModel {
  readonly model: MockLanguageModelV3;
  /** What it was told of each call, by the call's id. */
  readonly told: () => ReadonlyMap<string, string>;
  /** All that it was ever asked, as text. */
  readonly prompts: () => string;
}

export function scriptedModel(calls: readonly ScriptedCall[], provider = 'script'): ScriptedModel {
  const requests = (): readonly { readonly prompt: unknown }[] => [
    ...model.doGenerateCalls,
    ...model.doStreamCalls,
  ];
  const answer = (): Pick<Generated, 'content' | 'finishReason' | 'usage' | 'warnings'> => {
    const isFirst = requests().length === 1;
    const unified = isFirst ? 'tool-calls' : 'stop';
    const content: Content[] = isFirst ? calls.map(callContent) : [{ type: 'text', text: 'done' }];
    return { content, finishReason: { unified, raw: undefined }, usage, warnings: [] };
  };
  const model = new MockLanguageModelV3({
    provider,
    doGenerate: () => Promise.resolve(answer()),
    doStream: () => {
      const { content, finishReason } = answer();
      const parts: Part[] = [
        { type: 'stream-start', warnings: [] },
        ...content.flatMap(partsOf),
        { type: 'finish', finishReason, usage },
      ];
      return Promise.resolve({ stream: convertArrayToReadableStream(parts) });
    },
  });
  return { model, told: () => toldIn(requests()), prompts: () => JSON.stringify(requests()) };
}

const usage: Generated['usage'] = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

function callContent({ id, name, args }: ScriptedCall): Content {
  return { type: 'tool-call', toolCallId: id, toolName: name, input: JSON.stringify(args) };
}

function partsOf(content: Content): Part[] {
  if (content.type !== 'text') return [content as Part];
  const id = 'text';
  return [
    { type: 'text-start', id },
    { type: 'text-delta', id, delta: content.text },
    { type: 'text-end', id },
  ];
}

interface ToldPart {
  readonly type: string;
  readonly toolCallId?: string;
  readonly output?: unknown;
}

function toldIn(requests: readonly { readonly prompt: unknown }[]): ReadonlyMap<string, string> {
  const messages = requests.flatMap(
    ({ prompt }) => prompt as { role: string; content: string | ToldPart[] }[],
  );
  const parts = messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content));
  return new Map(
    parts
      .filter(({ type }) => type === 'tool-result')
      .map(({ toolCallId = '', output }) => [toolCallId, JSON.stringify(output)]),
  );
}
