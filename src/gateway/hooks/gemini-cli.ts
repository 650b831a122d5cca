import { isJsonObject } from '../../call/json.ts';
import { endedWith, readClaudeShape } from './claude-shape.ts';
import { promptOf, type HookEvent, type HookHost } from './hook-host.ts';
import type { HookInput } from './hook-input.ts';

const names = { before: 'BeforeTool', after: 'AfterTool', end: 'SessionEnd', prompt: 'BeforeAgent' };

/** What Gemini CLI puts between what a person has written and the files and resources that they named in it. */
const referenced = '--- Content from referenced files ---';

/**
 * Gemini CLI: `BeforeTool` and `AfterTool`, without an id of the call. Exit code 1, a signal and its time limit let the tool run.
 * https://github.com/google-gemini/gemini-cli/blob/main/docs/hooks/reference.md
 */
export const geminiCli: HookHost = {
  name: 'gemini-cli',
  read,
  says: { allow: '', deny: (told) => JSON.stringify({ decision: 'deny', reason: told }) },
  denyCode: 2,
  hostTimeout: 60,
  timeout: 30,
};

/** A tool that failed comes as one that ran, with an error in its response. */
function read(input: HookInput): HookEvent {
  const event = readClaudeShape(input, names);
  if (event.kind === 'prompt') return promptOf(event.session, event.prompt?.split(referenced)[0]);
  if (event.kind !== 'after' || !input.has('tool_response')) return event;
  const response = input.value('tool_response');
  const hasFailed = isJsonObject(response) && (response['error'] ?? null) !== null;
  return hasFailed ? { ...event, ended: endedWith('failed', input.raw('tool_response')) } : event;
}
