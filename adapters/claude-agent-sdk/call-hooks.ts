import type {
  HookCallback,
  HookCallbackMatcher,
  HookEvent,
  HookInput,
  HookJSONOutput,
} from '@anthropic-ai/claude-agent-sdk';
import { CountersignError, toldToModel } from '../../src/adapter.ts';
import type { RunResult } from '../../src/adapter.ts';
import { changed, unheard, type OpenCalls } from './open-calls.ts';
import type { DecidesItself } from './options.ts';
import type { Prompted } from './prompted.ts';
import { sameJson } from '../shared/same-json.ts';

export type Hooks = Partial<Record<HookEvent, HookCallbackMatcher[]>>;
type Told<E extends HookEvent> = Extract<HookInput, { hook_event_name: E }>;
type Act<E extends HookEvent> = (told: Told<E>, signal: AbortSignal) => Promise<HookJSONOutput>;

/**
 * The hooks of one query: the gate is asked before each call, and told afterwards.
 *
 * @param timeout In seconds, of each hook.
 */
export function callHooks(
  calls: OpenCalls,
  { note }: Prompted,
  decidesItself: DecidesItself,
  timeout: number,
): Hooks {
  const prompted: Act<'UserPromptSubmit'> = async (told) => {
    note(told);
    return {};
  };

  const before: Act<'PreToolUse'> = async (hook, asking) => {
    if (decidesItself(hook.mcp_server)) return {};
    const refused = await calls.open(hook, asking);
    // An ALLOW only does not stand in the way: what the user's own settings refuse stays refused.
    if (refused === undefined) return {};
    const denied = { permissionDecision: 'deny', permissionDecisionReason: refused } as const;
    return { hookSpecificOutput: { hookEventName: 'PreToolUse', ...denied } };
  };

  const after: Act<'PostToolUse'> = async (told) => {
    const call = calls.take(told.tool_use_id);
    // Another hook may have changed the arguments after they were decided on, and this is the first that is heard of it.
    const isSame = sameJson(call?.hook.tool_input, told.tool_input);
    const ended = await (isSame ? call?.end({ result: told.tool_response }) : call?.lose(changed()));
    return toldToo('PostToolUse', ended);
  };

  const afterFailure: Act<'PostToolUseFailure'> = async (told) => {
    const call = calls.take(told.tool_use_id);
    const error = new Error(told.error);
    const ended = await (told.is_interrupt ? call?.lose(unheard()) : call?.end({ error }));
    return toldToo('PostToolUseFailure', ended);
  };

  /** What is done with, and no hook has told of, was refused by someone else or cut off. */
  const afterBatch: Act<'PostToolBatch'> = async ({ tool_calls: batch }) => {
    const ids = new Set(batch.map(({ tool_use_id: id }) => id));
    await calls.lose(({ hook }) => ids.has(hook.tool_use_id));
    return {};
  };
  /** A sub-agent's calls go on when the main agent stops. */
  const atStop: Act<'Stop' | 'StopFailure' | 'SubagentStop'> = async ({ agent_id: agent }) => {
    await calls.lose(({ hook }) => hook.agent_id === agent);
    return {};
  };
  const atEnd: Act<'SessionEnd'> = async () => {
    await calls.lose(() => true);
    return {};
  };

  const matcher = (hook: HookCallback): HookCallbackMatcher[] => [{ timeout, hooks: [hook] }];
  return {
    UserPromptSubmit: matcher(only('UserPromptSubmit', prompted)),
    PreToolUse: [{ timeout, onFailure: 'block', hooks: [only('PreToolUse', before)] }],
    PostToolUse: matcher(only('PostToolUse', after)),
    PostToolUseFailure: matcher(only('PostToolUseFailure', afterFailure)),
    PostToolBatch: matcher(only('PostToolBatch', afterBatch)),
    Stop: matcher(only('Stop', atStop)),
    StopFailure: matcher(only('StopFailure', atStop)),
    SubagentStop: matcher(only('SubagentStop', atStop)),
    SessionEnd: matcher(only('SessionEnd', atEnd)),
  };
}

function only<E extends HookEvent>(event: E, act: Act<E>): HookCallback {
  const isIts = (input: HookInput): input is Told<E> => input.hook_event_name === event;
  return async (input, _id, { signal }) => {
    if (isIts(input)) return act(input, signal);
    throw new CountersignError('INTERNAL', `The hook of ${event} was told something else.`);
  };
}

/** Claude Code has the result already: what can still be done is to tell the model, beside it, not to repeat the call. */
function toldToo(
  hookEventName: 'PostToolUse' | 'PostToolUseFailure',
  ended: RunResult<unknown> | undefined,
): HookJSONOutput {
  if (ended?.kind !== 'unsettled') return {};
  return { hookSpecificOutput: { hookEventName, additionalContext: toldToModel(ended.denial) } };
}
