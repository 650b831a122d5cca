import { readFileSync } from 'node:fs';
import { CountersignError, toCountersignError } from '../errors.ts';
import type { RecordChange } from '../gate/changes.ts';
import { createGate } from '../gate/create-gate.ts';
import type { Gate } from '../gate/gate.ts';
import type { NotaryParts } from '../gate/parts.ts';
import { recover } from '../gate/recovery.ts';
import { createToolDirectory } from '../gate/tool-directory.ts';
import { runClosed } from '../gateway/mcp-stdio-closed.ts';
import { defaultMcpStdioLimits, runMcpStdio } from '../gateway/mcp-stdio.ts';
import { createMcpListing, type McpListing } from '../gateway/mcp/listing.ts';
import { relayPattern, type RelayPattern } from '../gateway/mcp/methods.ts';
import { createAuthenticator } from '../identity/authenticate.ts';
import type { Authenticator } from '../identity/principal.ts';
import { compilePolicy } from '../policy/compile.ts';
import type { Policy } from '../policy/policy.ts';
import { childEnvironment, depthVariable } from '../targets/depth.ts';
import { startMcpStdioTarget, type McpStdioTarget } from '../targets/mcp-stdio.ts';
import { canonicalJson } from '../call/canonical-json.ts';
import { utf8 } from '../call/sha256.ts';
import { openApiKeyFile } from './api-key-file.ts';
import { changeRecorder } from './changes.ts';
import { readHomeSettings, type HomeSettings } from './home-config.ts';
import { openHomeLedger, type HomeLedger } from './home-ledger.ts';
import { gateWitnesses } from './home-witnesses.ts';
import { announceKeyEvent } from './key-event.ts';
import { openNotary } from './notary.ts';
import { openHome } from './open-home.ts';
import { passphraseFrom, passphraseVariable } from './passphrase.ts';
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

const mode = 'same-user';

/** Everything that must hold before anything is relayed; the server is started last. */
interface OpenGate {
  readonly authenticator: Authenticator;
  readonly policy: Policy;
  readonly settings: HomeSettings;
  readonly homeLedger: HomeLedger;
  readonly notary: NotaryParts;
  readonly recordChange: RecordChange;
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
    return await runOpen(options, open, client);
  } finally {
    await open.homeLedger.close();
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
  const authenticator = createAuthenticator({
    keys: openApiKeyFile({ peppers: home.layout.peppers, keys: home.layout.apiKeys }),
    trustDomain: home.config.trustDomain,
  });
  await authenticator.authenticate({ apiKey: options.apiKey }, Date.now());
  const files = options.policyFiles.length > 0 ? options.policyFiles : [home.layout.policy];
  const policy = compilePolicy(files.map((name) => ({ name, text: readPolicy(name) })));
  const homeLedger = await openHomeLedger(home);
  try {
    const notary = openNotary(home, homeLedger);
    notary.openKeys();
    await announceKeyEvent(home.layout, notary);
    const recordChange = changeRecorder(notary, mode);
    await recover({ ...notary, mode }, homeLedger.isAlive);
    await homeLedger.sweep();
    await recordPolicy(homeLedger.ledger, recordChange, server.ref.name, policy);
    const { command, args } = options.target;
    const target = startMcpStdioTarget({ command, args, environment, cwd: options.cwd });
    return { authenticator, policy, settings, homeLedger, notary, recordChange, server, opened, target };
  } catch (error) {
    await homeLedger.close();
    throw error;
  }
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
    credentials: { apiKey },
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

function assembleGate(open: OpenGate, listing: McpListing): Gate {
  const { authenticator, policy, settings, homeLedger, notary, recordChange, server } = open;
  const { ledger, instance } = homeLedger;
  const { command, args } = server.resolved;
  return createGate({
    ...notary,
    ...gateWitnesses(settings, ledger, process.stderr),
    mode,
    authenticator,
    policy,
    instance: instance.id,
    assertAlive() {
      if (instance.stillMine()) return;
      throw new CountersignError(
        'GATE_CLOSED',
        'This gate lost the lock that shows it alive, and may have been taken for dead. If this lasts, restart it.',
      );
    },
    directory: createToolDirectory({
      server: server.ref,
      command: utf8(canonicalJson({ command, args: [...args] })),
      listing,
      ledger,
      recordChange,
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
    ? `${message} “countersign init” makes a home and shows its key once; give it to this gate as COUNTERSIGN_API_KEY.`
    : message;
}
