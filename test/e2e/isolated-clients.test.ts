import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeFetch } from '../../src/runtime/connect/node-fetch.ts';
import { countersign, filesystemServer, testHome, type TestHome } from '../support/home.ts';

const modernServer = new URL('../support/modern-server.ts', import.meta.url).pathname;

let home: TestHome;
let gate: ChildProcess;
let socket: string;
let url = '';

/** One gate on a socket and on TCP, with a server of each era. */
beforeAll(async () => {
  home = await testHome();
  const folder = join(home.work, 'files');
  mkdirSync(folder);
  writeFileSync(join(folder, 'hello.txt'), 'hello\n');
  socket = join(home.work, 'gate.sock');
  const file = join(home.work, 'countersign.yaml');
  writeFileSync(
    join(home.work, 'policy.yaml'),
    'version: 1\nname: all\nrules:\n  - { id: all, effect: allow, tools: ["files/*", "modern/*"] }\n',
  );
  writeFileSync(
    file,
    `version: 1
listen: { port: 0, socket: gate.sock }
policies: [policy.yaml]
servers:
  files: { command: "${process.execPath}", args: ["${filesystemServer}", "${folder}"] }
  modern: { command: "${process.execPath}", args: ["${modernServer}"] }
`,
  );
  gate = spawn(process.execPath, [countersign, 'serve', '--config', file], {
    env: home.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  gate.stderr?.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  while (!said.includes(`listening on unix:${socket}\n`)) {
    if (gate.exitCode !== null) throw new Error(said);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  url = /listening on (http:\S+)/.exec(said)?.[1] ?? '';
});

afterAll(async () => {
  const ended = new Promise((resolve) => gate.once('close', resolve));
  gate.kill('SIGTERM');
  await ended;
  expect(existsSync(socket)).toBe(false);
  await home[Symbol.asyncDispose]();
});

function relayed(address: string, name: string) {
  return {
    command: process.execPath,
    args: [countersign, 'wrap', '--gate', address, '--name', name],
    // Nothing of the home: the relay has to do without.
    env: { PATH: process.env['PATH'] ?? '', COUNTERSIGN_API_KEY: home.apiKey },
    stderr: 'inherit' as const,
  };
}

/** The result's envelopes hold, together with the result itself. */
async function expectProven(result: unknown): Promise<void> {
  const file = join(home.work, `${crypto.randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(result));
  const verified = await home.cli('verify', '--trust', home.trustFile, '--expect', 'executed', file);
  expect(verified).toMatchObject({ code: 0 });
  expect(verified.stdout).toMatch(/mode\s+same-user/);
}

describe('one gate on a socket and on TCP', () => {
  it('answers the same over both', async () => {
    const response = await createNodeFetch({ socketPath: socket })('http://localhost/healthz');
    expect(await response.json()).toEqual({ status: 'ok' });
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok' });
  });

  it.each([
    ['a socket', () => `unix:${socket}`],
    ['TCP', () => url],
  ])('serves the v1 SDK through the thin relay over %s', async (_, address) => {
    const client = new LegacyClient({ name: 'v1', version: '1.0.0' });
    await client.connect(new LegacyTransport(relayed(address(), 'files')));
    try {
      expect((await client.listTools()).tools.map(({ name }) => name)).toContain('read_text_file');
      const path = join(home.work, 'files', 'hello.txt');
      const result = await client.callTool({ name: 'read_text_file', arguments: { path } });
      expect(result['content']).toEqual([{ type: 'text', text: 'hello\n' }]);
      await expectProven(result);
    } finally {
      await client.close();
    }
  });

  it('serves the v2 SDK through the thin relay, in the modern era', async () => {
    const client = new ModernClient(
      { name: 'v2', version: '1.0.0' },
      { versionNegotiation: { mode: 'auto' } },
    );
    await client.connect(new ModernTransport(relayed(`unix:${socket}`, 'modern')));
    try {
      expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['look']);
      const result = await client.callTool({ name: 'look', arguments: { at: 'sea' } });
      expect(result.content).toEqual([{ type: 'text', text: 'It is sea.' }]);
      await expectProven(result);
    } finally {
      await client.close();
    }
  });

  it('has nothing at a name that it does not know', async () => {
    const client = new LegacyClient({ name: 'v1', version: '1.0.0' });
    await expect(
      client.connect(new LegacyTransport(relayed(`unix:${socket}`, 'other'))),
    ).rejects.toMatchObject({
      code: -32_010,
    });
    await client.close();
  });
});

describe('wrap --gate', () => {
  it.each([
    [['--', 'server']],
    [['--policy', 'p.yaml']],
    [['--home', '/tmp']],
    [['--config', 'c.json', '--server', 'x']],
    [['--relay', 'x/*']],
  ])('is misuse with %j: the gate has its own', async (more) => {
    expect((await home.cli('wrap', '--gate', `unix:${socket}`, ...more)).code).toBe(2);
  });

  it.each(['http://gate.example', 'gate', 'unix:'])('is misuse with the address %s', async (address) => {
    expect((await home.cli('wrap', '--gate', address)).code).toBe(2);
  });

  it('answers every request without a key, and ends with 1', async () => {
    const { code, stdout } = await new Promise<{ code: number | null; stdout: string }>((resolve) => {
      const child = spawn(process.execPath, [countersign, 'wrap', '--gate', `unix:${socket}`], {
        env: { PATH: process.env['PATH'] },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      child.stdin.end('{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n');
      child.once('close', (status) => resolve({ code: status, stdout: text }));
    });
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, error: { data: { code: 'API_KEY_MISSING' } } });
    expect(code).toBe(1);
  });
});
