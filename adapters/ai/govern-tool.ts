import { CallRefusedError, resultOf, toldToModel, type AskedCall, type Governed } from '../../src/adapter.ts';
import { definitionOf } from './definition.ts';
import { isApproved } from './person-approved.ts';
import { createKeptPermits } from './kept-permits.ts';
import type { ExecuteTool, GovernableTool, ToolCallInfo } from './tool.ts';

/** What AI SDK 7 is answered when it asks whether a call may run. */
export type GateApproval = (
  input: unknown,
  info: Pick<ToolCallInfo, 'toolCallId' | 'messages'> & { readonly toolContext?: unknown },
) => Promise<
  | { readonly type: 'denied'; readonly reason: string }
  /** `user-approval`: a rule wants the call confirmed, and the SDK asks its person. */
  | { readonly type: 'not-applicable' | 'user-approval' }
>;

export interface GovernedTool {
  readonly execute: ExecuteTool;
  readonly approve: GateApproval;
}

interface ToolToGovern {
  readonly name: string;
  readonly tool: GovernableTool & { readonly execute: ExecuteTool };
  readonly settleWithin: number | undefined;
}

/** Milliseconds between the SDK's asking and its executing. What takes longer is asked about again. */
const keptFor = 10_000;

export function governTool(
  gate: Governed<ToolCallInfo>,
  { name, tool, settleWithin }: ToolToGovern,
): GovernedTool {
  const kept = createKeptPermits(settleWithin === undefined ? keptFor : Math.min(keptFor, settleWithin / 2));
  let definition: ReturnType<typeof definitionOf> | undefined;

  const ask = async (input: unknown, info: ToolCallInfo, signal = info.abortSignal): Promise<AskedCall> => {
    definition ??= definitionOf(name, tool);
    const { toolCallId } = info;
    return gate.ask({
      tool: name,
      definition: await definition,
      arguments: input,
      toolCallId,
      confirmed: isApproved(info),
      from: info,
      signal,
    });
  };

  const askOnce = async (input: unknown, info: ToolCallInfo): Promise<AskedCall> =>
    kept.take(input, info) ?? ask(input, info);

  // The SDK tells the model what `execute` throws, and the agent goes on.
  return {
    execute: isStreaming(tool.execute)
      ? async function* (input, info) {
          const asked = await askOnce(input, info);
          if (asked.kind === 'denied') throw new CallRefusedError(asked);
          const ended = yield* asked.stream(
            (args, abortSignal) => tool.execute(args, { ...info, abortSignal }) as AsyncIterable<unknown>,
          );
          resultOf(ended);
        }
      : async (input, info) => {
          const asked = await askOnce(input, info);
          if (asked.kind === 'denied') throw new CallRefusedError(asked);
          return resultOf(
            await asked.run((args, abortSignal) => whole(tool.execute(args, { ...info, abortSignal }))),
          );
        },
    async approve(input, { toolCallId, messages, toolContext }) {
      // Not an object: `execute` decides, as there is nothing to know the call by again.
      if (typeof input !== 'object' || input === null) return { type: 'not-applicable' };
      try {
        const stop = new AbortController();
        const info = { toolCallId, messages, context: toolContext };
        const asked = await ask(input, info, stop.signal);
        if (asked.kind === 'denied' && asked.denial.code === 'CONFIRMATION_REQUIRED')
          return { type: 'user-approval' };
        if (asked.kind === 'denied') return { type: 'denied', reason: toldToModel(asked.denial) };
        kept.keep(input, info, { allowed: asked, stop });
        return { type: 'not-applicable' };
      } catch {
        // Whatever is thrown here ends the whole run.
        return { type: 'denied', reason: 'The call could not be put before the gate. (INTERNAL)' };
      }
    },
  };
}

/** The SDK passes on parts only of what is an async iterable at once, before there is a verdict. */
function isStreaming(execute: ExecuteTool): boolean {
  return Object.prototype.toString.call(execute) === '[object AsyncGeneratorFunction]';
}

/** What no generator function returned in parts is taken whole: the last part. */
async function whole(result: unknown): Promise<unknown> {
  if (!isAsyncIterable(result)) return result;
  let last: unknown;
  for await (const part of result) last = part;
  return last;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
