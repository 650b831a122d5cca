import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAnthropicApi, toolUse } from '../support/anthropic-api.ts';
import { claudeCode, claudeEnv, claudeHome, claudeProgram } from '../support/claude-code.ts';
import { agentHome, codexProgram, geminiProgram, runCodex, runGemini } from '../support/coding-agents.ts';
import { runCountersign } from '../support/home.ts';
import { hookHome, type HookHome } from '../support/hooks.ts';
import {
  startGeminiApi,
  startResponsesApi,
  type ModelCall,
  type ScriptedModel,
} from '../support/scripted-model.ts';

const policy = `version: 1
name: agents
rules:
  - id: harmless
    effect: allow
    tools: ['claude-code/Bash', 'codex/Bash', 'gemini-cli/run_shell_command']
    when: args.command.startsWith('echo ') && request.text == 'go'
`;

let home: HookHome;
beforeAll(async () => {
  home = await hookHome(policy);
});
afterAll(() => home[Symbol.asyncDispose]());

const hookEnv = (): Record<string, string> => ({
  COUNTERSIGN_HOME: home.home,
  COUNTERSIGN_API_KEY: home.apiKey,
});

async function install(host: string, env: NodeJS.ProcessEnv, ...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCountersign({
    env: { ...env, ...hookEnv() },
    args: ['hook', 'install', host, ...options],
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).not.toContain(home.apiKey);
  return stdout;
}

const gone = (): readonly [string, string] => ['--gate', `unix:${join(home.work, 'nobody.sock')}`];
const verdictsOf = async (host: string): Promise<object[]> =>
  (await home.calls()).filter(({ tool }) => tool.startsWith(`${host}/`));

describe('the real Claude Code', { timeout: 60_000 }, () => {
  it.skipIf(!claudeProgram)(
    'runs what is allowed, tells the model why it does not run the rest, and nothing without a gate',
    async () => {
      const { home: user, cwd, remove } = claudeHome();
      const file = join(cwd, 'notes.txt');
      const api = await startAnthropicApi([
        [toolUse('toolu_run', 'Bash', { command: 'echo it-ran' })],
        [toolUse('toolu_write', 'Write', { file_path: file, content: 'hello' })],
      ]);
      const args = ['-p', 'go', '--output-format', 'json', '--permission-mode', 'bypassPermissions'];
      const run = () => claudeCode({ api, home: user, cwd, args, env: hookEnv() });
      mkdirSync(join(user, '.claude'), { recursive: true });
      expect(await install('claude-code', claudeEnv(api, user))).toContain('"onFailure": "block"');
      await run();
      expect(api.told().get('toolu_run')).toBe('it-ran');
      expect(api.told().get('toolu_write')).toContain('(NO_RULE_ALLOWS)');
      expect(existsSync(file)).toBe(false);
      expect(await verdictsOf('claude-code')).toEqual([
        { tool: 'claude-code/Bash', verdict: 'ALLOW', outcome: 'executed' },
        { tool: 'claude-code/Write', verdict: 'DENY', outcome: undefined },
      ]);
      expect(readdirSync(join(home.home, 'hooks'))).toEqual([]);
      await api.close();

      const again = await startAnthropicApi([[toolUse('toolu_down', 'Bash', { command: 'echo it-ran' })]]);
      await install('claude-code', claudeEnv(again, user), ...gone());
      await claudeCode({ api: again, home: user, cwd, args, env: hookEnv() });
      expect(again.told().get('toolu_down')).toContain('(GATE_UNREACHABLE)');
      await again.close();
      remove();
    },
  );

  it.skipIf(!claudeProgram)('runs nothing where the hook itself cannot be started', async () => {
    const { home: user, cwd, remove } = claudeHome();
    const api = await startAnthropicApi([[toolUse('toolu_1', 'Bash', { command: 'echo it-ran' })]]);
    await install('claude-code', claudeEnv(api, user));
    const args = ['-p', 'go', '--output-format', 'json', '--permission-mode', 'bypassPermissions'];
    // An option that Node does not know: the hook ends before a line of ours has run.
    await claudeCode({ api, home: user, cwd, args, env: { ...hookEnv(), NODE_OPTIONS: '--no-such-option' } });
    expect(api.told().get('toolu_1')).toContain('onFailure');
    await api.close();
    remove();
  });
});

interface Agent {
  readonly host: string;
  readonly program: string | undefined;
  readonly tool: (command: string) => ModelCall;
  readonly start: (call: ModelCall) => Promise<ScriptedModel>;
  readonly run: typeof runCodex;
}

const agents: readonly Agent[] = [
  {
    host: 'codex',
    program: codexProgram,
    tool: (command) => ({ name: 'exec_command', input: { cmd: command } }),
    start: startResponsesApi,
    run: runCodex,
  },
  {
    host: 'gemini-cli',
    program: geminiProgram,
    tool: (command) => ({ name: 'run_shell_command', input: { command } }),
    start: startGeminiApi,
    run: runGemini,
  },
];

describe.each(agents)('the real $host', { timeout: 60_000 }, ({ host, program, tool, start, run }) => {
  it.skipIf(!program)(
    'runs what is allowed, tells the model why it does not run the rest, and nothing without a gate',
    async () => {
      using user = agentHome();
      const file = join(user.cwd, 'notes.txt');
      const told = async (command: string): Promise<string | undefined> => {
        await using model = await start(tool(command));
        await run({ ...user, model, env: hookEnv() });
        return model.told();
      };
      const userEnv = { PATH: process.env['PATH'], HOME: user.home, CODEX_HOME: join(user.home, '.codex') };
      await install(host, userEnv);
      expect(await told('echo it-ran')).toContain('it-ran');
      expect(await told(`touch ${file}`)).toContain('(NO_RULE_ALLOWS)');
      await install(host, userEnv, ...gone());
      expect(await told(`echo > ${file}`)).toContain('(GATE_UNREACHABLE)');
      expect(existsSync(file)).toBe(false);
      expect(await verdictsOf(host)).toMatchObject([
        { verdict: 'ALLOW', outcome: 'executed' },
        { verdict: 'DENY' },
      ]);
    },
  );
});
