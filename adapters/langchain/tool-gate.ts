import type { RunnableConfig } from '@langchain/core/runnables';
import type { ClientTool } from '@langchain/core/tools';
import { CallRefusedError, governed, type RunResult } from '../../src/adapter.ts';
import { addEnvelopes, refusal, sayable } from './messages.ts';
import type { CallOrigin, GovernToolOptions } from './options.ts';
import { isGraphBubbleUp } from './peers.ts';
import { definitionOf, readInput, type ToolInput } from './tool-call.ts';

export type Ended = RunResult<unknown>;

/** What a tool is run with: LangGraph adds `context` to what LangChain knows. */
export type ToolConfig = RunnableConfig & { readonly context?: unknown };

/** What became of the last try of a call. */
export interface Seen {
  /** Absent where nobody got as far as the gate. */
  ended?: Ended;
  /** What was decided on. */
  args?: unknown;
}

export interface ToolGate {
  /** Asks, runs the tool, reports. Fills in `seen`, also where it throws what the tool threw. */
  run(tool: ClientTool, input: unknown, config: ToolConfig, seen?: Seen): Promise<unknown>;
}

/** The innermost thing there is: behind it is the tool itself, and what runs is what it asked about. */
export function toolGate<Context>(options: GovernToolOptions<Context>): ToolGate {
  const { ask } = governed(options);
  return {
    async run(tool, input, config, seen = {}) {
      const given = readInput(input);
      seen.args = given.args;
      const paused = new AbortController();
      const asked = await ask({
        tool: tool.name,
        definition: definitionOf(tool),
        arguments: given.args,
        toolCallId: given.call?.id,
        from: originOf(config),
        signal: config.signal ? AbortSignal.any([config.signal, paused.signal]) : paused.signal,
      });
      if (asked.kind === 'denied') {
        seen.ended = asked;
        return answer(given, asked, undefined);
      }
      let output: unknown;
      const ended = await asked.run(async (args, signal) => {
        try {
          output = await (tool as Invokable).invoke(given.with(args), { ...config, signal });
          return sayable(output);
        } catch (error) {
          // An interrupt inside the tool is no failure. It may have done something already, and is begun anew later: unknown.
          if (isGraphBubbleUp(error)) paused.abort();
          throw error;
        }
      });
      seen.ended = ended;
      return answer(given, ended, output);
    },
  };
}

interface Invokable {
  invoke(input: unknown, config: ToolConfig): Promise<unknown>;
}

/** @throws what the tool threw, as it was thrown; CallRefusedError where there is no call to answer. */
function answer({ call }: ToolInput, ended: Ended, output: unknown): unknown {
  if (ended.kind === 'done') return addEnvelopes(output, call?.id, ended);
  if (ended.kind === 'failed') throw ended.error;
  if (ended.kind === 'unsettled' && isGraphBubbleUp(ended.error)) throw ended.error;
  if (call) return refusal(call, ended);
  throw new CallRefusedError(ended);
}

export function originOf<Context>({ context, configurable = {} }: ToolConfig): CallOrigin<Context> {
  return { context: context as Context, configurable };
}
