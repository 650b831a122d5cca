import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CountersignError } from '../errors.ts';
import { environmentGrant } from '../runtime/grants/grant-environment.ts';
import { homePath } from '../runtime/home/home-layout.ts';
import { wrapOptions } from '../runtime/hosts/wrap-options.ts';
import { assertServerName, defaultServerName, type ServerCommand } from '../runtime/server-ref.ts';
import { humanTokenFrom } from './acting-options.ts';
import { gateWords, readAuthorities, refuseBesideGate, type GateWords } from './gate-options.ts';
import type { Command, Io } from './io.ts';
import { usage } from './report.ts';
import { splitAtDashes } from './split-at-dashes.ts';

const help = `Usage: countersign wrap [OPTION…] -- COMMAND [ARG…]
       countersign wrap [OPTION…] --config FILE --server NAME
       countersign wrap --gate ADDRESS [--name NAME] [--identity DIR] [--ca FILE]

Stands between an MCP host and an MCP server over stdio: starts COMMAND, relays everything, and decides, signs and
records every tool call. Register it in the host where the server's own command was. The API key is taken from
COUNTERSIGN_API_KEY; without a valid one nothing is started and every request is refused. Calls are made for whoever
COUNTERSIGN_HUMAN_TOKEN or the file COUNTERSIGN_HUMAN_TOKEN_FILE is of, or has logged in: countersign login. The grant in
COUNTERSIGN_GRANT, or the file COUNTERSIGN_GRANT_FILE, narrows them: countersign grant.

  --name NAME        what policy and log call the server (default: made from the command)
  --policy FILE      use this policy instead of the home's; more than once joins them
  --relay PATTERN    let methods outside MCP pass that match, such as "acme/*"; never one that makes a server work
  --config FILE      take the command from a file with "mcpServers" (or "servers"), for hosts that eat “--”
  --server NAME      the server in that file
  --home DIR         the home (default: $COUNTERSIGN_HOME, else ~/.countersign)
  --ledger URL       where a home's PostgreSQL ledger is, with its password (default: $COUNTERSIGN_LEDGER, else as the home says)

  --gate ADDRESS     be a thin relay to a gate that runs elsewhere (countersign serve): unix:PATH, https://…, or http:// on this
                     machine. It starts the server and holds keys and policy; nothing of that is here. --name is what its
                     configuration calls the server; without it all of them are there, joined
  --identity DIR     with --gate https://…: show the certificate that “countersign enroll” keeps there, and each new one
  --ca FILE          with --gate https://…: believe a gate of these authorities, PEM; those that Node knows unless told

The exit code is the server's own (128 + n after signal n); 1 when the gate had to stay closed, 2 for misuse, 126 or 127
when the command could not be started. With --gate it is 0, or 1 when the gate could not be reached or ended the session.

  countersign wrap --name files -- npx -y @modelcontextprotocol/server-filesystem /srv/project
  countersign wrap --gate unix:/run/countersign/gate.sock --name files
`;

export const wrapCommand: Command = {
  help,
  endsAtOnce: true,
  async run(args, io) {
    const { own, words: wrapped } = splitAtDashes(args);
    const { values, positionals } = parseArgs({
      args: own,
      allowPositionals: true,
      options: wrapOptions,
    });
    const gate = gateWords(values, io);
    if (gate !== undefined) return connect(gate, { wrapped, values, positionals }, io);
    if (positionals.length > 0) {
      throw usage(`Put the server's command after “--”: countersign wrap -- ${positionals.join(' ')}`);
    }
    const target = chooseTarget(wrapped, values, io);
    const name = values.name ?? values.server ?? defaultServerName(target);
    assertServerName(name);
    // Loaded here, so that the thin relay starts without what only a gate needs.
    const { runWrap } = await import('../runtime/wrap.ts');
    return runWrap({
      home: homePath(values.home, io.env, io.cwd),
      ledger: values.ledger,
      apiKey: io.env['COUNTERSIGN_API_KEY'],
      name,
      target,
      policyFiles: values.policy.map((file) => resolve(io.cwd, file)),
      relayPatterns: values.relay,
      cwd: io.cwd,
      env: io.env,
    });
  },
};

interface WrapArguments {
  readonly wrapped: readonly string[] | undefined;
  readonly values: WrapValues;
  readonly positionals: readonly string[];
}

type WrapValues = ReturnType<typeof parseArgs<{ options: typeof wrapOptions }>>['values'];

/** Everything but the server's name is the gate's own affair. */
async function connect(
  { address, identity, ca }: GateWords,
  { wrapped, values, positionals }: WrapArguments,
  io: Io,
): Promise<number> {
  if (wrapped !== undefined || positionals.length > 0)
    throw usage('With --gate the server is started by the gate: give its name, not its command.');
  refuseBesideGate(values, ['policy', 'relay', 'config', 'server', 'home', 'ledger']);
  const { name } = values;
  if (name !== undefined) assertServerName(name);
  const { runConnected } = await import('../runtime/connect/run-connected.ts');
  return runConnected({
    gate: address,
    server: name,
    apiKey: io.env['COUNTERSIGN_API_KEY'],
    humanToken: humanTokenFrom(io),
    grant: environmentGrant(io.env),
    identity,
    ca: readAuthorities(ca),
    client: { input: process.stdin, output: process.stdout },
    stderr: io.stderr,
    signals: process,
  });
}

/** What the wrapped server is started with. */
export interface WrapTarget extends ServerCommand {
  /** Variables of the configuration file, on top of the gate's own. */
  readonly env: Readonly<Record<string, string>>;
}

function chooseTarget(
  wrapped: readonly string[] | undefined,
  { config, server }: { config?: string | undefined; server?: string | undefined },
  io: Io,
): WrapTarget {
  const [command, ...args] = wrapped ?? [];
  if (command !== undefined) {
    if (config !== undefined)
      throw usage('Give the command after “--”, or --config with --server, not both.');
    return { command, args, env: {} };
  }
  if (config === undefined || server === undefined) {
    // Without a target there is nothing to govern: a gate that guessed one could start itself again and again.
    throw usage(
      'There is no server to wrap: put its command after “--”, or use --config FILE --server NAME.',
    );
  }
  return readServer(resolve(io.cwd, config), server);
}

/** An entry of an `mcpServers` file, as the agent hosts write it. */
function readServer(file: string, name: string): WrapTarget {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new CountersignError('CONFIG_INVALID', `${file} cannot be read as JSON.`, { cause: error });
  }
  const servers = field(parsed, 'mcpServers') ?? field(parsed, 'servers');
  const entry = field(servers, name);
  if (entry === undefined) {
    const known = isObject(servers) ? Object.keys(servers).join(', ') : '';
    throw new CountersignError(
      'CONFIG_INVALID',
      `${file} names no server “${name}”${known && `; it has ${known}`}.`,
    );
  }
  const command = field(entry, 'command');
  const args = field(entry, 'args') ?? [];
  const env = field(entry, 'env') ?? {};
  if (
    typeof command !== 'string' ||
    command === '' ||
    !isTexts(args) ||
    !isObject(env) ||
    !isTexts(Object.values(env))
  ) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `The server “${name}” in ${file} needs "command" (text), and may have "args" (texts) and "env" (texts).`,
    );
  }
  return { command, args, env: env as Record<string, string> };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function field(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
