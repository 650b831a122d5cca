import type { FunctionTool, RunContext } from '@openai/agents';
import {
  CountersignError,
  governed,
  metaOf,
  toldToModel,
  type Denial,
  type GovernOptions,
  type JsonObject,
  type RunResult,
} from '../../src/adapter.ts';
import { invokeNoting, type ToldFailure, type ToolCallDetails } from './note-failures.ts';

/** `identity` is given the run's context: `new Runner().run(agent, input, { context })` is its `context`. */
export type GovernToolOptions<Context = unknown> = GovernOptions<RunContext<Context>>;

/** A tool that `tool({...})` made, or `agent.asTool()`, or `mcpToFunctionTool()`. */
export type FunctionToolLike = Pick<FunctionTool, 'type' | 'name' | 'description' | 'parameters'> & {
  readonly invoke: (context: never, input: string, details?: ToolCallDetails) => Promise<unknown>;
  readonly errorFunction?: ((context: never, error: unknown, details?: ToolCallDetails) => unknown) | null;
  readonly customDataExtractor?: (context: never) => unknown;
};

/** The same as it is called: the context is that of whoever runs the agent. */
interface Callable<Context> extends Omit<
  FunctionToolLike,
  'invoke' | 'errorFunction' | 'customDataExtractor'
> {
  readonly outputSchema?: unknown;
  readonly invoke: (
    context: RunContext<Context>,
    input: string,
    details?: ToolCallDetails,
  ) => Promise<unknown>;
  readonly errorFunction?: ((context: RunContext<Context>, error: unknown) => unknown) | null;
  readonly customDataExtractor?: (about: CustomDataContext) => unknown;
}

interface CustomDataContext {
  readonly runContext: RunContext;
  readonly toolCall: { readonly callId: string };
}

/** Envelopes that wait to be taken, a run and a tool: more calls than a model makes at once. */
const mostKept = 256;

/**
 * Puts the gate before a tool's execution. Everything else of the tool stays what it is: schema, approval, guardrails, time-out.
 *
 * The model's arguments are parsed once. The gate decides on the result, and the tool is given exactly that, printed again.
 * What is denied is told to the model as the tool's output; the envelopes are the output item's `customData`.
 *
 * @returns a function that takes a tool and gives one of the same type.
 */
export function governTool<Context = unknown>(
  options: GovernToolOptions<Context>,
): <T extends FunctionToolLike>(tool: T) => T {
  return <T extends FunctionToolLike>(tool: T): T => ({
    ...tool,
    ...gatedParts(options, tool as unknown as Callable<Context>),
  });
}

function gatedParts<Context>(
  options: GovernToolOptions<Context>,
  tool: Callable<Context>,
): Pick<Callable<Context>, 'invoke' | 'customDataExtractor'> {
  const gate = governed(options);
  const asked = { tool: tool.name, definition: definitionOf(tool) };
  const metas = new WeakMap<object, Map<string, JsonObject>>();

  const keep = (context: object, callId: string | undefined, ended: RunResult<unknown>): void => {
    if (callId === undefined) return;
    const calls = metas.get(context) ?? new Map<string, JsonObject>();
    metas.set(context, calls.set(callId, metaOf(ended)));
    // Realtime sessions never come for them.
    for (const old of calls.keys()) if (calls.size > mostKept) calls.delete(old);
  };
  const take = ({ runContext, toolCall }: CustomDataContext): JsonObject | undefined => {
    const calls = metas.get(runContext);
    const meta = calls?.get(toolCall.callId);
    calls?.delete(toolCall.callId);
    return meta;
  };

  return {
    async invoke(context, input, details) {
      const callId = details?.toolCall?.callId;
      const call = { ...asked, arguments: parsed(input), toolCallId: callId, from: context };
      let failure: ToldFailure | undefined;
      const ended = await gate.run({ ...call, signal: details?.signal }, (args, signal) =>
        invokeNoting(
          (noting) => tool.invoke(context, JSON.stringify(args), noting),
          details,
          signal,
          (told) => (failure = told),
        ),
      );
      keep(context, callId, ended);
      if (ended.kind === 'done') return ended.result;
      if (ended.kind !== 'failed') return toldAsOutput(tool, context, ended.denial);
      if (failure === undefined) throw ended.error;
      return failure.told;
    },
    async customDataExtractor(about) {
      const own = await tool.customDataExtractor?.(about);
      return { ...(own as object | undefined), ...take(about) };
    },
  };
}

/**
 * A denial where the model looks for the tool's output. Of a tool with an output schema the model's own programs read that: there
 * its `errorFunction` says what fits, as after a guardrail's refusal, and a tool that has none ends the run.
 */
async function toldAsOutput<Context>(
  tool: Callable<Context>,
  context: RunContext<Context>,
  denial: Denial,
): Promise<unknown> {
  if (tool.outputSchema === undefined) return toldToModel(denial);
  const refusal = new CountersignError(denial.code, denial.message);
  if (!tool.errorFunction) throw refusal;
  return tool.errorFunction(context, refusal);
}

/** What is no JSON stays text, and the gate's client denies it. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}

function definitionOf({ name, description, parameters }: FunctionToolLike | Callable<never>): JsonObject {
  return JSON.parse(JSON.stringify({ name, description, inputSchema: parameters })) as JsonObject;
}
