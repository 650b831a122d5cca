import { claudeCode } from './claude-code.ts';
import type { HookHost } from './hook-host.ts';

/**
 * Codex: Claude Code's shape with `turn_id` and `model`. It refuses `allow` and `ask` of a hook; whatever fails other than with exit
 * code 2 and a reason lets the command run, and so does its time limit.
 */
export const codex: HookHost = {
  ...claudeCode,
  name: 'codex',
  says: { allow: '', deny: claudeCode.says.deny },
};
