import { spawn } from 'node:child_process';

/** A raw MCP client over stdio, as thin as can be, so that what is measured is the server. */
export interface WireClient {
  request(method: string, params: unknown): Promise<Record<string, unknown>>;
  close(): Promise<number | null>;
}

export interface WireClientOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export function startClient({ command, args, env }: WireClientOptions): WireClient {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  const waiting = new Map<number, (answer: Record<string, unknown>) => void>();
  let nextId = 0;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const answer = JSON.parse(line) as Record<string, unknown>;
      const id = answer['id'] as number;
      waiting.get(id)?.(answer);
      waiting.delete(id);
    }
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    request(method, params) {
      nextId += 1;
      const id = nextId;
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    close() {
      child.stdin.end();
      return ended;
    },
  };
}

/** The legacy handshake. */
export async function initialize(client: WireClient): Promise<void> {
  await client.request('initialize', {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  });
}
