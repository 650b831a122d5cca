import {
  Usage,
  type AssistantMessageItem,
  type FunctionCallItem,
  type Model,
  type ModelRequest,
  type ModelResponse,
} from '@openai/agents';
import type { JsonObject } from '../../../src/call/json.ts';

export interface ScriptedCall {
  readonly id: string;
  readonly name: string;
  /** An object, or the very text that the model wrote. */
  readonly args: JsonObject | string;
}

interface Answer extends ModelResponse {
  readonly output: (FunctionCallItem | AssistantMessageItem)[];
}

/** A model that makes all of its calls in its first answer, and says “done” in its second. */
export interface ScriptedModel extends Model {
  readonly requests: ModelRequest[];
  /** What it was told of each call, by the call's id. */
  readonly told: () => ReadonlyMap<string, string>;
}

export function scriptedModel(calls: readonly ScriptedCall[]): ScriptedModel {
  const requests: ModelRequest[] = [];
  const answer = (request: ModelRequest): Answer => {
    // What comes of it is told in the request of the next turn, and the list grows on.
    requests.push({ ...request, input: structuredClone(request.input) });
    const output = requests.length === 1 ? calls.map(callItem) : [done()];
    return { usage: new Usage(), output, responseId: `response_${requests.length}` };
  };
  return {
    requests,
    told: () => toldIn(requests),
    getResponse: (request) => Promise.resolve(answer(request)),
    async *getStreamedResponse(request) {
      const { output, responseId = '' } = await Promise.resolve(answer(request));
      const usage = { inputTokens: 0, outputTokens: 0, totalTokens: 0 };
      yield { type: 'response_started' };
      yield { type: 'response_done', response: { id: responseId, usage, output } };
    },
  };
}

function callItem({ id, name, args }: ScriptedCall): FunctionCallItem {
  const text = typeof args === 'string' ? args : JSON.stringify(args);
  return { type: 'function_call', callId: id, name, arguments: text, status: 'completed' };
}

function done(): AssistantMessageItem {
  return {
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'done' }],
  };
}

function toldIn(requests: readonly ModelRequest[]): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  for (const item of requests.flatMap(({ input }) => (typeof input === 'string' ? [] : input))) {
    if (item.type === 'function_call_result') told.set(item.callId, JSON.stringify(item.output));
  }
  return told;
}
