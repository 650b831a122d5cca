import { claudeCode } from './claude-code.ts';
import { readClaudeShape } from './claude-shape.ts';
import { copilotSays } from './copilot-cli.ts';
import type { HookHost } from './hook-host.ts';

const names = { before: 'PreToolUse', after: 'PostToolUse', end: 'SessionEnd', prompt: 'UserPromptSubmit' };

/**
 * VS Code's agent: Claude Code's shape. Exit code 2 blocks, others and its time limit go on.
 * https://code.visualstudio.com/docs/copilot/customization/hooks
 */
export const vscode: HookHost = {
  ...claudeCode,
  name: 'vscode',
  read: (input) => readClaudeShape(input, names),
  says: copilotSays,
};
