import { isJsonObject } from '../../call/json.ts';
import { claudeCode } from './claude-code.ts';
import { endedWith, readClaudeShape } from './claude-shape.ts';
import { ignored, promptOf, type HookCall, type HookEvent, type HookHost } from './hook-host.ts';
import type { HookInput } from './hook-input.ts';

/** Its own fields, and VS Code's: the two read each other's files. */
function decision(permissionDecision: 'allow' | 'deny', told?: string): string {
  const reason = told === undefined ? {} : { permissionDecisionReason: told };
  const hookSpecificOutput = { hookEventName: 'PreToolUse', permissionDecision, ...reason };
  return JSON.stringify({ permissionDecision, ...reason, hookSpecificOutput });
}

export const copilotSays: HookHost['says'] = {
  allow: '',
  approve: decision('allow'),
  deny: (told) => decision('deny', told),
};

/**
 * Copilot CLI. A failure denies; its time limit lets the tool run. An entry under `PreToolUse` gets VS Code's fields, one under
 * `preToolUse` its own, and these have no name of the event: which members are there tells it.
 * https://docs.github.com/en/copilot/reference/hooks-reference
 */
export const copilotCli: HookHost = {
  ...claudeCode,
  name: 'copilot-cli',
  read: (input) => (input.has('hook_event_name') ? readSnakeCase(input) : readCamelCase(input)),
  says: copilotSays,
};

function readCamelCase(input: HookInput): HookEvent {
  if (!input.has('toolName')) {
    // `reason` is of a session's end alone, and `prompt` of what the person asks. An error has neither.
    if (input.has('reason')) return { kind: 'end', session: sessionOf(input) };
    return input.has('prompt') ? promptOf(input.plainText('sessionId'), input.value('prompt')) : ignored;
  }
  const call: HookCall = {
    session: sessionOf(input),
    tool: input.text('toolName'),
    arguments: input.objectOrText('toolArgs'),
    context: input.pick(['sessionId', 'timestamp', 'cwd']),
  };
  if (input.has('toolResult')) return { kind: 'after', call, ended: resultOf(input) };
  if (input.has('error')) return { kind: 'after', call, ended: endedWith('failed', input.raw('error')) };
  return { kind: 'before', call };
}

/** Older versions tell a failure as a result. */
function resultOf(input: HookInput): Extract<HookEvent, { kind: 'after' }>['ended'] {
  const result = input.value('toolResult');
  const isSuccess = isJsonObject(result) && result['resultType'] === 'success';
  return endedWith(isSuccess ? 'executed' : 'failed', input.raw('toolResult'));
}

function readSnakeCase(input: HookInput): HookEvent {
  const event = readClaudeShape(input);
  if (event.kind !== 'after' || event.ended.outcome !== 'executed') return event;
  return { ...event, ended: endedWith('executed', input.raw('tool_result') ?? input.raw('tool_response')) };
}

/** The first versions named no session: then all of them share one. */
function sessionOf(input: HookInput): string {
  return input.optionalText('sessionId') ?? '-';
}
