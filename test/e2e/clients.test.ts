import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyWithSigstore } from '../../examples/first-hour/sigstore.ts';
import { countersign, filesystemServer, testHome, type TestHome } from '../support/home.ts';

const require = createRequire(import.meta.url);
const run = promisify(execFile);
const envelopeKey = 'dev.countersign/envelope';

let home: TestHome;
let folder: string;
let trust: string;

beforeAll(async () => {
  home = await testHome();
  folder = join(home.work, 'files');
  mkdirSync(folder);
  writeFileSync(join(folder, 'hello.txt'), 'hello\n');
  trust = readFileSync(home.trustFile, 'utf8');
  writeFileSync(
    join(home.home, 'policy.yaml'),
    'version: 1\nname: reading\nrules:\n  - { id: read, effect: allow, tools: [files/read_text_file, modern/look] }\n',
  );
});

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

const modernServer = new URL('../support/modern-server.ts', import.meta.url).pathname;

function wrapped(name: string, server: readonly string[]) {
  return {
    command: process.execPath,
    args: [countersign, 'wrap', '--name', name, '--', process.execPath, ...server],
    env: home.env as Record<string, string>,
    stderr: 'ignore' as const,
  };
}

interface Result {
  readonly isError?: boolean;
  readonly content: unknown;
  readonly _meta?: Record<string, { verdict: object; outcome?: object }>;
}

/** Both envelopes are there, Sigstore's own library accepts them, and so do we, together with the result. */
async function expectProven(result: Result, verdict: 'deny' | 'executed'): Promise<void> {
  const envelopes = result._meta?.[envelopeKey];
  expect(envelopes).toBeDefined();
  for (const envelope of [envelopes?.verdict, envelopes?.outcome]) {
    if (envelope) expect(verifyWithSigstore(envelope, trust)).toContain('spiffe://');
  }
  const file = join(home.work, `result-${crypto.randomUUID()}.json`);
  writeFileSync(file, JSON.stringify(result));
  const verified = await home.here('verify', '--trust', home.trustFile, '--expect', verdict, file);
  expect(verified, verified.stderr + verified.stdout).toMatchObject({ code: 0 });
}

describe('real clients list and call through the gate', () => {
  it('the v1 SDK client, legacy', async () => {
    const client = new LegacyClient({ name: 'v1', version: '1.0.0' });
    await client.connect(new LegacyTransport(wrapped('files', [filesystemServer, folder])));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain('read_text_file');
    const read = { name: 'read_text_file', arguments: { path: join(folder, 'hello.txt') } };
    await expectProven((await client.callTool(read)) as Result, 'executed');
    const write = { name: 'write_file', arguments: { path: join(folder, 'x'), content: 'x' } };
    await expectProven((await client.callTool(write)) as Result, 'deny');
    await client.close();
  });

  it.each([
    ['legacy', 'files', 'legacy'],
    ['auto, with a legacy server', 'files', 'auto'],
    ['auto, with a modern server', 'modern', 'auto'],
    ['pinned to 2026-07-28', 'modern', { pin: '2026-07-28' }],
  ] as const)('the v2 SDK client: %s', async (_, name, mode) => {
    const server = name === 'files' ? [filesystemServer, folder] : [modernServer];
    const client = new ModernClient({ name: 'v2', version: '1.0.0' }, { versionNegotiation: { mode } });
    await client.connect(new ModernTransport(wrapped(name, server)));
    const { tools } = await client.listTools();
    expect(tools.length).toBeGreaterThan(0);
    const call =
      name === 'files'
        ? { name: 'read_text_file', arguments: { path: join(folder, 'hello.txt') } }
        : { name: 'look', arguments: { at: 'the moon' } };
    await expectProven((await client.callTool(call)) as Result, 'executed');
    await client.close();
  });

  it.each([
    ['legacy', 'files'],
    ['modern', 'modern'],
  ] as const)('the Inspector’s command line, %s: `_meta` arrives', async (era, name) => {
    const config = join(home.work, `inspector-${era}.json`);
    const server = name === 'files' ? [filesystemServer, folder] : [modernServer];
    const { command, args, env } = wrapped(name, server);
    writeFileSync(config, JSON.stringify({ mcpServers: { [name]: { type: 'stdio', command, args, env } } }));
    const inspector = dirname(require.resolve('@modelcontextprotocol/inspector/package.json'));
    const { bin } = require('@modelcontextprotocol/inspector/package.json') as {
      bin: Record<string, string>;
    };
    const script = join(inspector, bin['mcp-inspector'] ?? Object.values(bin)[0] ?? '');
    const inspect = async (...more: string[]) =>
      run(
        process.execPath,
        [
          script,
          '--cli',
          '--config',
          config,
          '--server',
          name,
          '--protocol-era',
          era,
          '--format',
          'json',
          '-q',
          ...more,
        ],
        { env: { ...home.env, PATH: process.env['PATH'] } },
      );
    const listed = await inspect('--method', 'tools/list');
    expect(listed.stdout).toContain(name === 'files' ? 'read_text_file' : 'look');
    const call =
      name === 'files'
        ? ['--tool-name', 'read_text_file', '--tool-arg', `path=${join(folder, 'hello.txt')}`]
        : ['--tool-name', 'look', '--tool-arg', 'at=the moon'];
    const { stdout } = await inspect('--method', 'tools/call', ...call);
    expect(stdout).toContain(envelopeKey);
  });
});
