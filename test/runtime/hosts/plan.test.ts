import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { parse as parseToml } from 'smol-toml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CountersignError } from '../../../src/errors.ts';
import { checkHosts } from '../../../src/runtime/doctor/check-hosts.ts';
import { parseJsonWithComments } from '../../../src/runtime/doctor/json-with-comments.ts';
import { agentHosts, type HostId } from '../../../src/runtime/hosts/agent-host.ts';
import { applyEdit } from '../../../src/runtime/hosts/edit-file.ts';
import { planInstall, type InstallOptions } from '../../../src/runtime/hosts/install.ts';
import { fitName, serverNames } from '../../../src/runtime/hosts/server-names.ts';
import { planUninstall } from '../../../src/runtime/hosts/uninstall.ts';
import { readWrapLine, wrapLine } from '../../../src/runtime/hosts/wrap-line.ts';
import { assertServerName } from '../../../src/runtime/server-ref.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-hosts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const program = { command: '/opt/node', args: ['/opt/countersign/dist/bin/countersign.js'] };
const bare = { command: 'npx', args: ['-y', 'some-server'], env: { TOKEN: 'sesame' } };

function where() {
  return { home: join(folder, 'me'), project: join(folder, 'project'), platform: 'linux', env: {} } as const;
}

function write(path: string, content: unknown): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`);
  return file;
}

function read(path: string): string {
  return readFileSync(join(folder, path), 'utf8');
}

async function install(id: HostId, names: readonly string[] | 'all', more: Partial<InstallOptions> = {}) {
  const plan = await planInstall({
    host: agentHosts[id],
    scope: { where: where() },
    names,
    program,
    ...more,
  });
  for (const edit of plan.edits) applyEdit(edit);
  return plan.servers.map(({ name, state, as }) => [name, state, as]);
}

async function uninstall(id: HostId, names: readonly string[] | 'all' = 'all') {
  const plan = await planUninstall({ host: agentHosts[id], scope: { where: where() }, names });
  for (const edit of plan.edits) applyEdit(edit);
  return plan.servers.map(({ name, state }) => [name, state]);
}

function ungoverned(): readonly string[] {
  return checkHosts(where(), [])
    .filter(({ level }) => level === 'problem')
    .map(({ subject }) => subject);
}

const places = {
  'claude-desktop': ['me/.config/Claude/claude_desktop_config.json', 'mcpServers'],
  'claude-code': ['me/.claude.json', 'mcpServers'],
  cursor: ['project/.cursor/mcp.json', 'mcpServers'],
  vscode: ['project/.vscode/mcp.json', 'servers'],
  gemini: ['me/.gemini/settings.json', 'mcpServers'],
} as const;

const references: Readonly<Record<keyof typeof places, string>> = {
  'claude-desktop': 'cs_live_x',
  'claude-code': '${COUNTERSIGN_API_KEY}',
  cursor: '${env:COUNTERSIGN_API_KEY}',
  vscode: '${input:countersign-key}',
  gemini: '$COUNTERSIGN_API_KEY',
};

describe.each(Object.keys(places) as (keyof typeof places)[])('a server of %s', (id) => {
  const [path, key] = places[id];
  const keyInFile = id === 'claude-desktop' ? 'cs_live_x' : undefined;

  it('is behind the gate afterwards, keeps its variables, and refers to the API key', async () => {
    write(path, { theme: 'dark', [key]: { files: { ...bare, timeout: 5 } } });
    expect(ungoverned()).toHaveLength(1);
    expect(await install(id, ['files'], { keyInFile })).toEqual([['files', 'wrapped', 'files']]);
    expect(JSON.parse(read(path))).toMatchObject({
      theme: 'dark',
      [key]: {
        files: {
          command: program.command,
          args: [...program.args, 'wrap', '--name', 'files', '--', 'npx', '-y', 'some-server'],
          env: { TOKEN: 'sesame', COUNTERSIGN_API_KEY: references[id] },
          timeout: 5,
        },
      },
    });
    expect(ungoverned()).toEqual([]);
  });

  it('is as before, byte for byte, when it is taken back', async () => {
    const file = write(path, { a: 1, [key]: { files: bare, more: { ...bare, args: ['only'] } }, z: [] });
    const before = readFileSync(file, 'utf8');
    await install(id, 'all', { keyInFile });
    expect(readFileSync(file, 'utf8')).not.toBe(before);
    expect(await uninstall(id)).toEqual([
      ['files', 'restored'],
      ['more', 'restored'],
    ]);
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  it('is left alone when it is wrapped already', async () => {
    write(path, { [key]: { files: bare } });
    await install(id, 'all', { keyInFile });
    const once = read(path);
    expect(await install(id, 'all', { keyInFile })).toEqual([['files', 'unchanged', 'files']]);
    expect(read(path)).toBe(once);
  });
});

describe('Codex', () => {
  const path = 'me/.codex/config.toml';
  const text = `# mine
model = "x"

[mcp_servers.files] # these
command = "npx"
args = ["-y", "some-server"] # as is

[mcp_servers.files.env]
TOKEN = "sesame"

[mcp_servers.db]
command = "db"
env_vars = ["DB"]
`;

  it('hands the API key on from its own environment, and everything else stays', async () => {
    write(path, text);
    expect(await install('codex', 'all')).toEqual([
      ['files', 'wrapped', 'files'],
      ['db', 'wrapped', 'db'],
    ]);
    const { mcp_servers: servers } = parseToml(read(path)) as { mcp_servers: Record<string, object> };
    expect(servers['files']).toMatchObject({
      command: program.command,
      env_vars: ['COUNTERSIGN_API_KEY'],
      env: { TOKEN: 'sesame' },
    });
    expect(servers['db']).toMatchObject({ env_vars: ['DB', 'COUNTERSIGN_API_KEY'] });
    expect(read(path)).toContain('# mine\nmodel = "x"\n\n[mcp_servers.files] # these\n');
    expect(ungoverned()).toEqual([]);
    expect(await uninstall('codex')).toEqual([
      ['files', 'restored'],
      ['db', 'restored'],
    ]);
    expect(read(path)).toBe(text);
  });

  it('takes the key into the file where that is wanted', async () => {
    write(path, text);
    await install('codex', 'all', { keyInFile: 'cs_live_x' });
    expect(parseToml(read(path))).toMatchObject({
      mcp_servers: {
        files: { env: { TOKEN: 'sesame', COUNTERSIGN_API_KEY: 'cs_live_x' } },
        db: { env: { COUNTERSIGN_API_KEY: 'cs_live_x' } },
      },
    });
    await uninstall('codex');
    expect(read(path)).toBe(text);
  });
});

describe('the API key', () => {
  it('stays out of a file that would have to hold it, unless that was said', async () => {
    const [path] = places['claude-desktop'];
    write(path, { mcpServers: { files: bare } });
    expect(await install('claude-desktop', 'all')).toEqual([['files', 'refused', undefined]]);
    expect(JSON.parse(read(path))).toEqual({ mcpServers: { files: bare } });
  });

  it('is asked for once by VS Code, for as long as a server needs it', async () => {
    const [path] = places.vscode;
    const inputs = [{ type: 'promptString', id: 'mine' }];
    write(path, { inputs, servers: { a: bare, b: bare } });
    await install('vscode', 'all');
    expect(JSON.parse(read(path)).inputs).toMatchObject([
      { id: 'mine' },
      { id: 'countersign-key', password: true },
    ]);
    await uninstall('vscode', ['a']);
    expect(JSON.parse(read(path)).inputs).toHaveLength(2);
    await uninstall('vscode', ['b']);
    expect(JSON.parse(read(path)).inputs).toEqual(inputs);
  });
});

describe('install', () => {
  it('finds servers that Claude Code keeps for one project', async () => {
    const project = join(folder, 'project');
    write('me/.claude.json', {
      projects: { [project]: { mcpServers: { local: bare } }, '/elsewhere': { mcpServers: { local: bare } } },
    });
    const scope = { where: where(), only: 'project' } as const;
    expect(await install('claude-code', ['local'], { scope })).toEqual([['local', 'wrapped', 'local']]);
    const { projects } = parseJsonWithComments(read('me/.claude.json')) as {
      projects: Record<string, unknown>;
    };
    expect(projects['/elsewhere']).toEqual({ mcpServers: { local: bare } });
    expect(projects[project]).toMatchObject({ mcpServers: { local: { command: program.command } } });
  });

  it('refuses what wrap cannot start, changes the others, and says which', async () => {
    write('project/.cursor/mcp.json', {
      mcpServers: {
        good: bare,
        url: { url: 'https://x.example/mcp' },
        both: { ...bare, url: 'https://x.example/mcp' },
        odd: { command: 'x', args: [1] },
        none: {},
        not: 'a table',
      },
    });
    expect(await install('cursor', 'all')).toEqual([
      ['good', 'wrapped', 'good'],
      ...['url', 'both', 'odd', 'none', 'not'].map((name) => [name, 'refused', undefined]),
    ]);
  });

  it.each([
    ['a name that nothing has', '{"mcpServers": {}}', 'NOT_FOUND'],
    ['a file that is no JSON', '{"mcpServers": sesame', 'CONFIG_INVALID'],
    [
      'an entry that is there twice',
      '{"mcpServers": {"x": {"command": "sesame"}, "x": {"command": "b"}}}',
      'CONFIG_INVALID',
    ],
  ])('throws for %s, and quotes nothing of the file', async (_, text, code) => {
    write('project/.cursor/mcp.json', text);
    const error = await install('cursor', ['x']).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CountersignError);
    expect((error as CountersignError).code).toBe(code);
    expect((error as CountersignError).message).not.toContain('sesame');
  });

  it('gives two servers never one name, and the same server the same one', async () => {
    write('me/.cursor/mcp.json', { mcpServers: { 'my files': bare, 'my.files': bare, files: bare } });
    write('project/.cursor/mcp.json', {
      mcpServers: { 'my files': { command: 'other' }, '…': { command: 'third' }, files: bare },
    });
    expect(await install('cursor', 'all')).toEqual([
      ['my files', 'wrapped', 'my-files'],
      ['my.files', 'wrapped', 'my.files'],
      ['files', 'wrapped', 'files'],
      ['my files', 'wrapped', 'my-files-2'],
      ['…', 'wrapped', 'server'],
      ['files', 'wrapped', 'files'],
    ]);
  });

  it('names the home where hosts could not know it', async () => {
    write('project/.cursor/mcp.json', { mcpServers: { files: bare } });
    await install('cursor', 'all', { home: '/srv/home' });
    expect(read('project/.cursor/mcp.json')).toContain('"--home",\n        "/srv/home",\n        "--",');
    await uninstall('cursor');
    expect(JSON.parse(read('project/.cursor/mcp.json'))).toEqual({ mcpServers: { files: bare } });
  });

  it('points servers at a gate only where that one serves them', async () => {
    write('project/.cursor/mcp.json', { mcpServers: { files: bare, other: bare } });
    const gate = {
      address: 'unix:/run/gate.sock',
      serves: (name: string) => Promise.resolve(name === 'files'),
    };
    expect(await install('cursor', 'all', { gate })).toEqual([
      ['files', 'wrapped', 'files'],
      ['other', 'refused', undefined],
    ]);
    expect(JSON.parse(read('project/.cursor/mcp.json')).mcpServers.files.args).toEqual([
      ...program.args,
      ...['wrap', '--gate', 'unix:/run/gate.sock', '--name', 'files'],
    ]);
    expect(await uninstall('cursor')).toEqual([
      ['files', 'refused'],
      ['other', 'unchanged'],
    ]);
  });

  it('refuses a program that the doctor would not know', async () => {
    write('project/.cursor/mcp.json', { mcpServers: { files: bare } });
    const other = { command: '/opt/other', args: [] };
    expect(await install('cursor', 'all', { program: other })).toEqual([['files', 'refused', undefined]]);
  });
});

describe('uninstall', () => {
  it.each([
    ['an option that wrap does not have', ['wrap', '--frobnicate', '--', 'x'], 'refused'],
    ['words before the dashes', ['wrap', 'x', '--', 'y'], 'refused'],
    ['a server in another file', ['wrap', '--config', 'f', '--server', 's'], 'refused'],
    ['another command of ours', ['verify', '--', 'x'], 'unchanged'],
  ])('leaves what it does not know: %s', async (_, args, state) => {
    write('project/.cursor/mcp.json', { mcpServers: { files: { command: 'countersign', args } } });
    const before = read('project/.cursor/mcp.json');
    expect(await uninstall('cursor')).toEqual([['files', state]]);
    expect(read('project/.cursor/mcp.json')).toBe(before);
  });
});

describe('a wrapped command line', () => {
  it('says what was wrapped, whatever that is', () => {
    const words = fc.array(fc.oneof(fc.constantFrom('--', 'wrap', '--name', '-y', ''), fc.string()));
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        words,
        fc.option(fc.string({ minLength: 1 })),
        (command, args, home) => {
          fc.pre(home?.startsWith('-') !== true);
          const line = wrapLine({ program, name: 'x', home: home ?? undefined }, { command, args });
          expect(readWrapLine({ name: '', ...line })).toEqual({ name: 'x', server: { command, args } });
        },
      ),
    );
  });
});

describe('a name for a server', () => {
  it('is one that wrap takes, and stays what it was where it can', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a9._- é\u{1F600}/\n'), maxLength: 100 }), (name) => {
        assertServerName(fitName(name));
      }),
    );
    expect(fitName('my-files_2.x')).toBe('my-files_2.x');
  });

  it('is cut where a number has to fit', () => {
    const names = serverNames();
    const long = 'a'.repeat(70);
    const chosen = [1, 2].map((at) => names.choose(long, { command: String(at), args: [] }));
    expect(chosen).toEqual(['a'.repeat(64), `${'a'.repeat(62)}-2`]);
  });
});
