import { spawn, type ChildProcess } from 'node:child_process';

export interface WireAnswer {
  readonly id?: number | string | null;
  readonly result?: Record<string, unknown> & {
    readonly isError?: boolean;
    readonly _meta?: Record<string, unknown>;
  };
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: Record<string, unknown>;
  };
}

/** A command that speaks newline-delimited JSON-RPC, driven line by line. */
export interface Wire {
  readonly child: ChildProcess;
  /** Sends bytes as they are. */
  send(bytes: string | Uint8Array): void;
  /** Sends a request under the next id and waits for its answer. */
  request(method: string, params?: unknown): Promise<WireAnswer>;
  /** The next line that is no answer to `request`. */
  line(): Promise<string>;
  readonly stderr: () => string;
  /** Closes stdin and waits for the end. */
  end(): Promise<{ readonly code: number | null; readonly ms: number }>;
}

export function startWire(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
): Wire {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env, cwd });
  const waiting = new Map<number, (answer: WireAnswer) => void>();
  const lines: string[] = [];
  const lineWaiters: ((line: string) => void)[] = [];
  let stderr = '';
  let rest = '';
  let nextId = 1000;
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.on('error', () => undefined);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(part);
  });
  const take = (text: string): void => {
    const { id } = JSON.parse(text) as WireAnswer;
    const resolve = typeof id === 'number' ? waiting.get(id) : undefined;
    if (resolve) {
      waiting.delete(id as number);
      resolve(JSON.parse(text) as WireAnswer);
      return;
    }
    const waiter = lineWaiters.shift();
    if (waiter) waiter(text);
    else lines.push(text);
  };
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child,
    send: (bytes) => void child.stdin.write(bytes),
    request(method, params = {}) {
      nextId += 1;
      const id = nextId;
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    line() {
      const ready = lines.shift();
      return ready === undefined
        ? new Promise((resolve) => lineWaiters.push(resolve))
        : Promise.resolve(ready);
    },
    stderr: () => stderr,
    async end() {
      const before = performance.now();
      child.stdin.end();
      const code = await closed;
      return { code, ms: performance.now() - before };
    },
  };
}
