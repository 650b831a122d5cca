import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { utf8 } from '../../../../src/call/sha256.ts';
import { createGates } from '../../../../src/gate/create-gate.ts';
import { createToolDirectory } from '../../../../src/gate/tool-directory.ts';
import { toolVisibility } from '../../../../src/gate/tool-visibility.ts';
import type { HttpBindings } from '../../../../src/gateway/http/credentials.ts';
import { createAggregateEndpoint } from '../../../../src/gateway/http/mcp/aggregate/endpoint.ts';
import type { Patience } from '../../../../src/gateway/http/mcp/aggregate/link.ts';
import type { ConversationOptions } from '../../../../src/gateway/http/mcp/conversation.ts';
import { createServerEndpoint } from '../../../../src/gateway/http/mcp/endpoint.ts';
import type { Authenticator, Refusal } from '../../../../src/identity/principal.ts';
import { mcpRoutes } from '../../../../src/gateway/http/mcp/routes.ts';
import type { McpTransport } from '../../../../src/gateway/http/mcp/upstream.ts';
import { createStreams } from '../../../../src/gateway/http/streams.ts';
import { openStdioPipe } from '../../../../src/gateway/mcp-stdio-pipe.ts';
import { changeRecorder } from '../../../../src/runtime/changes.ts';
import { createMcpHttpConnection } from '../../../../src/targets/mcp-http-connection.ts';
import { defaultMcpHttpLimits } from '../../../../src/targets/mcp-http.ts';
import type { Policy } from '../../../../src/policy/policy.ts';
import { harness, type Harness, type HarnessOptions } from '../../../gate/harness.ts';

export interface TestGateway extends AsyncDisposable, Pick<Harness, 'apiKey' | 'keys' | 'ledger'> {
  /** The URL of a server's endpoint; of all servers together under the empty name. */
  readonly at: (name: string) => string;
  readonly warnings: readonly string[];
}

/** How a server behind Streamable HTTP is reached. */
export function overHttp(url: string, limits = defaultMcpHttpLimits): McpTransport {
  return { kind: 'http', connect: () => createMcpHttpConnection({ url, headers: {}, fetch, limits }) };
}

/** How a server that is a child process is reached. */
export function overStdio(...args: readonly string[]): McpTransport {
  const commandLine = { command: process.execPath, args, environment: { ...process.env } };
  return {
    kind: 'pipe',
    connect: (onFrame) => Promise.resolve(openStdioPipe({ commandLine, maxFrameBytes: 1 << 20, onFrame })),
  };
}

/** The MCP routes over a real gate and an HTTP server on loopback. */
export async function startGateway(
  transports: Readonly<Record<string, McpTransport>>,
  options: HarnessOptions & {
    /** Why whoever calls may nothing, if so: asked at each request. */
    readonly refusal?: () => Refusal | undefined;
    readonly sessionLimits?: Parameters<typeof createServerEndpoint>[0]['sessionLimits'];
    /** How long all servers together wait for one. */
    readonly patience?: Patience;
    /** In place of what decides alone, where it matters what it could allow. */
    readonly policy?: Policy;
  } = {},
): Promise<TestGateway> {
  const { parts, apiKey, keys, ledger } = await harness({
    ...options,
    ...(options.policy && { decide: options.policy.decide }),
  });
  const authenticator: Authenticator = {
    async authenticate(credentials, now) {
      const principal = await parts.authenticator.authenticate(credentials, now);
      const refusal = options.refusal?.();
      return refusal ? { ...principal, refusal } : principal;
    },
  };
  const gates = createGates({ ...parts, authenticator });
  const warnings: string[] = [];
  const streams = createStreams({ perOwner: 64, all: 256 });
  const sessionLimits = options.sessionLimits ?? { perOwner: 16, all: 64, idleMs: 60_000 };
  const warn = (sentence: string): unknown => warnings.push(sentence);
  const servers = new Map(
    Object.entries(transports).map(([name, transport]): [string, ConversationOptions] => {
      const server = { name, digest: 'b'.repeat(64) };
      const directory = {
        server,
        command: utf8('{}'),
        ledger,
        recordChange: changeRecorder(parts, 'same-user'),
      };
      const gateFor: ConversationOptions['upstream']['gateFor'] = (listing) =>
        gates.under(createToolDirectory({ ...directory, listing }));
      return [name, { upstream: { server, opened: [], transport, gateFor }, maxInFlight: 64, warn }];
    }),
  );
  const all = createAggregateEndpoint({
    servers,
    authenticate: gates.authenticate,
    visibleTo: toolVisibility(options.policy ?? parts.policy),
    version: '0.0.0',
    warn,
    sessionLimits,
    ...(options.patience && { patience: options.patience }),
  });
  const endpoints = new Map([
    ...[...servers].map(
      ([name, server]) => [name, createServerEndpoint({ ...server, sessionLimits })] as const,
    ),
    ['', all] as const,
  ]);
  const app = mcpRoutes({
    authenticate: gates.authenticate,
    watch: gates.watch,
    endpoints,
    streams,
    maxBodyBytes: 1 << 20,
  });
  const bindings: HttpBindings = {};
  const http = createAdaptorServer({ fetch: (request: Request) => app.fetch(request, bindings) });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    apiKey,
    keys,
    ledger,
    warnings,
    at: (name) => `http://127.0.0.1:${port}/mcp${name && `/${name}`}`,
    async [Symbol.asyncDispose]() {
      await streams.close(100);
      await Promise.all([...endpoints.values()].map((endpoint) => endpoint.close()));
      await gates.close();
      const closed = new Promise((resolve) => http.close(resolve));
      if ('closeAllConnections' in http) http.closeAllConnections();
      await closed;
    },
  };
}
