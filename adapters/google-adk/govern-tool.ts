import type { BaseTool, Context } from '@google/adk';
import {
  governed,
  metaOf,
  resultOf,
  toldToModel,
  type GovernOptions,
  type RunResult,
} from '../../src/adapter.ts';
import { definitionOf } from './definition.ts';
import { leaveEnvelopes } from './envelope-plugin.ts';
import { refuseProviderTools } from './provider-tools.ts';

/** `identity` is asked with the tool's `Context`. What is in its session's state is stored: no place for a token. */
export interface GovernAdkOptions extends GovernOptions<Context> {
  /**
   * Tools that the model's provider carries out (Google Search, URL context, Vertex AI Search) never reach this process. Unless
   * they are allowed, the agent's run ends with CONFIG_INVALID before the model is offered one.
   */
  readonly providerTools?: 'allow';
  /**
   * What becomes of a call that a rule wants confirmed. Told nothing, it is denied. With `request` ADK asks its person, and after a yes
   * the gate is asked again, with the word that they confirmed it. That stands for no approval.
   */
  readonly confirmations?: 'request';
}

type ToolRequest = Parameters<BaseTool['runAsync']>[0];
type ModelRequest = Parameters<BaseTool['processLlmRequest']>[0];

/**
 * The same tool, asking the gate before each `runAsync`. The given tool is left as it is, and is not governed itself.
 *
 * A call that was not allowed, or whose end could not be recorded, gives the model `{error: '… (CODE)'}`.
 *
 * @example new LlmAgent({ tools: [governTool({ gate, server: 'notes' })(addNote)], … })
 */
export function governTool(options: GovernAdkOptions): <T extends BaseTool>(tool: T) => T {
  const { run } = governed<Context>(options);
  return function govern<T extends BaseTool>(tool: T): T {
    const runAsync = async ({ args, toolContext }: ToolRequest): Promise<unknown> => {
      const call = {
        tool: tool.name,
        definition: definitionOf(tool),
        arguments: args,
        toolCallId: toolContext.functionCallId,
        confirmed: toolContext.toolConfirmation?.confirmed === true,
        from: toolContext,
        signal: toolContext.abortSignal,
      };
      const ended = await run(call, (decided, signal) =>
        tool.runAsync({ args: decided, toolContext: withSignal(toolContext, signal) }),
      );
      leaveEnvelopes(toolContext, metaOf(ended));
      if (options.confirmations === 'request') requestConfirmation(toolContext, ended);
      return toAdk(ended);
    };
    // Tools put themselves, or others, into the table that ADK runs calls from: whatever this one adds is governed in there.
    const processLlmRequest = async (request: ModelRequest): Promise<void> => {
      const { llmRequest } = request;
      const known = { ...llmRequest.toolsDict };
      const refuse = refuseProviderTools(tool.name, llmRequest);
      await tool.processLlmRequest(request);
      if (options.providerTools !== 'allow') refuse();
      for (const [name, added] of Object.entries(llmRequest.toolsDict)) {
        if (added !== known[name]) llmRequest.toolsDict[name] = added === tool ? itself : govern(added);
      }
    };
    const itself = Object.create(tool, {
      runAsync: { value: runAsync },
      processLlmRequest: { value: processLlmRequest },
      // ADK asks when it resumes, whether the tool is one that could have wanted a confirmation: a rule can want it of any.
      ...(options.confirmations === 'request' && {
        checkRequireConfirmation: { value: () => Promise.resolve(true) },
      }),
    }) as T;
    return itself;
  };
}

/** Once for each call: after an answer there is no second question. */
function requestConfirmation(toolContext: Context, ended: RunResult<unknown>): void {
  const isAsked = toolContext.toolConfirmation !== undefined;
  if (ended.kind !== 'denied' || ended.denial.code !== 'CONFIRMATION_REQUIRED' || isAsked) return;
  toolContext.requestConfirmation({ hint: ended.denial.message });
}

function toAdk(ended: RunResult<unknown>): unknown {
  const isRefused = ended.kind === 'denied' || ended.kind === 'unsettled';
  return isRefused ? { error: toldToModel(ended.denial) } : resultOf(ended);
}

/** The tool's signal ends with the permit, and not only with the run. */
function withSignal(context: Context, signal: AbortSignal): Context {
  return Object.create(context, { abortSignal: { value: signal, enumerable: true } }) as Context;
}
