import { join } from 'node:path';

/** Where agent hosts keep their MCP servers. */
export interface HostFile {
  /** What people call the host. */
  readonly host: string;
  readonly path: string;
  readonly format: 'json' | 'toml';
  /** Whether it is the user's own, or one of the project. */
  readonly scope: 'user' | 'project';
}

export interface WhereHostsAre {
  /** The user's home folder. */
  readonly home: string;
  /** The project whose configuration counts as well. */
  readonly project: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Every place that one of the known hosts reads, whether there is a file or not. */
export function hostFiles(where: WhereHostsAre): readonly HostFile[] {
  const { home, project, env } = where;
  const applications = applicationData(where);
  const user = (host: string, ...path: string[]): HostFile => ({
    host,
    path: join(...path),
    format: formatOf(path),
    scope: 'user',
  });
  const shared = (host: string, ...path: string[]): HostFile => ({
    ...user(host, project, ...path),
    scope: 'project',
  });
  return [
    user('Claude Desktop', applications, 'Claude', 'claude_desktop_config.json'),
    user('Claude Code', env['CLAUDE_CONFIG_DIR'] || home, '.claude.json'),
    shared('Claude Code', '.mcp.json'),
    user('Cursor', home, '.cursor', 'mcp.json'),
    shared('Cursor', '.cursor', 'mcp.json'),
    user('VS Code', applications, 'Code', 'User', 'mcp.json'),
    shared('VS Code', '.vscode', 'mcp.json'),
    user('Codex', env['CODEX_HOME'] || join(home, '.codex'), 'config.toml'),
    shared('Codex', '.codex', 'config.toml'),
    user('Gemini CLI', home, '.gemini', 'settings.json'),
    shared('Gemini CLI', '.gemini', 'settings.json'),
  ];
}

function formatOf(path: readonly string[]): HostFile['format'] {
  return path.at(-1)?.endsWith('.toml') ? 'toml' : 'json';
}

/** Where programs with a window keep their settings. */
function applicationData({ home, platform, env }: WhereHostsAre): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  if (platform === 'win32') return env['APPDATA'] || join(home, 'AppData', 'Roaming');
  return env['XDG_CONFIG_HOME'] || join(home, '.config');
}
