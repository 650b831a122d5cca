import { readClaudeShape } from './claude-shape.ts';
import type { HookHost } from './hook-host.ts';

/**
 * Claude Code. Exit code 2 blocks, and the reason is taken from the JSON if there is one; any other failure, and its own time
 * limit, let the tool run unless the hook's entry says `"onFailure": "block"`.
 */
export const claudeCode: HookHost = {
  name: 'claude-code',
  read: (input) => readClaudeShape(input),
  says: {
    allow: '',
    approve: JSON.stringify({
      hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'allow' },
    }),
    deny: (told) =>
      JSON.stringify({
        hookSpecificOutput: {
          hookEventName: 'PreToolUse',
          permissionDecision: 'deny',
          permissionDecisionReason: told,
        },
      }),
  },
  denyCode: 2,
  hostTimeout: 60,
  timeout: 30,
};
