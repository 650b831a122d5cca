import type { JsonObject } from '../../call/json.ts';
import { endedWith } from './claude-shape.ts';
import {
  promptOf,
  soundsLikeGuard,
  type HookCall,
  type HookEnded,
  type HookEvent,
  type HookHost,
} from './hook-host.ts';
import type { HookInput } from './hook-input.ts';

/**
 * Cursor: `preToolUse` for every tool, and the older `beforeShellExecution` and `beforeMCPExecution`, which have no id of the
 * call. It goes on when a hook fails, unless its entry says `"failClosed": true`, and wants permission said.
 * https://cursor.com/docs/agent/hooks
 */
export const cursor: HookHost = {
  name: 'cursor',
  read,
  says: {
    allow: JSON.stringify({ permission: 'allow' }),
    deny: (told) => JSON.stringify({ permission: 'deny', user_message: told, agent_message: told }),
    prompted: JSON.stringify({ continue: true }),
  },
  denyCode: 2,
  hostTimeout: 60,
  timeout: 30,
};

function read(input: HookInput): HookEvent {
  const event = input.text('hook_event_name');
  switch (event) {
    case 'preToolUse':
      return { kind: 'before', call: toolCall(input) };
    case 'postToolUse':
      return { kind: 'after', call: toolCall(input), ended: endedWith('executed', input.raw('tool_output')) };
    case 'postToolUseFailure':
      return { kind: 'after', call: toolCall(input), ended: failureOf(input) };
    case 'beforeShellExecution':
      return { kind: 'before', call: shellCall(input) };
    case 'afterShellExecution':
      return { kind: 'after', call: shellCall(input), ended: endedWith('executed', input.raw('output')) };
    case 'beforeMCPExecution':
      return { kind: 'before', call: toolCall(input) };
    case 'afterMCPExecution':
      return { kind: 'after', call: toolCall(input), ended: endedWith('executed', input.raw('result_json')) };
    case 'beforeReadFile':
      return { kind: 'before', call: callOf(input, 'Read', { file_path: input.text('file_path') }) };
    case 'beforeSubmitPrompt':
      return promptOf(
        input.plainText('conversation_id') ?? input.plainText('session_id'),
        input.value('prompt'),
      );
    case 'sessionEnd':
      return { kind: 'end', session: sessionOf(input) };
    default:
      return { kind: 'other', guards: soundsLikeGuard(event) };
  }
}

function toolCall(input: HookInput): HookCall {
  return callOf(input, input.text('tool_name'), input.objectOrText('tool_input'));
}

/** The working directory is not said afterwards in every version: it is context. */
function shellCall(input: HookInput): HookCall {
  return callOf(input, 'Shell', { command: input.text('command') });
}

const contextNames = [
  'conversation_id',
  'generation_id',
  'session_id',
  'cwd',
  'tool_use_id',
  'model',
  'cursor_version',
  'url',
];

function callOf(input: HookInput, tool: string, given: JsonObject): HookCall {
  const id = input.optionalText('tool_use_id');
  return {
    session: sessionOf(input),
    ...(id !== undefined && { id }),
    tool,
    arguments: given,
    context: input.pick(contextNames),
  };
}

function sessionOf(input: HookInput): string {
  return input.optionalText('conversation_id') ?? input.text('session_id');
}

function failureOf(input: HookInput): HookEnded {
  const kind = input.optionalText('failure_type');
  // A permission that was refused is no run; one that was broken off, or took too long, may have been.
  return kind === 'timeout' || input.value('is_interrupt') === true
    ? { outcome: 'unknown' }
    : endedWith('failed', input.raw('error_message'));
}
