import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkHosts } from '../../../src/runtime/doctor/check-hosts.ts';
import { readCodexServers } from '../../../src/runtime/doctor/codex-servers.ts';
import { isGoverned } from '../../../src/runtime/doctor/host-servers.ts';
import { parseJsonWithComments } from '../../../src/runtime/doctor/json-with-comments.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-doctor-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(path: string, content: unknown): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

function check(platform: NodeJS.Platform = 'linux', gates: readonly string[] = []) {
  const where = { home: join(folder, 'me'), project: join(folder, 'project'), platform, env: {} };
  return checkHosts(where, gates).map(({ level, subject }) => `${level} ${subject.replace(/[ :].*/s, '')}`);
}

const bare = { command: 'npx', args: ['-y', 'some-server'], env: { TOKEN: 'sesame-secret' } };
const wrapped = { command: 'countersign', args: ['wrap', '--name', 'x', '--', 'npx', 'some-server'] };

describe('a server is governed', () => {
  it.each([
    [wrapped],
    [{ command: '/opt/bin/countersign', args: ['wrap', '--gate', 'unix:/run/gate.sock'] }],
    [{ command: 'C:\\tools\\countersign.cmd', args: ['wrap'] }],
    [{ command: 'node', args: ['/srv/countersign/dist/bin/countersign.js', 'wrap', '--'] }],
    [{ command: 'npx', args: ['-y', 'countersign@0.1.0', 'wrap'] }],
    [{ command: 'pnpm', args: ['dlx', 'countersign', 'wrap'] }],
    [{ args: [], url: 'https://gate.example/mcp/files' }],
    [{ args: [], url: 'https://gate.example/mcp' }],
  ])('%j', (server) => {
    expect(isGoverned({ name: 'x', ...server }, ['https://gate.example'])).toBe(true);
  });
});

describe('a server is not governed', () => {
  it.each([
    ['that is started directly', bare],
    ['whose arguments only speak of it', { command: 'npx', args: ['other', 'countersign', 'wrap'] }],
    ['that runs another command of it', { command: 'countersign', args: ['verify'] }],
    ['of a program with a similar name', { command: 'countersign-not', args: ['wrap'] }],
    ['behind a shell', { command: 'sh', args: ['-c', 'countersign wrap -- x'] }],
    ['at the URL of nobody', { args: [], url: 'https://other.example/mcp/files' }],
    ['at a URL of the gate that is no endpoint', { args: [], url: 'https://gate.example/actions/x' }],
    ['at an origin that only begins so', { args: [], url: 'https://gate.example.evil/mcp' }],
    ['that has a URL as well', { ...wrapped, url: 'https://other.example/mcp' }],
    ['without anything', { args: [] }],
  ])('%s', (_, server) => {
    expect(isGoverned({ name: 'x', ...server }, ['https://gate.example'])).toBe(false);
  });
});

describe('hosts', () => {
  it('are all looked at, with the projects that one remembers', () => {
    write('me/.config/Claude/claude_desktop_config.json', { mcpServers: { desktop: bare } });
    write('me/.claude.json', {
      mcpServers: { code: bare },
      projects: { [join(folder, 'elsewhere')]: { mcpServers: { local: bare } } },
    });
    write('elsewhere/.mcp.json', { mcpServers: { elsewhere: bare } });
    write('project/.mcp.json', { mcpServers: { mine: wrapped } });
    write('me/.cursor/mcp.json', { mcpServers: { cursor: bare } });
    write('project/.vscode/mcp.json', '{ // comment\n "servers": { "vscode": { "command": "x", }, }, }');
    write('me/.codex/config.toml', '[mcp_servers.codex]\ncommand = "x"\n');
    write('me/.gemini/settings.json', { mcpServers: { gemini: { httpUrl: 'https://x.example/mcp' } } });
    expect(check().toSorted()).toEqual([
      'ok mine',
      'problem code',
      'problem codex',
      'problem cursor',
      'problem desktop',
      'problem elsewhere',
      'problem gemini',
      'problem local',
      'problem vscode',
    ]);
  });

  it.each([
    ['darwin', 'me/Library/Application Support/Claude/claude_desktop_config.json'],
    ['win32', 'me/AppData/Roaming/Claude/claude_desktop_config.json'],
  ] as const)('are found where %s has them', (platform, path) => {
    write(path, { mcpServers: { desktop: bare } });
    expect(check(platform)).toEqual(['problem desktop']);
  });

  it('are found where variables say that they are', () => {
    write('claude/.claude.json', { mcpServers: { code: bare } });
    write('codex/config.toml', '[mcp_servers.codex]\ncommand = "x"\n');
    const env = { CLAUDE_CONFIG_DIR: join(folder, 'claude'), CODEX_HOME: join(folder, 'codex') };
    const where = {
      home: join(folder, 'me'),
      project: join(folder, 'project'),
      platform: 'linux',
      env,
    } as const;
    expect(checkHosts(where, []).map(({ level, subject }) => `${level} ${subject.split(' ')[0]}`)).toEqual([
      'problem code',
      'problem codex',
    ]);
  });

  it('that cannot be read are a problem, since what they start is not known', () => {
    write('project/.mcp.json', '{"mcpServers": {');
    write('me/.codex/config.toml', 'mcp_servers = { x = { command = 1 } }');
    expect(check()).toEqual([
      `problem ${join(folder, 'project/.mcp.json')}`,
      `problem ${join(folder, 'me/.codex/config.toml')}`,
    ]);
  });

  it('are told without anything that stands beside a name', () => {
    write('project/.mcp.json', { mcpServers: { a: { ...bare, args: ['--token', 'sesame-secret'] } } });
    write('me/.cursor/mcp.json', '{"mcpServers": sesame-secret');
    const where = {
      home: join(folder, 'me'),
      project: join(folder, 'project'),
      platform: 'linux',
      env: {},
    } as const;
    expect(JSON.stringify(checkHosts(where, []))).not.toContain('sesame');
  });

  it('are none where there is none', () => {
    expect(check()).toEqual(['note MCP']);
  });
});

describe('JSON with comments', () => {
  it('is read as hosts read it', () => {
    const text = '\u{feff}{ /* a */ "url": "https://x//y", // b\n "s": "/* no */ ,]", "l": [1, 2, ], }';
    expect(parseJsonWithComments(text)).toEqual({ url: 'https://x//y', s: '/* no */ ,]', l: [1, 2] });
  });

  it('is JSON where it has no comments', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseJsonWithComments(JSON.stringify(value, null, 1))).toEqual(
          JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });

  it.each(['{', '{"a" 1}', '', '{"a": /* }'])('is refused otherwise: %s', (text) => {
    expect(() => parseJsonWithComments(text)).toThrow(SyntaxError);
  });
});

describe('a Codex configuration', () => {
  it('is read as it is commonly written', () => {
    const text = `model = "x"
[profiles.a]
command = "not a server"
[mcp_servers.files] # a comment
command = "countersign"
args = [
  "wrap", # one
  '--name',
  "fi\\\\les",
]
[mcp_servers.files.env]
COUNTERSIGN_API_KEY = "k"
[ mcp_servers . "two words" ]
url = 'https://x.example/mcp'
startup_timeout_sec = 10
`;
    expect(readCodexServers(text)).toEqual([
      { name: 'files', command: 'countersign', args: ['wrap', '--name', 'fi\\les'] },
      { name: 'two words', url: 'https://x.example/mcp', args: [] },
    ]);
  });

  it.each([
    'mcp_servers.x.command = "y"',
    '"mcp_servers".x.command = "y"',
    '[mcp_servers]\nx = { command = "y" }',
    '["mcp_servers".x]\ncommand = "y"',
    '[mcp_servers.x]\ncommand = """\ny"""',
    '[mcp_servers.x]\ncommand = "\\u0079"',
    '[a]\ntext = """\n[mcp_servers.z]\n"""\n[mcp_servers.x]\ncommand = "y"',
  ])('is read however it is written: %j', (text) => {
    expect(readCodexServers(text)).toEqual([{ name: 'x', command: 'y', args: [] }]);
  });

  it.each([
    'mcp_servers = 1',
    'mcp_servers.x = "y"',
    '[[mcp_servers.x]]',
    '[mcp_servers.x]\ncommand = ["y"]',
    '[mcp_servers.x]\nurl = 1',
    '[mcp_servers.x]\nargs = [1]',
    '[mcp_servers.x]\nargs = "a"',
    '[mcp_servers.x]\nargs = ["a", ["b"]]',
    '[mcp_servers.x]\ncommand = "y"\ncommand = "z"',
    '[mcp_servers.x]\ncommand = y',
    '[profiles.a.mcp_servers.x]\ncommand = "y"',
  ])('is left to a person where it is no list of servers: %j', (text) => {
    expect(readCodexServers(text)).toBeUndefined();
  });
});
