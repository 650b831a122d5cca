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
import { definitionFrom } from '../shared/definition.ts';
import { createKeptCalls } from './kept-calls.ts';
import { invokeNoting, type ToldFailure, type ToolCallDetails } from './note-failures.ts';

/** `identity` is given the run's context: `new Runner().run(agent, input, { context })` is its `context`. */
export interface GovernToolOptions<Context = unknown> extends GovernOptions<RunContext<Context>> {
  /**
   * What becomes of a call that a rule wants confirmed. Told nothing, it is denied, unless the tool's own `needsApproval` has had its
   * person asked. With `interrupt` the run is interrupted for it too, and the gate is asked again after a yes.
   */
  readonly confirmations?: 'interrupt';
}

/** A tool that `tool({...})` made, or `agent.asTool()`, or `mcpToFunctionTool()`. */
export type FunctionToolLike = Pick<FunctionTool, 'type' | 'name' | 'description' | 'parameters'> & {
  readonly invoke: (context: never, input: string, details?: ToolCallDetails) => Promise<unknown>;
  readonly needsApproval?: (context: never, input: never, callId?: string) => Promise<boolean>;
  readonly errorFunction?: ((context: never, error: unknown, details?: ToolCallDetails) => unknown) | null;
  readonly customDataExtractor?: (context: never) => unknown;
};

/** The same as it is called: the context is that of whoever runs the agent. */
interface Callable<Context> extends Omit<
  FunctionToolLike,
  'invoke' | 'needsApproval' | 'errorFunction' | 'customDataExtractor'
> {
  readonly outputSchema?: unknown;
  readonly invoke: (
    context: RunContext<Context>,
    input: string,
    details?: ToolCallDetails,
  ) => Promise<unknown>;
  readonly needsApproval?: (
    context: RunContext<Context>,
    input: unknown,
    callId?: string,
  ) => Promise<boolean>;
  readonly errorFunction?: ((context: RunContext<Context>, error: unknown) => unknown) | null;
  readonly customDataExtractor?: (about: CustomDataContext) => unknown;
}

interface CustomDataContext {
  readonly runContext: RunContext;
  readonly toolCall: { readonly callId: string };
}

/** Envelopes that wait to be taken, a run and a tool: more calls than a model makes at once. */
const mostKept = 256;

/** Milliseconds between the SDK's asking and its invoking. What takes longer is asked about again. */
const keptFor = 10_000;

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
    // Its type takes a tool of any context, which `never` says; what is run with it is the context of `options`.
    ...gatedParts(options, tool as unknown as Callable<Context>),
  });
}

function gatedParts<Context>(
  options: GovernToolOptions<Context>,
  tool: Callable<Context>,
): Pick<Callable<Context>, 'invoke' | 'needsApproval' | 'customDataExtractor'> {
  const gate = governed(options);
  const { settleWithin } = options;
  const kept = createKeptCalls(settleWithin === undefined ? keptFor : Math.min(keptFor, settleWithin / 2));
  const { name, description, parameters } = tool;
  const asked = { tool: name, definition: definitionFrom({ name, description, inputSchema: parameters }) };
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
      const call = {
        ...asked,
        arguments: parsed(input),
        toolCallId: callId,
        confirmed: isApproved(context, name, callId),
        from: context,
      };
      let failure: ToldFailure | undefined;
      const allowed =
        callId === undefined ? undefined : kept.take(context, callId, call.arguments, details?.signal);
      const got = allowed ?? (await gate.ask({ ...call, signal: details?.signal }));
      const ended: RunResult<unknown> =
        got.kind === 'denied'
          ? got
          : await got.run((args, signal) =>
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
    ...(options.confirmations === 'interrupt' && {
      async needsApproval(context: RunContext<Context>, input: unknown, callId?: string): Promise<boolean> {
        if (await tool.needsApproval?.(context, input, callId)) return true;
        // What cannot be found again when it is invoked is asked about then.
        if (callId === undefined) return false;
        const stop = new AbortController();
        const call = { ...asked, arguments: input, toolCallId: callId, from: context, signal: stop.signal };
        const got = await gate.ask(call);
        if (got.kind === 'denied') return got.denial.code === 'CONFIRMATION_REQUIRED';
        kept.keep(context, callId, { allowed: got, args: input, stop });
        return false;
      },
    }),
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

/**
 * Whether a person was shown this very call (`needsApproval`) and approved it. Who approves a tool for good has not seen the call: then
 * any other id counts as approved too.
 */
function isApproved<Context>(
  context: RunContext<Context>,
  toolName: string,
  callId: string | undefined,
): boolean {
  const says = (id: string): boolean => context.isToolApproved({ toolName, callId: id }) === true;
  return callId !== undefined && says(callId) && !says(crypto.randomUUID());
}

/** What is no JSON stays text, and the gate's client denies it. */
function parsed(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    return input;
  }
}
