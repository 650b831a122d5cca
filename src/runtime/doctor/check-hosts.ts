import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../errors.ts';
import { readCodexServers } from './codex-servers.ts';
import { findings, type Finding } from './finding.ts';
import { hostFiles, type HostFile, type WhereHostsAre } from './host-files.ts';
import { isGoverned, projectsOfJson, serversOfJson, type HostServer } from './host-servers.ts';
import { parseJsonWithComments } from './json-with-comments.ts';

const { ok, note, problem } = findings('hosts');

const maxProjects = 256;

/** Every MCP server of every host that is configured here, and whether it is behind a gate. */
export function checkHosts(where: WhereHostsAre, gates: readonly string[]): readonly Finding[] {
  const files = [...hostFiles(where)];
  const seen = new Set<string>();
  const found: Finding[] = [];
  let servers = 0;
  for (const file of files) {
    if (seen.has(file.path)) continue;
    seen.add(file.path);
    const read = readHostFile(file);
    if (read === undefined) continue;
    if ('finding' in read) {
      found.push(read.finding);
      continue;
    }
    for (const project of read.projects.slice(0, maxProjects))
      files.push({ host: file.host, path: join(project, '.mcp.json'), format: 'json', scope: 'project' });
    servers += read.servers.length;
    found.push(...read.servers.map((server) => judge(file, server, gates)));
  }
  return servers > 0 || found.length > 0
    ? found
    : [note('MCP servers', 'No known host is configured with an MCP server here.')];
}

function judge({ host, path }: HostFile, server: HostServer, gates: readonly string[]): Finding {
  const subject = `${server.name} (${host}, ${path})`;
  if (isGoverned(server, gates)) return ok(subject, 'is behind a gate.');
  return server.url !== undefined && server.command === undefined
    ? problem(
        subject,
        'is called at a URL that is not known as a gate: put it into a gate’s configuration, or say --gate URL if it is one.',
      )
    : problem(subject, 'is not wrapped: the host starts it past every gate. See docs/hosts.md.');
}

type HostRead =
  | { readonly servers: readonly HostServer[]; readonly projects: readonly string[] }
  | { readonly finding: Finding };

function readHostFile({ host, path, format }: HostFile): HostRead | undefined {
  const subject = `${path} (${host})`;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return { finding: problem(subject, `cannot be read (${code}): what it starts is not known.`) };
  }
  if (format === 'toml') {
    const servers = readCodexServers(text);
    if (servers !== undefined) return { servers, projects: [] };
    const message = 'says something of MCP servers that is not understood here: look at it yourself.';
    return { finding: problem(subject, message) };
  }
  try {
    const root = parseJsonWithComments(text);
    return { servers: serversOfJson(root), projects: projectsOfJson(root) };
  } catch {
    // A parser's message may quote what it read.
    return { finding: problem(subject, 'is no JSON: what it starts is not known.') };
  }
}
