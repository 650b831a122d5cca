import { join } from 'node:path';

/** Where agent hosts keep their MCP servers. */
export interface HostFile {
  /** What people call the host. */
  readonly host: string;
  readonly path: string;
  readonly format: 'json' | 'toml';
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
  const json = (host: string, ...path: string[]): HostFile => ({ host, path: join(...path), format: 'json' });
  return [
    json('Claude Desktop', applications, 'Claude', 'claude_desktop_config.json'),
    json('Claude Code', home, '.claude.json'),
    json('Claude Code', project, '.mcp.json'),
    json('Cursor', home, '.cursor', 'mcp.json'),
    json('Cursor', project, '.cursor', 'mcp.json'),
    json('VS Code', applications, 'Code', 'User', 'mcp.json'),
    json('VS Code', project, '.vscode', 'mcp.json'),
    { host: 'Codex', path: join(env['CODEX_HOME'] || join(home, '.codex'), 'config.toml'), format: 'toml' },
    { host: 'Codex', path: join(project, '.codex', 'config.toml'), format: 'toml' },
    json('Gemini CLI', home, '.gemini', 'settings.json'),
    json('Gemini CLI', project, '.gemini', 'settings.json'),
  ];
}

/** Where programs with a window keep their settings. */
function applicationData({ home, platform, env }: WhereHostsAre): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  if (platform === 'win32') return env['APPDATA'] || join(home, 'AppData', 'Roaming');
  return env['XDG_CONFIG_HOME'] || join(home, '.config');
}
