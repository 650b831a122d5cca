/** The real Codex and Gemini CLI, without a network: their model is a script on loopback. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ScriptedModel } from './scripted-model.ts';

const require = createRequire(import.meta.url);

export const codexProgram = found('@openai/codex/package.json', 'bin', 'codex.js');
export const geminiProgram = found('@google/gemini-cli/package.json', 'bundle', 'gemini.js');

function found(packageJson: string, ...path: string[]): string | undefined {
  try {
    const program = join(dirname(require.resolve(packageJson)), ...path);
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
  }
}

/** Folders of a throw-away user. */
export interface AgentHome extends Disposable {
  readonly home: string;
  readonly cwd: string;
}

export function agentHome(): AgentHome {
  const home = mkdtempSync(join(tmpdir(), 'agent-'));
  const cwd = join(home, 'work');
  for (const folder of [cwd, join(home, '.codex'), join(home, '.gemini')]) mkdirSync(folder);
  const auth = { security: { auth: { selectedType: 'gemini-api-key' } } };
  writeFileSync(join(home, '.gemini', 'settings.json'), JSON.stringify(auth));
  return { home, cwd, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }) };
}

export interface AgentRun extends Pick<AgentHome, 'home' | 'cwd'> {
  readonly model: Pick<ScriptedModel, 'url'>;
  /** Beside what the program needs: hooks inherit it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Its hooks count as trusted. */
export function runCodex({ home, cwd, model, env }: AgentRun): Promise<string> {
  const config = `model = "gpt-5"
model_provider = "local"
approval_policy = "never"
sandbox_mode = "danger-full-access"
[model_providers.local]
name = "local"
base_url = "${model.url}/v1"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`;
  writeFileSync(join(home, '.codex', 'config.toml'), config);
  const args = ['exec', '--skip-git-repo-check', '--json', '--dangerously-bypass-hook-trust', 'go'];
  return run(codexProgram, args, { home, cwd, env });
}

export function runGemini({ home, cwd, model, env }: AgentRun): Promise<string> {
  const args = ['-p', 'go', '-m', 'gemini-2.5-flash', '--yolo', '--skip-trust'];
  const own = {
    GEMINI_API_KEY: 'x',
    GOOGLE_GEMINI_BASE_URL: model.url,
    GEMINI_CLI_NO_RELAUNCH: 'true',
  };
  return run(geminiProgram, args, { home, cwd, env: { ...own, ...env } });
}

async function run(
  program: string | undefined,
  args: readonly string[],
  { home, cwd, env }: Omit<AgentRun, 'model'>,
): Promise<string> {
  if (program === undefined) throw new Error('This program is not installed here.');
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: home, CODEX_HOME: join(home, '.codex'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // What hangs must not outlive its test.
    timeout: 45_000,
  });
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return stdout + stderr;
}
