import { join } from 'node:path';
import { hookHosts } from '../../../gateway/hooks/hosts.ts';

export type HookScope = 'user' | 'project';

export interface WhereHooksAre {
  /** The user's home folder. */
  readonly home: string;
  readonly project: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What stands in a host's configuration for one event. */
export interface HookEntry {
  readonly event: string;
  /** In a group with a matcher, as Claude Code has them, or in the event's list itself. */
  readonly matcher?: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Where and how one host is told of hooks. */
export type HookFiles =
  | {
      readonly kind: 'json';
      readonly path: (where: WhereHooksAre, scope: HookScope) => string;
      /** What a file of this host says beside its hooks, where there is none yet. */
      readonly base: Readonly<Record<string, unknown>>;
      /** What else has to be set, so that nothing runs that no hook is asked about. It stays when the hooks go: it only refuses. */
      readonly settings?: Readonly<Record<string, unknown>>;
      /** Whether the file holds nothing but our hooks, and goes away with them. */
      readonly isOurs: boolean;
      readonly entries: (line: string) => readonly HookEntry[];
      /** Sentences for the person after it was installed. */
      readonly next: readonly string[];
    }
  | {
      /** A program for each event, by its name. */
      readonly kind: 'programs';
      readonly folder: (where: WhereHooksAre, scope: HookScope) => string;
      readonly events: readonly string[];
      readonly next: readonly string[];
    };

const timeoutOf = (host: string): number => hookHosts.get(host)?.hostTimeout ?? 60;

/** Events that are of no tool, and so of none that a matcher could name. */
const toolless: readonly string[] = ['SessionEnd', 'UserPromptSubmit', 'BeforeAgent'];

/** Claude Code's list of groups. A hook at the end of a session is given a moment by some. */
function groups(before: object, names: readonly [before: string, ...after: string[]], matcher: string) {
  const [first, ...others] = names;
  return (entry: Readonly<Record<string, unknown>>): readonly HookEntry[] => [
    { event: first, matcher, entry: { ...entry, ...before } },
    ...others.map((event) =>
      toolless.includes(event) ? { event, matcher: '', entry } : { event, matcher, entry },
    ),
  ];
}

function list(
  names: readonly [before: string, ...after: string[]],
  before: object = {},
): (entry: Readonly<Record<string, unknown>>) => readonly HookEntry[] {
  const [first, ...others] = names;
  return (entry) => [
    { event: first, entry: { ...entry, ...before } },
    ...others.map((event) => ({ event, entry })),
  ];
}

const command = (line: string, more: object = {}): Readonly<Record<string, unknown>> => ({
  type: 'command',
  command: line,
  ...more,
});

const claudeGroups = groups(
  { onFailure: 'block' },
  ['PreToolUse', 'PostToolUse', 'PostToolUseFailure', 'SessionEnd', 'UserPromptSubmit'],
  '*',
);
const codexGroups = groups({}, ['PreToolUse', 'PostToolUse', 'UserPromptSubmit'], '*');
const geminiGroups = groups({}, ['BeforeTool', 'AfterTool', 'SessionEnd', 'BeforeAgent'], '*');
const cursorList = list(
  ['preToolUse', 'postToolUse', 'postToolUseFailure', 'sessionEnd', 'beforeSubmitPrompt'],
  { failClosed: true },
);
const copilotList = list([
  'preToolUse',
  ...['postToolUse', 'postToolUseFailure', 'sessionEnd', 'userPromptSubmitted'],
]);
const vscodeList = list(['PreToolUse', 'PostToolUse', 'UserPromptSubmit']);
const windsurfList = list([
  ...(['pre_run_command', 'pre_write_code', 'pre_read_code', 'pre_mcp_tool_use'] as const),
  ...['post_run_command', 'post_write_code', 'post_read_code', 'post_mcp_tool_use', 'pre_user_prompt'],
]);

const copilotFolder = ({ home, project, env }: WhereHooksAre, scope: HookScope): string =>
  scope === 'user'
    ? join(env['COPILOT_HOME'] || join(home, '.copilot'), 'hooks')
    : join(project, '.github', 'hooks');

export const hookFiles: Readonly<Record<string, HookFiles>> = {
  'claude-code': {
    kind: 'json',
    path: ({ home, project, env }, scope) =>
      scope === 'user'
        ? join(env['CLAUDE_CONFIG_DIR'] || join(home, '.claude'), 'settings.json')
        : join(project, '.claude', 'settings.json'),
    base: {},
    // Commands in skills and slash commands run as those are read, without any hook: who may write a file could have them run.
    settings: { disableSkillShellExecution: true },
    isOurs: false,
    entries: (line) => claudeGroups(command(line, { timeout: timeoutOf('claude-code') })),
    next: [],
  },
  codex: {
    kind: 'json',
    path: ({ home, project, env }, scope) =>
      scope === 'user'
        ? join(env['CODEX_HOME'] || join(home, '.codex'), 'hooks.json')
        : join(project, '.codex', 'hooks.json'),
    base: {},
    isOurs: false,
    entries: (line) => codexGroups(command(line, { timeout: timeoutOf('codex') })),
    next: [
      'Codex runs no hook before you have trusted it: start codex, look at it under /hooks, and trust it. Until then everything runs.',
    ],
  },
  'gemini-cli': {
    kind: 'json',
    path: ({ home, project }, scope) => join(scope === 'user' ? home : project, '.gemini', 'settings.json'),
    base: {},
    isOurs: false,
    // Milliseconds here.
    entries: (line) =>
      geminiGroups(command(line, { name: 'countersign', timeout: timeoutOf('gemini-cli') * 1_000 })),
    next: ['Gemini CLI runs a project’s hooks only where the folder is trusted.'],
  },
  cursor: {
    kind: 'json',
    path: ({ home, project }, scope) => join(scope === 'user' ? home : project, '.cursor', 'hooks.json'),
    base: { version: 1 },
    isOurs: false,
    entries: (line) => cursorList({ command: line, timeout: timeoutOf('cursor') }),
    next: [
      'A Cursor that does not know preToolUse asks nobody, and says nothing: look at Settings, Hooks, whether it is listed.',
    ],
  },
  'copilot-cli': {
    kind: 'json',
    path: (where, scope) => join(copilotFolder(where, scope), 'countersign.json'),
    base: { version: 1 },
    isOurs: true,
    entries: (line) => copilotList(command(line, { timeoutSec: timeoutOf('copilot-cli') })),
    next: [],
  },
  vscode: {
    kind: 'json',
    path: (where, scope) => join(copilotFolder(where, scope), 'countersign-vscode.json'),
    base: {},
    isOurs: true,
    entries: (line) => vscodeList(command(line, { timeout: timeoutOf('vscode') })),
    next: ['Copilot CLI reads the same folder: with both installed each of its calls is decided twice.'],
  },
  windsurf: {
    kind: 'json',
    path: ({ home, project }, scope) =>
      scope === 'user'
        ? join(home, '.codeium', 'windsurf', 'hooks.json')
        : join(project, '.windsurf', 'hooks.json'),
    base: {},
    isOurs: false,
    entries: (line) => windsurfList({ command: line, show_output: true }),
    next: [],
  },
  cline: {
    kind: 'programs',
    folder: ({ home, project }, scope) =>
      scope === 'user' ? join(home, 'Documents', 'Cline', 'Hooks') : join(project, '.clinerules', 'hooks'),
    events: ['PreToolUse', 'PostToolUse', 'UserPromptSubmit'],
    next: [
      'Cline runs hooks only with “Enable Hooks” in its settings, and each has a switch of its own there.',
    ],
  },
};
