import type { RecordChange } from '../../gate/changes.ts';
import type { Gates } from '../../gate/gate.ts';
import { createToolDirectory } from '../../gate/tool-directory.ts';
import { toolVisibility } from '../../gate/tool-visibility.ts';
import { createAggregateEndpoint } from '../../gateway/http/mcp/aggregate/endpoint.ts';
import type { ConversationOptions } from '../../gateway/http/mcp/conversation.ts';
import { createServerEndpoint, type McpEndpoint } from '../../gateway/http/mcp/endpoint.ts';
import { createWarner } from '../../gateway/mcp/warnings.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Policy } from '../../policy/policy.ts';
import { actingFor } from '../exchange/acting-for.ts';
import type { DeclaredServer } from './mcp-url-server.ts';
import type { WatchedUpstreams } from './upstream-states.ts';

export interface McpEndpointsOptions {
  readonly ledger: Ledger;
  readonly recordChange: RecordChange;
  readonly gates: Gates;
  readonly servers: ReadonlyMap<string, DeclaredServer>;
  /** What decides: of all servers' tools only those are listed that it could allow. */
  readonly policy: Policy;
  readonly upstreams: WatchedUpstreams;
  /** Of this package: `/mcp` introduces itself. */
  readonly version: string;
  readonly stderr: { write(text: string): unknown };
}

const sessionLimits = { perOwner: 64, all: 1_024, idleMs: 1_800_000 };
const maxInFlight = 256;

/**
 * What is served at `/mcp/NAME`, by name, and at `/mcp` under the empty one. Nothing is started or asked before a client comes.
 */
export function createMcpEndpoints({
  ledger,
  recordChange,
  gates,
  servers,
  policy,
  upstreams,
  version,
  stderr,
}: McpEndpointsOptions): ReadonlyMap<string, McpEndpoint> {
  const warn = createWarner((line) => stderr.write(line));
  const options = new Map(
    [...servers].map(
      ([name, { server, place, opened, transport, exchange }]): [string, ConversationOptions] => [
        name,
        {
          upstream: {
            server,
            opened,
            transport: upstreams.watch(name, transport),
            actsFor: exchange && actingFor(gates.authenticate, exchange),
            gateFor: (listing) =>
              gates.under(
                createToolDirectory({
                  server,
                  command: place,
                  listing,
                  ledger,
                  recordChange,
                  needsHuman: exchange !== undefined,
                }),
              ),
          },
          maxInFlight,
          warn,
        },
      ],
    ),
  );
  const endpoints = new Map(
    [...options].map(([name, each]) => [name, createServerEndpoint({ ...each, sessionLimits })]),
  );
  if (options.size === 0) return endpoints;
  const all = createAggregateEndpoint({
    servers: options,
    authenticate: gates.authenticate,
    visibleTo: toolVisibility(policy),
    version,
    warn,
    sessionLimits,
  });
  return endpoints.set('', all);
}
