import type { ClientTool } from '@langchain/core/tools';
import type { AgentMiddleware, ToolCallRequest, WrapToolCallHook } from 'langchain';
import { CountersignError, governed, type AskedCall, type Denial, type Governed } from '../../src/adapter.ts';
import { approvable, type Attempted } from './approvals.ts';
import { guardTool } from './guard-tool.ts';
import { addEnvelopes, refusal, toolError } from './messages.ts';
import type { CallOrigin, GovernanceOptions } from './options.ts';
import {
  createMiddleware,
  isGraphBubbleUp,
  Runnable,
  ToolInvocationError,
  type ToolMessage,
} from './peers.ts';
import { originOf, toolGate, type Ended, type Seen, type Shown, type ToolGate } from './tool-gate.ts';

/**
 * Governs every tool call of an agent: `createAgent({ model, tools, middleware: [governanceMiddleware({ gate, server })] })`.
 *
 * It belongs after middleware that supplies tools or answers in their place, and before middleware that retries or handles errors.
 * The gate itself sits at the tool, behind all of them: what they make of a call is what is decided on, and each retry is a call.
 *
 * A denial is a `ToolMessage` of status `error`. The envelopes are in `ToolMessage.metadata`.
 */
export function governanceMiddleware<Context = unknown>(
  options: GovernanceOptions<Context>,
): AgentMiddleware<undefined, undefined, unknown, readonly []> {
  const asker = governed(options);
  const gate = toolGate(asker);
  return createMiddleware({
    name: 'CountersignGovernance',
    wrapToolCall(request, handler) {
      const { toolCall, tool, runtime } = request;
      if (!isClientTool(tool)) return refuseUnknown(asker, request);
      const attempt = (confirmed?: Shown) => attemptCall(gate, { ...request, tool }, handler, confirmed);
      return approvable(options, toolCall, runtime, attempt) as Promise<ToolMessage>;
    },
    ...(options.providerTools !== 'allow' && {
      wrapModelCall: (request, handler) => handler({ ...request, tools: request.tools.filter(isClientTool) }),
    }),
  });
}

type Handler = Parameters<WrapToolCallHook>[1];
type Request = Parameters<WrapToolCallHook>[0];

/** What is no runnable has no code here: the model's provider runs it. The framework draws the line in the same place. */
function isClientTool(tool: Request['tool']): tool is ClientTool {
  return Runnable.isRunnable(tool);
}

async function attemptCall(
  gate: ToolGate,
  request: Request & { tool: ClientTool },
  handler: Handler,
  confirmed: Shown | undefined,
): Promise<Attempted> {
  const { toolCall, tool, runtime } = request;
  const seen: Seen = {};
  const guarded = guardTool(tool, (input, config) => gate.run(tool, input, config, seen, confirmed));
  try {
    const output = await handler({ ...request, tool: guarded });
    if (seen.ended === undefined) throw wentAround();
    return { seen, output: addEnvelopes(output, toolCall.id, seen.ended) };
  } catch (error) {
    const { ended } = seen;
    if (runtime.signal?.aborted || ended?.kind !== 'failed' || !isErrorOf(ended, error)) throw error;
    return { seen, output: toolError(toolCall, error, ended) };
  }
}

/** Whether it is what the tool threw. What other middleware throws ends the run, and so does what a graph throws to steer itself. */
function isErrorOf(ended: Extract<Ended, { kind: 'failed' }>, error: unknown): boolean {
  if (isGraphBubbleUp(error)) return false;
  return error === ended.error || (ToolInvocationError.isInstance(error) && error.toolError === ended.error);
}

function wentAround(): CountersignError {
  return new CountersignError(
    'CONFIG_INVALID',
    'A middleware behind governanceMiddleware answered a tool call, and no gate was asked: it has to stand before it.',
  );
}

/** Nothing could run. The gate is asked all the same, so that what was tried is in the log. */
async function refuseUnknown<Context>(
  { ask }: Governed<CallOrigin<Context>>,
  { toolCall, runtime, state }: Pick<ToolCallRequest, 'toolCall' | 'runtime' | 'state'>,
): Promise<ToolMessage> {
  const { id, name, args } = toolCall;
  const asked: AskedCall = await ask({
    tool: name,
    arguments: args,
    toolCallId: id,
    from: originOf({ ...runtime, state }),
    signal: runtime.signal,
  });
  if (asked.kind === 'denied') return refusal(toolCall, asked);
  return refusal(toolCall, { ...(await asked.giveBack()), denial: noSuchTool });
}

const noSuchTool: Denial = {
  code: 'TOOL_UNKNOWN',
  message: 'There is no such tool here; nothing ran.',
  retryable: false,
};
