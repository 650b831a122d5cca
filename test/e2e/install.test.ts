import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { claudeProgram } from '../support/claude-code.ts';
import {
  countersign,
  filesystemServer,
  runCountersign,
  testHome,
  type Finished,
  type TestHome,
} from '../support/home.ts';

let home: TestHome;
let bare: { readonly command: string; readonly args: readonly string[] };
const started: ChildProcess[] = [];

beforeAll(async () => {
  home = await testHome();
  mkdirSync(join(home.work, 'files'));
  bare = { command: process.execPath, args: [filesystemServer, join(home.work, 'files')] };
});
afterEach(() => {
  rmSync(join(home.work, '.cursor'), { recursive: true, force: true });
});
afterAll(async () => {
  for (const child of started) child.kill();
  await home[Symbol.asyncDispose]();
});

/** Where only the test's own files can be found, and changed. */
function cli(...args: string[]): Promise<Finished> {
  return runCountersign({ env: home.env, args, cwd: home.work });
}

function write(path: string, content: unknown): string {
  const file = join(home.work, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return file;
}

function ungoverned(): readonly string[] {
  const { stdout } = spawnSync(process.execPath, [countersign, 'doctor', '--json'], {
    env: home.env,
    cwd: home.work,
    encoding: 'utf8',
  });
  const { findings } = JSON.parse(stdout) as {
    findings: { level: string; about: string; subject: string }[];
  };
  return findings
    .filter(({ level, about }) => level === 'problem' && about === 'hosts')
    .map(({ subject }) => subject);
}

interface Entry {
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
}

function entryIn(file: string, name = 'files'): Entry {
  const { mcpServers } = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: Record<string, Entry> };
  return mcpServers[name] as Entry;
}

/** Starts what the file says, as a host does that knows no more of the environment. */
async function toolsOf({ command, args }: Entry): Promise<readonly string[]> {
  const client = new Client({ name: 'host', version: '1.0.0' });
  const env = { COUNTERSIGN_API_KEY: home.apiKey };
  await client.connect(new StdioClientTransport({ command, args, env, stderr: 'ignore' }));
  const { tools } = await client.listTools();
  await client.close();
  return tools.map(({ name }) => name);
}

describe('countersign install', () => {
  it('has the host start the server through the gate, and leaves nothing for the doctor to find', async () => {
    const text = `{ // mine\n  "mcpServers": { "files": ${JSON.stringify(bare)} } }\n`;
    const file = write('.cursor/mcp.json', text);
    chmodSync(file, 0o640);
    expect(ungoverned()).toHaveLength(1);

    const dry = await cli('install', 'cursor', 'files', '--dry-run');
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toContain('+        "wrap",');
    expect(readFileSync(file, 'utf8')).toBe(text);

    const { code, stdout } = await cli('install', 'cursor', 'files');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(dry.stdout.split('\n').slice(0, 10)));
    expect(stdout).not.toContain('\u001b');
    expect(readFileSync(file, 'utf8')).toContain('// mine');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    const backup = readdirSync(dirname(file)).filter((name) => name !== 'mcp.json');
    expect(backup).toHaveLength(1);
    expect(readFileSync(join(dirname(file), backup[0] ?? ''), 'utf8')).toBe(text);
    expect(ungoverned()).toEqual([]);
    writeFileSync(file, readFileSync(file, 'utf8').replace('// mine', ''));
    expect(await toolsOf(entryIn(file))).toContain('read_text_file');
    const { stdout: known } = await home.cli('tools', 'list', 'files');
    expect(known).toContain('read_text_file');

    const again = await cli('install', 'cursor', 'files');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toMatch(/^unchanged files .*already\.\n$/);
    expect(await cli('uninstall', 'cursor', '--all')).toMatchObject({ code: 0 });
    expect(entryIn(file)).toEqual(bare);
  });

  it('writes through a link, and tells a machine what it did', async () => {
    const real = write('dotfiles/cursor.json', {
      mcpServers: { files: bare, web: { url: 'https://x.example' } },
    });
    mkdirSync(join(home.work, '.cursor'));
    symlinkSync(real, join(home.work, '.cursor', 'mcp.json'));
    const { code, stdout } = await cli('install', 'cursor', '--all', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      dryRun: false,
      servers: [
        { name: 'files', host: 'Cursor', state: 'wrapped', as: 'files' },
        { name: 'web', state: 'refused' },
      ],
      files: [
        { file: join(home.work, '.cursor/mcp.json'), backup: expect.any(String), diff: expect.any(String) },
      ],
    });
    expect(entryIn(real).args).toContain('wrap');
  });

  it('writes a key only where that was said, and shows it nowhere', async () => {
    const path = process.platform === 'darwin' ? 'Library/Application Support/Claude' : '.config/Claude';
    const file = write(`${path}/claude_desktop_config.json`, { mcpServers: { files: bare } });
    const refused = await cli('install', 'claude-desktop', 'files');
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('--key-in-file');
    const { code, stdout } = await cli('install', 'claude-desktop', 'files', '--key-in-file');
    expect(code).toBe(0);
    expect(stdout).not.toContain(home.apiKey);
    expect(entryIn(file).env).toEqual({ COUNTERSIGN_API_KEY: home.apiKey });
    const { stdout: taken } = await cli('uninstall', 'claude-desktop', 'files');
    expect(taken).toContain('delete it once all is well');
    expect(readFileSync(file, 'utf8')).not.toContain(home.apiKey);
  });

  it.each([
    [2, []],
    [2, ['emacs', 'files']],
    [2, ['cursor']],
    [2, ['cursor', 'files', '--all']],
    [2, ['cursor', 'files', '--user', '--project', '.']],
    [2, ['cursor', 'files', '--gate', 'http://gate.example']],
    [1, ['cursor', 'files']],
  ])('%i for %j', async (code, args) => {
    expect((await cli('install', ...args)).code).toBe(code);
  });

  it.skipIf(claudeProgram === undefined)('is understood by Claude Code itself', async () => {
    const file = write('.claude.json', { mcpServers: { files: { type: 'stdio', ...bare, env: {} } } });
    expect(await cli('install', 'claude-code', 'files', '--user')).toMatchObject({ code: 0 });
    const { stdout } = spawnSync(claudeProgram ?? '', ['mcp', 'list'], {
      env: { ...home.env, CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' },
      cwd: home.work,
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/files: .* wrap .*Connected/);
    rmSync(file);
  });

  it('is understood by Codex itself', async () => {
    const toml = `[mcp_servers.files]\ncommand = ${JSON.stringify(bare.command)}\nargs = ${JSON.stringify(bare.args)}\n`;
    write('.codex/config.toml', toml);
    expect(await cli('install', 'codex', 'files', '--user')).toMatchObject({ code: 0 });
    const codex = createRequire(import.meta.url).resolve('@openai/codex/package.json');
    const { stdout } = spawnSync(
      process.execPath,
      [join(dirname(codex), 'bin/codex.js'), 'mcp', 'list', '--json'],
      {
        env: home.env,
        cwd: home.work,
        encoding: 'utf8',
      },
    );
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'files', transport: { type: 'stdio', env_vars: ['COUNTERSIGN_API_KEY'] } },
    ]);
    expect(stdout).toContain('"wrap"');
    rmSync(join(home.work, '.codex'), { recursive: true });
  });

  it('points a server at a gate that serves it, and refuses one that it does not serve', async () => {
    const socket = join(home.work, 'gate.sock');
    const config = write(
      'gate.yaml',
      `version: 1\nlisten: { socket: gate.sock }\nservers:\n  files: ${JSON.stringify(bare)}\n`,
    );
    const gate = spawn(process.execPath, [countersign, 'serve', '--config', config], { env: home.env });
    started.push(gate);
    await expect.poll(() => existsSync(socket)).toBe(true);
    const file = write('.cursor/mcp.json', { mcpServers: { files: bare, other: bare } });
    const { code, stdout } = await cli('install', 'cursor', '--all', '--gate', `unix:${socket}`);
    expect(code).toBe(1);
    expect(stdout).toContain('serves no “other”');
    expect(entryIn(file, 'other')).toEqual(bare);
    expect(entryIn(file).args.slice(1)).toEqual(['wrap', '--gate', `unix:${socket}`, '--name', 'files']);
    expect(await toolsOf(entryIn(file))).toContain('read_text_file');
    const stranger = { ...home.env, COUNTERSIGN_API_KEY: `${home.apiKey.slice(0, -1)}!` };
    const args = ['install', 'cursor', 'other', '--gate', `unix:${socket}`];
    const refused = await runCountersign({ env: stranger, args, cwd: home.work });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('GATE_ANSWER_INVALID');
    gate.kill();
  });
});
