import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSocketServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { allowEverything } from './allow-everything.ts';

/** What benchmarks over HTTP ask: each place is a process of its own, or a server in this one. */
export interface Place extends AsyncDisposable {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Gateway extends AsyncDisposable {
  readonly origin: string;
  readonly apiKey: string;
  readonly home: string;
  readonly pid: number;
  /** `trusted_root.json`. */
  readonly trust: string;
}

const repository = new URL('../', import.meta.url).pathname;
export const countersign = join(repository, 'dist/bin/countersign.js');
export const echoServer = join(repository, 'bench/echo-server.ts');

/** The smallest HTTP service: what an action calls. */
export async function startService(): Promise<Place> {
  return serve((_, answer) => answer('{"set":12.5}'));
}

/** The smallest MCP server over Streamable HTTP: one tool, JSON answers, no session. */
export async function startEchoHttp(): Promise<Place> {
  const tool = { name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } };
  const results: Readonly<
    Record<string, (params: { readonly arguments?: { readonly text?: string } }) => object>
  > = {
    initialize: () => ({
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'echo', version: '1.0.0' },
    }),
    'tools/list': () => ({ tools: [tool] }),
    'tools/call': (params) => ({ content: [{ type: 'text', text: params.arguments?.text ?? '' }] }),
  };
  return serve((body, answer) => {
    const { id, method, params } = JSON.parse(body || '{}') as {
      id?: number;
      method?: string;
      params?: object;
    };
    const result = results[method ?? '']?.(params ?? {});
    answer(id === undefined ? '' : JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
}

async function serve(handle: (body: string, answer: (json: string) => void) => void): Promise<Place> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () =>
      handle(body, (json) => {
        response.writeHead(json === '' ? 202 : 200, { 'content-type': 'application/json' });
        response.end(json);
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    headers: {},
    [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      return Promise.resolve();
    },
  };
}

/** The gateway as a user runs it: a new home, a policy that allows everything, and what `config` adds. */
export async function startGateway(config: string): Promise<Gateway> {
  const work = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const home = join(work, 'home');
  const made = execFileSync(process.execPath, [countersign, 'init', '--home', home, '--json'], {
    encoding: 'utf8',
  });
  const { apiKey } = JSON.parse(made) as { apiKey: string };
  writeFileSync(join(work, 'policy.yaml'), allowEverything);
  const file = join(work, 'countersign.yaml');
  writeFileSync(file, `version: 1\nlisten: { port: 0 }\npolicies: [policy.yaml]\n${config}`);
  const child = spawn(process.execPath, [countersign, 'serve', '--home', home, '--config', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  for (let waited = 0; !/http:\S+/.test(said); waited += 20) {
    if (child.exitCode !== null || waited > 30_000) throw new Error(`the gateway did not start: ${said}`);
    await pause(20);
  }
  return {
    origin: /http:\S+/.exec(said)?.[0] ?? '',
    apiKey,
    home,
    pid: child.pid ?? 0,
    trust: join(home, 'trusted_root.json'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      rmSync(work, { recursive: true, force: true });
    },
  };
}

/** A proxy that another project makes, in front of the echo server over stdio, as its own help says to start it. */
export async function startPeer(name: 'mcp-proxy' | 'supergateway'): Promise<Place> {
  const port = await freePort();
  const echo = [process.execPath, echoServer];
  const args = {
    'mcp-proxy': ['--host', '127.0.0.1', '--port', String(port), '--server', 'stream', '--', ...echo],
    supergateway: [
      ...['--stdio', echo.join(' '), '--outputTransport', 'streamableHttp', '--stateful'],
      ...['--port', String(port), '--logLevel', 'none'],
    ],
  }[name];
  const child = spawn(join(repository, 'node_modules/.bin', name), args, { stdio: 'ignore', detached: true });
  const ended = once(child, 'close');
  const url = `http://127.0.0.1:${port}/mcp`;
  await reachable(url);
  return {
    url,
    headers: {},
    async [Symbol.asyncDispose]() {
      // The proxy's child must not outlive it.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  };
}

async function reachable(url: string): Promise<void> {
  for (let tries = 0; tries < 500; tries += 1) {
    const answered = await fetch(url, { method: 'OPTIONS' }).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await pause(20);
  }
  throw new Error(`nothing answers at ${url}`);
}

async function freePort(): Promise<number> {
  const server = createSocketServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
