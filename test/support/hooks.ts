/** A home whose own gate is asked by hooks, as hosts ask it; ended with the home. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCountersign, testHome, type Finished, type TestHome } from './home.ts';

export interface HookHome extends TestHome {
  readonly socket: string;
  /** What a host does: starts the hook with this on its standard input. */
  hook(host: string, input: unknown, ...args: string[]): Promise<Finished>;
  /** Processes that serve this home. */
  gates(): readonly number[];
  /** The verdicts of the log in their order, each with what came of it. */
  calls(): Promise<readonly LoggedCall[]>;
}

export interface LoggedCall {
  readonly tool: string;
  readonly verdict: string;
  readonly outcome?: string | undefined;
}

export async function hookHome(policy: string): Promise<HookHome> {
  const made = await testHome();
  writeFileSync(join(made.home, 'policy.yaml'), policy);
  const socket = join(made.home, 'run', 'gate.sock');
  const gates = (): readonly number[] => {
    try {
      return execFileSync('pgrep', ['-f', `serve --socket ${socket} `], { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map(Number);
    } catch {
      return [];
    }
  };
  return {
    ...made,
    socket,
    gates,
    hook: (host, input, ...args) =>
      runCountersign({
        env: made.env,
        args: ['hook', host, ...args],
        input: typeof input === 'string' ? input : JSON.stringify(input),
      }),
    async calls() {
      const { stdout } = await made.cli('log', 'tail', '-n', '1000', '--json');
      return loggedCalls(stdout);
    },
    async [Symbol.asyncDispose]() {
      for (const pid of gates()) process.kill(pid, 'SIGKILL');
      await made[Symbol.asyncDispose]();
    },
  };
}

interface Line {
  readonly kind: string;
  readonly callId: string | null;
  readonly statement: {
    readonly predicate: {
      readonly tool?: { readonly server: string; readonly name: string };
      readonly outcome?: string;
    };
  };
}

function loggedCalls(text: string): readonly LoggedCall[] {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
  return lines
    .filter(({ kind }) => kind === 'allow' || kind === 'deny')
    .map(({ kind, callId, statement: { predicate } }) => ({
      tool: `${predicate.tool?.server}/${predicate.tool?.name}`,
      verdict: kind.toUpperCase(),
      outcome: lines.find((line) => line.kind === 'outcome' && line.callId === callId)?.statement.predicate
        .outcome,
    }));
}
