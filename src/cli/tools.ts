import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import type { KnownServer, KnownTool } from '../gate/acceptance.ts';
import { fromUtf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { withHome, type OpenedHome } from '../runtime/home/with-home.ts';
import { homeOf } from './home.ts';
import type { Command, Io } from './io.ts';
import { palette } from './paint.ts';
import { usage } from './report.ts';
import { printable } from './printable.ts';

const help = `Usage: countersign tools list [NAME] [--home DIR] [--ledger URL] [--json]
       countersign tools accept NAME [TOOL…|--read-only] [--yes] [--home DIR] [--ledger URL] [--json]

list    shows the tools of a wrapped server as it listed them last, and what is pinned of each:
          accepted   an operator accepted exactly this definition
          listed     pinned when it was first listed, not accepted
          changed    the server lists another definition than the pinned one: its calls are denied
          new        not pinned yet
accept  shows name, description and schema, and accepts exactly these definitions. Without TOOL it takes all of them;
        --read-only takes those that the server itself calls read-only. On a terminal it asks first (--yes does not).

A server is known after it was wrapped once: countersign wrap --name NAME -- COMMAND
`;

export const toolsCommand: Command = {
  name: 'tools',
  help,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        home: { type: 'string' },
        ledger: { type: 'string' },
        json: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        'read-only': { type: 'boolean', default: false },
      },
    });
    const action = chooseAction(positionals, values, io);
    return withHome(homeOf(values, io), action);
  },
};

type Action = (opened: OpenedHome) => Promise<number>;

interface Flags {
  readonly json: boolean;
  readonly yes: boolean;
  readonly 'read-only': boolean;
}

function chooseAction(
  [verb, name, ...tools]: readonly string[],
  { json, yes, 'read-only': readOnly }: Flags,
  io: Io,
): Action {
  switch (verb) {
    case 'list':
      if (tools.length > 0) throw usage('tools list takes one server name at most.');
      return (opened) => list(opened, name, json, io);
    case 'accept':
      if (name === undefined) throw usage('tools accept needs the name of a server.');
      if (readOnly && tools.length > 0) throw usage('Name tools, or use --read-only, not both.');
      return (opened) => accept(opened, name, { tools, readOnly, yes, json }, io);
    default:
      throw usage('Say “tools list” or “tools accept NAME”. Try: countersign help tools');
  }
}

async function list(opened: OpenedHome, name: string | undefined, json: boolean, io: Io): Promise<number> {
  const names = name === undefined ? await opened.serverNames() : [name];
  const servers = await Promise.all(names.map((each) => opened.server(each)));
  if (json) {
    io.stdout.write(`${JSON.stringify(servers.map(serverJson), null, 2)}\n`);
  } else if (servers.length === 0) {
    io.stdout.write('No server has been seen yet. Start one with: countersign wrap --name NAME -- COMMAND\n');
  } else {
    for (const server of servers) io.stdout.write(serverText(server, io));
  }
  return 0;
}

interface AcceptOptions {
  readonly tools: readonly string[];
  readonly readOnly: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

async function accept(opened: OpenedHome, name: string, options: AcceptOptions, io: Io): Promise<number> {
  const server = await opened.server(name);
  const chosen = chooseTools(server, options);
  if (!options.json) {
    io.stdout.write(serverLine(server, io));
    for (const tool of chosen) io.stdout.write(toolText(tool, io));
  }
  if (!options.yes && !(await confirmed(chosen.length, io))) {
    io.stderr.write('Nothing was accepted.\n');
    return 1;
  }
  await opened.accept(server, chosen);
  const names = chosen.map(({ record }) => record.tool);
  if (options.json) io.stdout.write(`${JSON.stringify({ server: name, accepted: names })}\n`);
  else
    io.stdout.write(
      `Accepted ${names.length} of ${server.tools.length}: ${names.map(printable).join(', ')}\n`,
    );
  return 0;
}

function chooseTools(server: KnownServer, { tools, readOnly }: AcceptOptions): readonly KnownTool[] {
  const byName = new Map(server.tools.map((tool) => [tool.record.tool, tool]));
  const missing = tools.filter((tool) => !byName.has(tool));
  if (missing.length > 0) {
    throw new CountersignError('NOT_FOUND', `${server.ref.name} lists no tool named ${missing.join(', ')}.`);
  }
  const chosen = server.tools.filter((tool) =>
    readOnly
      ? definitionOf(tool).annotations?.readOnlyHint === true
      : tools.length === 0 || tools.includes(tool.record.tool),
  );
  if (chosen.length === 0) throw new CountersignError('NOT_FOUND', 'There is no such tool to accept.');
  return chosen;
}

/** Asks only where somebody can answer: elsewhere the command itself is the operator's word. */
async function confirmed(count: number, io: Io): Promise<boolean> {
  if (io.stdout.isTTY !== true || !('isTTY' in io.stdin) || io.stdin.isTTY !== true) return true;
  const questions = createInterface({ input: io.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test(
      await questions.question(`Accept ${count === 1 ? 'this tool' : `these ${count} tools`}? [y/N] `),
    );
  } finally {
    questions.close();
  }
}

interface Definition {
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly annotations?: { readonly readOnlyHint?: unknown };
}

function definitionOf({ record }: KnownTool): Definition {
  return JSON.parse(fromUtf8(record.definition) ?? '{}') as Definition;
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

function serverText(server: KnownServer, io: Io): string {
  return serverLine(server, io) + server.tools.map((tool) => toolText(tool, io)).join('');
}

function serverLine({ ref, command, pinned }: KnownServer, io: Io): string {
  const { bold, bad, dim } = palette(io.stdout, io);
  const moved = pinned !== undefined && pinned !== ref.digest;
  return (
    `${bold(ref.name)}  ${dim(printable(fromUtf8(command ?? new Uint8Array()) ?? ''))}\n` +
    (moved
      ? bad('  The name belongs to another command: calls are denied until tools of this one are accepted.\n')
      : '')
  );
}

/** What a server says of itself is shown without its control characters: it could rewrite the terminal otherwise. */
function toolText(tool: KnownTool, io: Io): string {
  const { bold, good, bad, dim } = palette(io.stdout, io);
  const { description, inputSchema } = definitionOf(tool);
  const state =
    tool.state === 'accepted' ? good(tool.state) : tool.state === 'changed' ? bad(tool.state) : tool.state;
  const lines = [
    `  ${bold(printable(tool.record.tool))}  ${state}  ${dim(`sha256:${tool.record.sha256.slice(0, 16)}…`)}`,
    ...(typeof description === 'string' ? [`    ${printable(description)}`] : []),
    `    ${dim(printable(JSON.stringify(inputSchema ?? {})))}`,
  ];
  return `${lines.join('\n')}\n`;
}
