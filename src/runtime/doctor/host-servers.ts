import { basename } from 'node:path';

/** One MCP server in a host's configuration, as far as it matters here. */
export interface HostServer {
  readonly name: string;
  readonly command?: string;
  readonly args: readonly string[];
  readonly url?: string;
}

/** A server's entry in a host's configuration, and where it stands. */
export interface ServerEntry {
  readonly name: string;
  /** The keys that lead to it. */
  readonly path: readonly string[];
  /** As it was parsed. */
  readonly value: unknown;
  /** The folder of a project that alone sees it. */
  readonly project?: string;
}

/** The entries of a host's JSON, wherever hosts put them: at the top, in VS Code’s `mcp`, or by project as Claude Code does. */
export function serverEntriesOfJson(root: unknown): readonly ServerEntry[] {
  const places = [['mcpServers'], ['servers'], ['mcp', 'servers'], ['mcp.servers']];
  return [
    ...places.flatMap((path) => entriesAt(root, path)),
    ...projectsOfJson(root).flatMap((project) =>
      entriesAt(root, ['projects', project, 'mcpServers']).map((entry) => ({ ...entry, project })),
    ),
  ];
}

export function serversOfJson(root: unknown): readonly HostServer[] {
  return serverEntriesOfJson(root).map(serverOfEntry);
}

/** Folders of projects that a host remembers, whose own files count where it is started there. */
export function projectsOfJson(root: unknown): readonly string[] {
  const projects = field(root, 'projects');
  return isObject(projects) ? Object.keys(projects) : [];
}

/** The entries of the table that `path` leads to; none where there is no table. */
export function entriesAt(root: unknown, path: readonly string[]): readonly ServerEntry[] {
  const servers = path.reduce(field, root);
  if (!isObject(servers)) return [];
  return Object.entries(servers).map(([name, value]) => ({ name, path: [...path, name], value }));
}

export function serverOfEntry({ name, value }: ServerEntry): HostServer {
  const { command, args, url, httpUrl, serverUrl } = isObject(value) ? value : {};
  const place = [url, httpUrl, serverUrl].find((each) => typeof each === 'string');
  return {
    name,
    ...(typeof command === 'string' && { command }),
    args: Array.isArray(args) ? args.map(String) : [],
    ...(place !== undefined && { url: place }),
  };
}

const runners = new Set(['node', 'bun', 'deno', 'npx', 'bunx', 'pnpm', 'yarn', 'npm']);

/**
 * Whether a server is behind a gate: `countersign wrap …`, also through node or npx, or the URL of a gate that is known. What is not
 * plainly that is not: a shell's command line could be anything.
 */
export function isGoverned({ command, args, url }: HostServer, gates: readonly string[]): boolean {
  if (command === undefined) return url !== undefined && gates.some((gate) => isAt(url, gate));
  // A host that reads both could take the URL.
  if (url !== undefined) return false;
  const program = programName(command);
  if (program === 'countersign') return args[0] === 'wrap';
  if (!runners.has(program)) return false;
  const at = args.findIndex((arg) => !arg.startsWith('-') && arg !== 'exec' && arg !== 'dlx');
  const script = args[at] ?? '';
  return /^countersign(?:@[\w.^~-]+)?$/.test(programName(script)) && args[at + 1] === 'wrap';
}

/** `C:\tools\countersign.cmd`, `/usr/lib/countersign.js`: countersign. */
function programName(command: string): string {
  return basename(command.replaceAll('\\', '/')).replace(/\.(?:c?js|mjs|cmd|exe|ps1|bat)$/i, '');
}

function isAt(url: string, gate: string): boolean {
  const [there, base] = [URL.parse(url), URL.parse(gate)];
  if (there === null || base === null || there.origin !== base.origin) return false;
  const path = base.pathname.replace(/\/+$/, '');
  return there.pathname === `${path}/mcp` || there.pathname.startsWith(`${path}/mcp/`);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function field(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
