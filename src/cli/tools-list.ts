import { fromUtf8 } from '../call/sha256.ts';
import type { KnownServer } from '../gate/acceptance.ts';
import type { OpenedHome } from '../runtime/home/with-home.ts';
import { findingsAbout, knownServers, type ToolFinding } from '../runtime/tools/review-home.ts';
import type { Io } from './io.ts';
import { definitionOf, findingsText, serverLine, toolText } from './tools-text.ts';

/** `countersign tools list [NAME]`. */
export async function listTools(
  opened: OpenedHome,
  name: string | undefined,
  json: boolean,
  io: Io,
): Promise<number> {
  const all = await knownServers(opened.ledger);
  const servers = name === undefined ? all : [await opened.server(name)];
  // Looked at together, whichever of them are shown.
  const found = Map.groupBy(findingsAbout(all), ({ server }) => server);
  const findingsOf = ({ ref }: KnownServer): readonly ToolFinding[] => found.get(ref.name) ?? [];
  if (json) {
    const shown = servers.map((server) => ({ ...serverJson(server), findings: findingsOf(server) }));
    io.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  } else if (servers.length === 0) {
    io.stdout.write('No server has been seen yet. Start one with: countersign wrap --name NAME -- COMMAND\n');
  } else {
    for (const server of servers) io.stdout.write(serverText(server, findingsOf(server), io));
  }
  return 0;
}

function serverText(server: KnownServer, found: readonly ToolFinding[], io: Io): string {
  const tools = server.tools.map((tool) => toolText(tool, io)).join('');
  return serverLine(server, io) + tools + findingsText(found, io.stdout, io);
}

function serverJson(server: KnownServer) {
  return {
    name: server.ref.name,
    digest: server.ref.digest,
    pinned: server.pinned ?? null,
    command: server.command ? (JSON.parse(fromUtf8(server.command) ?? 'null') as unknown) : null,
    tools: server.tools.map((tool) => ({
      name: tool.record.tool,
      state: tool.state,
      sha256: tool.record.sha256,
      definition: definitionOf(tool),
    })),
  };
}
