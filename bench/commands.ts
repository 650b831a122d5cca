import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHome } from '../src/runtime/home/create-home.ts';
import { allowEverything } from './allow-everything.ts';
import { figure, quantile, type Figure } from './figure.ts';
import { countersign } from './places.ts';

/** What it costs to start a command through a gate, and what a coding agent waits for the hooks around one of its tools. */
const rounds = 30;
const warmUp = 3;

interface Started {
  readonly command: string;
  readonly args: readonly string[];
  readonly input?: () => string;
}

export async function* bench(): AsyncGenerator<Figure> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const home = join(work, 'home');
  const { apiKey } = await createHome(home);
  writeFileSync(join(home, 'policy.yaml'), allowEverything);
  const env = { ...process.env, COUNTERSIGN_HOME: home, COUNTERSIGN_API_KEY: apiKey };
  const ours = (...args: string[]): Started => ({
    command: process.execPath,
    args: [countersign, ...args],
  });
  let call = 0;
  const event = (name: string, more: object) => (): string =>
    JSON.stringify({
      hook_event_name: name,
      session_id: 'bench',
      cwd: work,
      tool_name: 'Bash',
      tool_input: { command: 'true' },
      tool_use_id: `call_${call}`,
      ...more,
    });
  try {
    const node = quantile(await timed({ command: process.execPath, args: ['-e', '0'] }, env), 0.5);
    yield figure('commands: Node starts and ends, p50', node, 'ms');
    const bare = quantile(await timed({ command: 'true', args: [] }, env), 0.5);
    yield figure('commands: true, p50', bare, 'ms');
    const exec = ours('exec', '--stdin', 'none', '--', 'true');
    yield figure(
      'commands: countersign exec -- true, p50',
      quantile(await timed(exec, env), 0.5),
      'ms',
      node,
    );

    await using _gate = await startHomeGate(home, env);
    const before = { ...ours('hook', 'claude-code'), input: event('PreToolUse', {}) };
    const after = {
      ...ours('hook', 'claude-code'),
      input: event('PostToolUse', { tool_response: { stdout: '' } }),
    };
    const times = { before: [] as number[], after: [] as number[] };
    for (call = -warmUp; call < rounds; call += 1) {
      const took = [await run(before, env), await run(after, env)] as const;
      if (call < 0) continue;
      times.before.push(took[0]);
      times.after.push(took[1]);
    }
    yield figure('commands: the hook before a tool, p50', quantile(times.before, 0.5), 'ms', node);
    yield figure('commands: the hook after a tool, p50', quantile(times.after, 0.5), 'ms', node);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The gate that the first hook of a home would start. */
async function startHomeGate(home: string, env: NodeJS.ProcessEnv): Promise<AsyncDisposable> {
  const socket = join(home, 'run', 'gate.sock');
  mkdirSync(join(home, 'run'), { mode: 0o700 });
  const child = spawn(process.execPath, [countersign, 'serve', '--socket', socket], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  await once(child.stderr, 'data');
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function timed(started: Started, env: NodeJS.ProcessEnv): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    const took = await run(started, env);
    if (round >= 0) times.push(took);
  }
  return times;
}

/** Milliseconds from start to end. */
function run({ command, args, input }: Started, env: NodeJS.ProcessEnv): Promise<number> {
  const before = performance.now();
  const child = spawn(command, args, { env, stdio: [input ? 'pipe' : 'ignore', 'ignore', 'inherit'] });
  if (input) child.stdin?.end(input());
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve(performance.now() - before));
  });
}
