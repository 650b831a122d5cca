import { isJsonObject, type Json } from '../../call/json.ts';
import { endedWith } from './claude-shape.ts';
import { promptOf, soundsLikeGuard, type HookCall, type HookEvent, type HookHost } from './hook-host.ts';
import type { HookInput } from './hook-input.ts';

/**
 * Cline: the editor's extension tells `preToolUse: {toolName, parameters}`, its command line `tool_call: {id, name, input}` beside
 * a copy of that with its lists made text. It is cancelled by JSON alone. https://docs.cline.bot/features/hooks/hook-reference
 */
export const cline: HookHost = {
  name: 'cline',
  read,
  says: {
    allow: JSON.stringify({ cancel: false }),
    deny: (told) => JSON.stringify({ cancel: true, errorMessage: told }),
    prompted: JSON.stringify({ cancel: false }),
  },
  denyCode: 0,
  hostTimeout: 30,
  timeout: 15,
};

function read(input: HookInput): HookEvent {
  const event = input.text('hookName');
  switch (event) {
    case 'PreToolUse':
    case 'tool_call':
      return { kind: 'before', call: callOf(input, 'tool_call', 'preToolUse') };
    case 'PostToolUse':
    case 'tool_result':
      return afterOf(input);
    case 'UserPromptSubmit':
      return promptOf(input.plainText('taskId'), promptIn(input));
    default:
      return { kind: 'other', guards: soundsLikeGuard(event) };
  }
}

function promptIn(input: HookInput): Json | undefined {
  const told = input.value('userPromptSubmit');
  return isJsonObject(told) ? told['prompt'] : undefined;
}

function callOf(input: HookInput, ofProgram: string, ofExtension: string): HookCall {
  const isProgram = input.has(ofProgram);
  const told = input.inner(isProgram ? ofProgram : ofExtension);
  const id = told.optionalText('id');
  return {
    session: input.optionalText('taskId') ?? '-',
    ...(id !== undefined && { id }),
    tool: told.text(isProgram ? 'name' : 'toolName'),
    arguments: told.object(isProgram ? 'input' : 'parameters'),
    context: input.pick(['taskId', 'timestamp', 'clineVersion', 'agent_id']),
  };
}

function afterOf(input: HookInput): HookEvent {
  const call = callOf(input, 'tool_result', 'postToolUse');
  const told = input.inner(input.has('tool_result') ? 'tool_result' : 'postToolUse');
  const hasFailed = told.value('success') === false || (told.value('error') ?? null) !== null;
  const bytes = told.raw(hasFailed && told.has('error') ? 'error' : 'result') ?? told.raw('output');
  return { kind: 'after', call, ended: endedWith(hasFailed ? 'failed' : 'executed', bytes) };
}
