import { CountersignError, toCountersignError } from '../errors.ts';
import { createGate } from '../gate/create-gate.ts';
import type { Gate } from '../gate/gate.ts';
import { createToolDirectory } from '../gate/tool-directory.ts';
import { runClosed } from '../gateway/mcp-stdio-closed.ts';
import { defaultMcpStdioLimits, runMcpStdio } from '../gateway/mcp-stdio.ts';
import { createMcpListing, type McpListing } from '../gateway/mcp/listing.ts';
import { relayPattern, type RelayPattern } from '../gateway/mcp/methods.ts';
import { childEnvironment, depthVariable } from '../targets/depth.ts';
import { startMcpStdioTarget, type McpStdioTarget } from '../targets/mcp-stdio.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { utf8 } from '../call/sha256.ts';
import { governBy, type GovernByOptions, type GovernedBy } from './home/govern-by.ts';
import { resolveServer, type ResolvedServer, type ServerCommand } from './server-ref.ts';

export interface WrapOptions extends Omit<GovernByOptions, 'stderr'> {
  readonly target: ServerCommand & { readonly env: Readonly<Record<string, string>> };
  readonly relayPatterns: readonly string[];
}

/** Everything that must hold before anything is relayed; the server is started last. */
interface OpenGate extends GovernedBy {
  readonly server: ResolvedServer;
  readonly opened: readonly RelayPattern[];
  readonly target: McpStdioTarget;
}

/**
 * Wraps one MCP server on this process's stdio. Whatever is missing closes the gate: nothing is started, and every request
 * is told why. Resolves to the exit code.
 */
export async function runWrap(options: WrapOptions): Promise<number> {
  const client = { input: process.stdin, output: process.stdout };
  let open: OpenGate;
  try {
    open = await openGate(options);
  } catch (error) {
    const { code, message } = toCountersignError(error, 'INTERNAL', 'The gate could not be opened.');
    const { exitCode } = await runClosed({
      client,
      code,
      message: withAdvice(code, message),
      stderr: process.stderr,
      maxFrameBytes: defaultMcpStdioLimits.maxClientFrameBytes,
    });
    return exitCode;
  }
  try {
    return await runOpen(open, client);
  } finally {
    await open.governance.close();
  }
}

async function openGate(options: WrapOptions): Promise<OpenGate> {
  const inherited = childEnvironment(options.env);
  const depth = inherited[depthVariable];
  const environment: Record<string, string | undefined> = {
    ...inherited,
    ...options.target.env,
    [depthVariable]: depth,
  };
  const opened = options.relayPatterns.map(parsePattern);
  const server = resolveServer(options.name, options.target, { cwd: options.cwd, path: environment['PATH'] });
  const governed = await governBy({ ...options, stderr: process.stderr });
  try {
    const { command, args } = options.target;
    const target = startMcpStdioTarget({ command, args, environment, cwd: options.cwd });
    return { ...governed, server, opened, target };
  } catch (error) {
    await governed.governance.close();
    throw error;
  }
}

async function runOpen(
  open: OpenGate,
  client: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream },
): Promise<number> {
  const { server, target, opened } = open;
  const listing = createMcpListing(target);
  const gate = assembleGate(open, listing);
  const { exitCode } = await runMcpStdio({
    client,
    gate,
    credentials: open.credentials,
    target,
    listing,
    server: server.ref,
    opened,
    limits: defaultMcpStdioLimits,
    stderr: process.stderr,
    signals: process,
  });
  return exitCode;
}

function assembleGate({ governance, policy, server }: OpenGate, listing: McpListing): Gate {
  const { command, args } = server.resolved;
  return createGate({
    ...governance.gateParts,
    policy,
    directory: createToolDirectory({
      server: server.ref,
      command: utf8(canonicalJson({ command, args: [...args] })),
      listing,
      ledger: governance.homeLedger.ledger,
      recordChange: governance.recordChange,
    }),
  });
}

function parsePattern(source: string): RelayPattern {
  const pattern = relayPattern(source);
  if (!pattern)
    throw new CountersignError(
      'CONFIG_INVALID',
      `--relay cannot take “${source}”: give a method, or a prefix and *.`,
    );
  return pattern;
}

/** What to do next, for the operator who reads it in the host's log. */
function withAdvice(code: string, message: string): string {
  return code.startsWith('API_KEY_')
    ? `${message} “countersign init” makes a home and shows its key once, “countersign key create” another one; give it to this gate as COUNTERSIGN_API_KEY.`
    : message;
}
