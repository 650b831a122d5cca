import type { CanUseTool } from '@anthropic-ai/claude-agent-sdk';
import { toldToModel } from '../../src/adapter.ts';
import { changed, type OpenCalls } from './open-calls.ts';
import type { DecidesItself } from './options.ts';
import { sameJson } from '../shared/same-json.ts';

/** The user's own prompt, held to what was decided. */
export function heldPrompt(prompt: CanUseTool, calls: OpenCalls, decidesItself: DecidesItself): CanUseTool {
  return async (name, input, asked) => {
    const answer = await prompt(name, input, asked);
    if (answer?.behavior !== 'allow' || decidesItself(asked.mcpServer)) return answer;
    const call = calls.find(asked.toolUseID);
    if (call === undefined) return { behavior: 'deny', message: toldToModel(unasked) };
    const runs = answer.updatedInput ?? input;
    if (sameJson(call.hook.tool_input, runs)) return answer;
    // Answers to questions come so, and corrections by a person: another call, decided as such.
    await calls.take(asked.toolUseID)?.lose(changed());
    const refused = await calls.open({ ...call.hook, tool_input: runs }, asked.signal);
    return refused === undefined ? answer : { behavior: 'deny', message: refused };
  };
}

const unasked = {
  code: 'PERMIT_INVALID',
  message: 'The gate was not asked about this call.',
  retryable: false,
} as const;
