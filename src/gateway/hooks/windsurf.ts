import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { endedWith } from './claude-shape.ts';
import { promptOf, soundsLikeGuard, type HookCall, type HookEvent, type HookHost } from './hook-host.ts';
import type { HookInput } from './hook-input.ts';

/**
 * Windsurf (Cascade): `agent_action_name`, and `tool_info` with what the action is about. Exit code 2 blocks with standard error as
 * the reason, and nothing else does. https://docs.windsurf.com/windsurf/cascade/hooks
 */
export const windsurf: HookHost = {
  name: 'windsurf',
  read,
  says: { allow: '', deny: () => '' },
  denyCode: 2,
  hostTimeout: 30,
  timeout: 15,
};

/** What of `tool_info` an action is about; the rest tells what came of it. */
const actions: Readonly<Record<string, readonly string[]>> = {
  run_command: ['command_line', 'cwd'],
  read_code: ['file_path'],
  write_code: ['file_path', 'edits'],
};

function read(input: HookInput): HookEvent {
  const event = input.text('agent_action_name');
  if (event === 'pre_user_prompt') return promptOf(input.plainText('trajectory_id'), promptIn(input));
  const [, when, action = ''] =
    /^(pre|post)_(run_command|read_code|write_code|mcp_tool_use)$/.exec(event) ?? [];
  if (when === undefined) return { kind: 'other', guards: soundsLikeGuard(event) };
  const info = input.inner('tool_info');
  const call = callOf(input, info, action);
  if (when === 'pre') return { kind: 'before', call };
  return { kind: 'after', call, ended: endedWith('executed', input.raw('tool_info')) };
}

function promptIn(input: HookInput): Json | undefined {
  const info = input.value('tool_info');
  return isJsonObject(info) ? info['user_prompt'] : undefined;
}

function callOf(input: HookInput, info: HookInput, action: string): HookCall {
  const about = actions[action];
  return {
    session: input.text('trajectory_id'),
    tool: about ? action : `mcp__${info.text('mcp_server_name')}__${info.text('mcp_tool_name')}`,
    arguments: about ? members(info, about) : info.objectOrText('mcp_tool_arguments'),
    context: input.pick(['trajectory_id', 'execution_id', 'timestamp', 'model_name']),
  };
}

function members(info: HookInput, names: readonly string[]): JsonObject {
  const found = names.flatMap((name): [string, Json][] => {
    const value = info.clear(name);
    return value === undefined ? [] : [[name, value]];
  });
  return Object.fromEntries(found);
}
