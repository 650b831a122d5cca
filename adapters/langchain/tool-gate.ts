import type { RunnableConfig } from '@langchain/core/runnables';
import type { ClientTool } from '@langchain/core/tools';
import { CallRefusedError, type Governed, type RunResult } from '../../src/adapter.ts';
import { sameJson } from '../shared/same-json.ts';
import { isRecord } from './human-decision.ts';
import { addEnvelopes, refusal, sayable } from './messages.ts';
import type { CallOrigin } from './options.ts';
import { isGraphBubbleUp } from './peers.ts';
import { definitionOf, readInput, type ToolInput } from './tool-call.ts';

export type Ended = RunResult<unknown>;

/** What a tool is run with: LangGraph adds `context` and `state` to what LangChain knows. */
export type ToolConfig = RunnableConfig & { readonly context?: unknown; readonly state?: unknown };

/** What became of the last try of a call. */
export interface Seen {
  /** Absent where nobody got as far as the gate. */
  ended?: Ended;
  /** What was decided on. */
  args?: unknown;
}

/** What a person was shown, who said yes to it. */
export interface Shown {
  readonly args?: unknown;
}

export interface ToolGate {
  /**
   * Asks, runs the tool, reports. Fills in `seen`, also where it throws what the tool threw. It counts as confirmed with the very
   * arguments that were shown alone.
   */
  run(tool: ClientTool, input: unknown, config: ToolConfig, seen?: Seen, confirmed?: Shown): Promise<unknown>;
}

/** The innermost thing there is: behind it is the tool itself, and what runs is what it asked about. */
export function toolGate<Context>({ ask }: Governed<CallOrigin<Context>>): ToolGate {
  return {
    async run(tool, input, config, seen = {}, confirmed) {
      const given = readInput(input);
      seen.args = given.args;
      const paused = new AbortController();
      const asked = await ask({
        tool: tool.name,
        definition: definitionOf(tool),
        arguments: given.args,
        toolCallId: given.call?.id,
        confirmed: confirmed !== undefined && sameJson(given.args, confirmed.args),
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

export function originOf<Context>({ context, configurable = {}, state }: ToolConfig): CallOrigin<Context> {
  return { context: context as Context, configurable, messages: messagesIn(state) };
}

/** A tool node's state may be the list of messages itself. */
function messagesIn(state: unknown): readonly unknown[] {
  const messages: unknown = isRecord(state) ? state['messages'] : state;
  return Array.isArray(messages) ? messages : [];
}
