import { readFileSync } from 'node:fs';
import { CountersignError, toCountersignError } from '../errors.ts';
import { createGate } from '../gate/create-gate.ts';
import type { Gate } from '../gate/gate.ts';
import { createToolDirectory } from '../gate/tool-directory.ts';
import { runClosed } from '../gateway/mcp-stdio-closed.ts';
import { defaultMcpStdioLimits, runMcpStdio } from '../gateway/mcp-stdio.ts';
import { createMcpListing, type McpListing } from '../gateway/mcp/listing.ts';
import { relayPattern, type RelayPattern } from '../gateway/mcp/methods.ts';
import { compilePolicy } from '../policy/compile.ts';
import { assertAdmitted } from '../identity/principal.ts';
import { refuseUnavailable } from '../identity/unavailable.ts';
import type { Policy } from '../policy/policy.ts';
import { childEnvironment, depthVariable } from '../targets/depth.ts';
import { startMcpStdioTarget, type McpStdioTarget } from '../targets/mcp-stdio.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { utf8 } from '../call/sha256.ts';
import { homeAuthenticator, openGovernance, type Governance } from './home/governance.ts';
import { readHomeSettings, type HomeSettings } from './home/home-config.ts';
import { openHome } from './home/open-home.ts';
import type { Acting } from './login/acting.ts';
import { callCredentials } from './login/call-credentials.ts';
import type { HumanTokenSource } from './login/human-token.ts';
import { bringsToken } from './login/token-environment.ts';
import { passphraseFrom, passphraseVariable } from './keys/passphrase.ts';
import { recordPolicy } from './policy-change.ts';
import { resolveServer, type ResolvedServer, type ServerCommand } from './server-ref.ts';

export interface WrapOptions {
  readonly home: string;
  /** Where the ledger is, with its password; what the home says unless told. */
  readonly ledger?: string | undefined;
  readonly apiKey: string | undefined;
  /** What policy and log call the server. */
  readonly name: string;
  readonly target: ServerCommand & { readonly env: Readonly<Record<string, string>> };
  /** In place of the home's policy; absolute. */
  readonly policyFiles: readonly string[];
  readonly relayPatterns: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Everything that must hold before anything is relayed; the server is started last. */
interface OpenGate {
  readonly governance: Governance;
  readonly policy: Policy;
  readonly server: ResolvedServer;
  readonly opened: readonly RelayPattern[];
  readonly target: McpStdioTarget;
  /** The token of the person that calls are made for; absent where they are made for nobody. */
  readonly source: HumanTokenSource | undefined;
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
    return await runOpen(options, open, client);
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
  const home = openHome(options.home, options.ledger, passphraseFrom(options.env, passphraseVariable));
  const settings = readHomeSettings(home);
  const acting = await actingOf(settings, options);
  const authenticator = refuseUnavailable(homeAuthenticator(home, acting.evidence));
  assertAdmitted(await authenticator.authenticate({ apiKey: options.apiKey }, Date.now()));
  const files = options.policyFiles.length > 0 ? options.policyFiles : [home.layout.policy];
  const policy = compilePolicy(files.map((name) => ({ name, text: readPolicy(name) })));
  const governance = await openGovernance(home, authenticator, process.stderr, settings);
  try {
    await recordPolicy(governance.homeLedger.ledger, governance.recordChange, server.ref.name, policy);
    const { command, args } = options.target;
    const target = startMcpStdioTarget({ command, args, environment, cwd: options.cwd });
    return { governance, policy, server, opened, target, source: acting.source };
  } catch (error) {
    await governance.close();
    throw error;
  }
}

/** For whom calls are made. Where neither the home nor the environment says anything of it, it costs nothing. */
async function actingOf(
  { actsForPeople }: HomeSettings,
  { home, env, cwd }: WrapOptions,
): Promise<Partial<Acting>> {
  if (!actsForPeople && !bringsToken(env)) return {};
  const { openActing } = await import('./login/acting.ts');
  const acting = await openActing({ root: home, env, cwd });
  if (acting.source && acting.evidence.humans === undefined)
    process.stderr.write(
      'countersign: calls are made for nobody: no issuer of people is configured (identity.humans).\n',
    );
  return acting;
}

async function runOpen(
  { apiKey }: WrapOptions,
  open: OpenGate,
  client: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream },
): Promise<number> {
  const { server, target, opened } = open;
  const listing = createMcpListing(target);
  const gate = assembleGate(open, listing);
  const { exitCode } = await runMcpStdio({
    client,
    gate,
    credentials: callCredentials(apiKey, open.source),
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

function readPolicy(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CountersignError('POLICY_UNREADABLE', `The policy ${file} cannot be read.`, { cause: error });
  }
}

/** What to do next, for the operator who reads it in the host's log. */
function withAdvice(code: string, message: string): string {
  return code.startsWith('API_KEY_')
    ? `${message} “countersign init” makes a home and shows its key once, “countersign key create” another one; give it to this gate as COUNTERSIGN_API_KEY.`
    : message;
}
