import type { LanguageModel } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';

type Answer = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>;
type Prompt = MockLanguageModelV4['doGenerateCalls'][number]['prompt'];

/** In place of a real model: it tries what it was asked for, and says what it was told of that. */
export const model: LanguageModel = new MockLanguageModelV4({
  doGenerate: async ({ prompt }) => {
    const told = toldOfCall(prompt);
    return told === undefined ? refund(asked(prompt)) : say(told);
  },
});

function refund(text: string): Answer {
  const [, euros = '0', order = ''] = /(\d+) euros of order (\w+)/.exec(text) ?? [];
  const input = JSON.stringify({ order, euros: Number(euros) });
  return answer({ type: 'tool-call', toolCallId: 'call-1', toolName: 'refund', input }, 'tool-calls');
}

function say(text: string): Answer {
  return answer({ type: 'text', text }, 'stop');
}

function answer(content: Answer['content'][number], unified: 'tool-calls' | 'stop'): Answer {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  return { content: [content], finishReason: { unified, raw: unified }, usage, warnings: [] };
}

function asked(prompt: Prompt): string {
  const parts = prompt.flatMap(({ role, content }) => (role === 'user' ? content : []));
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
}

/** A result as text, or the reason of a denial. */
function toldOfCall(prompt: Prompt): string | undefined {
  const last = prompt.at(-1);
  const [part] = last?.role === 'tool' ? last.content.filter(({ type }) => type === 'tool-result') : [];
  if (part?.type !== 'tool-result') return undefined;
  const { output } = part;
  return output.type === 'execution-denied'
    ? (output.reason ?? '')
    : 'value' in output
      ? String(output.value)
      : '';
}
