import {
  ignored,
  promptOf,
  soundsLikeGuard,
  type HookCall,
  type HookEnded,
  type HookEvent,
} from './hook-host.ts';
import type { HookInput } from './hook-input.ts';

/** What Claude Code calls its events, and hosts that took the shape over. */
export interface EventNames {
  readonly before: string;
  readonly after: string;
  readonly failed?: string;
  readonly end?: string;
  readonly prompt?: string;
}

export const claudeEvents: EventNames = {
  before: 'PreToolUse',
  after: 'PostToolUse',
  failed: 'PostToolUseFailure',
  end: 'SessionEnd',
  prompt: 'UserPromptSubmit',
};

const contextNames = [
  ...['session_id', 'cwd', 'tool_use_id', 'permission_mode', 'agent_id', 'agent_type'],
  ...['turn_id', 'model', 'prompt_id', 'timestamp'],
];

/**
 * `{hook_event_name, session_id, cwd, tool_name, tool_input, tool_use_id?}`, and after the call `tool_response` or `error`.
 * https://docs.claude.com/en/docs/claude-code/hooks#hook-input
 */
export function readClaudeShape(input: HookInput, names: EventNames = claudeEvents): HookEvent {
  const event = input.text('hook_event_name');
  if (event === names.end) return { kind: 'end', session: input.text('session_id') };
  if (event === names.before) return { kind: 'before', call: callOf(input) };
  if (event === names.after)
    return { kind: 'after', call: callOf(input), ended: endedWith('executed', input.raw('tool_response')) };
  if (event === names.failed) return { kind: 'after', call: callOf(input), ended: failureOf(input) };
  if (event === names.prompt) return saidBy(input);
  return { kind: 'other', guards: soundsLikeGuard(event) };
}

/** Who has written a prompt, as far as Claude Code tells it: the person, or the program that runs it for them. */
const persons: readonly unknown[] = ['user', 'sdk'];

/**
 * A sub-agent's prompt is an agent's, and a turn that a wake-up, another agent or a task's end has begun is nobody's: what the
 * person has asked for stays as it is. Versions that do not say who has written a prompt put a tag before what nobody typed.
 */
function saidBy(input: HookInput): HookEvent {
  const source = input.value('source');
  const isPersons = source === undefined || persons.includes(source);
  const agent = input.value('agent_id') ?? '';
  if (!isPersons || agent !== '') return ignored;
  const prompt = input.value('prompt');
  const isTagged = source === undefined && typeof prompt === 'string' && /^\s*<[a-z]/i.test(prompt);
  return promptOf(input.plainText('session_id'), isTagged ? undefined : prompt);
}

function callOf(input: HookInput): HookCall {
  const id = input.optionalText('tool_use_id');
  return {
    session: input.text('session_id'),
    ...(id !== undefined && { id }),
    tool: input.text('tool_name'),
    arguments: input.objectOrText('tool_input'),
    context: input.pick(contextNames),
  };
}

/** What a person has broken off may have done its work all the same. */
function failureOf(input: HookInput): HookEnded {
  return input.value('is_interrupt') === true
    ? { outcome: 'unknown' }
    : endedWith('failed', input.raw('error'));
}

export function endedWith(outcome: 'executed' | 'failed', bytes: Uint8Array | undefined): HookEnded {
  return { outcome, ...(bytes && { bytes }) };
}
