/**
 * The real Claude Code, as `@anthropic-ai/claude-agent-sdk` brings it: the program that users install as `claude`. A run takes
 * about 0.7 s.
 *
 *     const api = await startAnthropicApi([[toolUse('toolu_1', 'Bash', { command: 'date' })]]);
 *     const { home, cwd, remove } = claudeHome();
 *     const args = ['-p', 'go', '--output-format', 'json', '--permission-mode', 'bypassPermissions'];
 *     const ended = await claudeCode({ api, home, cwd, settings, args });
 *     api.told().get('toolu_1'); // what the model was told of the call: output, or what a hook said
 *
 * Hooks are read from all of: `settings` (a file that `--settings` names), `HOME/.claude/settings.json` of `home`, and
 * `.claude/settings.json` of `cwd`. They are `{hooks: {PreToolUse: [{matcher: '*', hooks: [{type: 'command', command}]}]}}`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SpawnedProcess, SpawnOptions } from '@anthropic-ai/claude-agent-sdk';
import type { AnthropicApi } from './anthropic-api.ts';

/** Where the program is, or undefined on a platform that has none: `it.skipIf(!claudeProgram)`. */
export const claudeProgram = findProgram();

export const whyNoClaude = `Claude Code is not installed for ${process.platform}-${process.arch}`;

/** Folders of one throw-away user. Everything that Claude Code writes is in `home`. */
export interface ClaudeHome {
  readonly home: string;
  readonly cwd: string;
  remove(): void;
}

export function claudeHome(): ClaudeHome {
  const home = mkdtempSync(join(tmpdir(), 'claude-'));
  const cwd = join(home, 'work');
  mkdirSync(cwd);
  mkdirSync(join(home, 'tmp'));
  return {
    home,
    cwd,
    remove: () => rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}

/** Its whole environment: nothing of whoever runs the tests, no network but `api`. */
export function claudeEnv(api: Pick<AnthropicApi, 'url'>, home: string): Record<string, string> {
  return {
    PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: home,
    CLAUDE_CONFIG_DIR: join(home, '.claude'),
    TMPDIR: join(home, 'tmp'),
    CLAUDE_CODE_TMPDIR: join(home, 'tmp'),
    ANTHROPIC_BASE_URL: api.url,
    ANTHROPIC_API_KEY: 'x',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_TELEMETRY: '1',
    DISABLE_AUTOUPDATER: '1',
    DISABLE_ERROR_REPORTING: '1',
    // Root may skip permission prompts (`--permission-mode bypassPermissions`) only where this says that it is contained.
    IS_SANDBOX: '1',
  };
}

/** For the SDK’s `spawnClaudeCodeProcess`: an aborted query is over before its process is, which goes on writing to its home. */
export function awaitedClaude(): {
  readonly spawnClaudeCodeProcess: (given: SpawnOptions) => SpawnedProcess;
  readonly ended: () => Promise<unknown>;
} {
  const ends: Promise<unknown>[] = [];
  return {
    spawnClaudeCodeProcess({ command, args, cwd, env, signal }) {
      const child = spawn(command, args, {
        cwd,
        env,
        signal,
        stdio: ['pipe', 'pipe', 'ignore'],
        timeout: 45_000,
      });
      ends.push(new Promise((resolve) => child.once('close', resolve)));
      return child;
    },
    ended: () => Promise.all(ends),
  };
}

export interface ClaudeCodeRun {
  readonly api: Pick<AnthropicApi, 'url'>;
  readonly home: string;
  readonly cwd: string;
  /** Written to a file that `--settings` names. */
  readonly settings?: object;
  readonly args: readonly string[];
  /** Beside `claudeEnv`: hooks inherit it. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ClaudeCodeEnded {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function claudeCode({
  api,
  home,
  cwd,
  settings,
  args,
  env,
}: ClaudeCodeRun): Promise<ClaudeCodeEnded> {
  if (claudeProgram === undefined) throw new Error(whyNoClaude);
  const given = [...args];
  if (settings !== undefined) {
    const file = join(home, 'settings.json');
    writeFileSync(file, JSON.stringify(settings));
    given.push('--settings', file);
  }
  const child = spawn(claudeProgram, given, {
    cwd,
    env: { ...claudeEnv(api, home), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // What hangs must not outlive its test.
    timeout: 45_000,
  });
  const code = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  const [ended, stdout, stderr] = await Promise.all([code, text(child.stdout), text(child.stderr)]);
  return { code: ended, stdout, stderr };
}

function findProgram(): string | undefined {
  const require = createRequire(import.meta.url);
  try {
    const sdk = createRequire(require.resolve('@anthropic-ai/claude-agent-sdk'));
    const name = process.platform === 'win32' ? 'claude.exe' : 'claude';
    const program = join(
      dirname(sdk.resolve(`@anthropic-ai/claude-agent-sdk-${process.platform}-${process.arch}/package.json`)),
      name,
    );
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
  }
}
