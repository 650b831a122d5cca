import type { PreToolUseHookInput } from '@anthropic-ai/claude-agent-sdk';
import { CountersignError, governed, toldToModel } from '../../src/adapter.ts';
import { openCall, type OpenCall } from './open-call.ts';
import type { ClaudeGovernOptions } from './options.ts';
import type { Prompted } from './prompted.ts';

/** The calls of one query that were allowed and have not ended, by the id that the model gave them. */
export interface OpenCalls {
  /** Asks the gate. Undefined for a call that may run; otherwise what the model is told. */
  open(hook: PreToolUseHookInput, asking: AbortSignal): Promise<string | undefined>;
  find(toolCallId: string): OpenCall | undefined;
  /** Finds it, for the last time. */
  take(toolCallId: string): OpenCall | undefined;
  lose(isLost: (call: OpenCall) => boolean): Promise<void>;
}

/** @param caller Ends with the query. */
export function openCalls(
  options: ClaudeGovernOptions,
  caller: AbortSignal | undefined,
  { prompt }: Prompted,
): OpenCalls {
  const { settleWithin = 600_000 } = options;
  const { ask } = governed({ ...options, settleWithin });
  const calls = new Map<string, OpenCall>();

  const take = (toolCallId: string): OpenCall | undefined => {
    const call = calls.get(toolCallId);
    calls.delete(toolCallId);
    return call;
  };
  const lose = async (isLost: (call: OpenCall) => boolean): Promise<void> => {
    const lost = [...calls.values()].filter(isLost);
    for (const { hook } of lost) calls.delete(hook.tool_use_id);
    await Promise.all(lost.map((call) => call.lose(unheard())));
  };
  caller?.addEventListener('abort', () => void lose(() => true), { once: true });

  return {
    async open(hook, asking) {
      const { tool_name: tool, tool_use_id: toolCallId, tool_input: input } = hook;
      const named = { tool, toolCallId, definition: { name: tool } };
      const call = { ...named, arguments: input, from: { hook, prompt: prompt() } };
      const waiting = AbortSignal.any(caller ? [asking, caller] : [asking]);
      const opened = await openCall(hook, (signal) => ask({ ...call, signal }), waiting);
      if (opened.kind === 'denied') return toldToModel(opened.denial);
      // Of two with one id nobody can tell which one is meant afterwards.
      await take(toolCallId)?.lose(unheard());
      calls.set(toolCallId, opened);
      return undefined;
    },
    find: (toolCallId) => calls.get(toolCallId),
    take,
    lose,
  };
}

export function unheard(): CountersignError {
  return new CountersignError('OUTCOME_UNREPORTED', 'Claude Code did not say what became of the call.');
}

export function changed(): CountersignError {
  return new CountersignError(
    'ARGUMENTS_CHANGED',
    'The arguments are not those any more that were decided on.',
  );
}
