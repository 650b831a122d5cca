import { metaKeys, metaOf, toldToModel, type Denial, type RunResult } from '../../src/adapter.ts';
import { isCommand, ToolInvocationError, ToolMessage } from './peers.ts';

/** The call that a message answers. */
export interface Answered {
  readonly id?: string | undefined;
  readonly name: string;
}

type Ended = Parameters<typeof metaOf>[0];

/** What a model sees of a call that gave it no result, so that it can go on. */
export function refusal(call: Answered, ended: Ended & { denial: Denial }): ToolMessage {
  return errorMessage(call, toldToModel(ended.denial), metaOf(ended));
}

/** What a model sees of a tool's own error: the words of LangChain's default, which any `wrapToolCall` switches off. */
export function toolError(call: Answered, error: unknown, ended: RunResult<unknown>): ToolMessage {
  const told = ToolInvocationError.isInstance(error)
    ? error.message
    : `${String(error)}\n Please fix your mistakes.`;
  return errorMessage(call, told, metaOf(ended));
}

export function errorMessage(
  { id = '', name }: Answered,
  content: string,
  metadata: Record<string, unknown>,
): ToolMessage {
  return new ToolMessage({ status: 'error', content, tool_call_id: id, name, metadata });
}

/** Puts the envelopes where machines find them. A model never sees `metadata`; what else is in it stays. */
export function addEnvelopes<T>(output: T, id: string | undefined, ended: RunResult<unknown>): T {
  if (ToolMessage.isInstance(output)) setMetadata(output, ended);
  else for (const message of messagesOf(output)) if (message.tool_call_id === id) setMetadata(message, ended);
  return output;
}

const ourKeys: ReadonlySet<string> = new Set(Object.values(metaKeys));

function setMetadata(message: ToolMessage, ended: RunResult<unknown>): void {
  // A tool that writes under our names claims a verdict that it has not.
  const own = Object.entries(message.metadata ?? {}).filter(([key]) => !ourKeys.has(key));
  message.metadata = { ...Object.fromEntries(own), ...metaOf(ended) };
  // What checkpoints store is what the message was made of.
  message.lc_kwargs['metadata'] = message.metadata;
}

/** The answers that a tool writes into the graph's state itself. */
function messagesOf(output: unknown): readonly ToolMessage[] {
  const update: unknown = isCommand(output) ? output.update : undefined;
  const messages: unknown =
    typeof update === 'object' && update !== null && 'messages' in update ? update.messages : undefined;
  return Array.isArray(messages) ? messages.filter((each) => ToolMessage.isInstance(each)) : [];
}

/** What can be said of a tool's output as JSON: of a message its content, of a `Command` what it asks for, all else as it is. */
export function sayable(output: unknown): unknown {
  return ToolMessage.isInstance(output) ? readContent(output.content) : output;
}

/** LangChain prints what a tool returns. Where that can be undone without loss, the result is what was returned. */
export function readContent(content: unknown): unknown {
  if (typeof content !== 'string' || !/^[[{]/.test(content)) return content;
  try {
    const value: unknown = JSON.parse(content);
    return JSON.stringify(value) === content ? value : content;
  } catch {
    return content;
  }
}
