import { toCountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import { createGates } from '../../gate/create-gate.ts';
import { createDeclaredDirectory } from '../../gate/declared-tools.ts';
import type { SharedGateParts } from '../../gate/parts.ts';
import { actionRoutes } from '../../gateway/http/actions.ts';
import { createHttpApp, type Readiness } from '../../gateway/http/app.ts';
import { authzenRoutes } from '../../gateway/http/authzen.ts';
import { callRoutes } from '../../gateway/http/calls.ts';
import type { HttpBindings } from '../../gateway/http/credentials.ts';
import { envelopeRoutes } from '../../gateway/http/envelope-routes.ts';
import { eventRoutes } from '../../gateway/http/events.ts';
import { logRoutes } from '../../gateway/http/log-routes.ts';
import { mcpRoutes } from '../../gateway/http/mcp/routes.ts';
import { createStreams } from '../../gateway/http/streams.ts';
import { issuerFinder } from '../keys/trusted-keys.ts';
import { findCallBundles } from '../serve/call-bundles.ts';
import { createCallDesks } from '../serve/call-desks.ts';
import { readLiveTile } from '../serve/live-tiles.ts';
import { createLogEvents } from '../serve/log-events.ts';
import { createMcpEndpoints } from '../serve/mcp-endpoints.ts';
import { watchUpstreams } from '../serve/upstream-states.ts';
import { trustRootFile } from './open-log.ts';
import type { WorkerHome } from './secrets.ts';
import type { WorkerSettings } from './settings.ts';

export interface ApplicationOptions {
  readonly settings: WorkerSettings;
  readonly parts: SharedGateParts;
  readonly recordChange: RecordChange;
  readonly trustedRoot: WorkerHome['trustedRoot'];
  /** Of this package. */
  readonly version: string;
  readonly report: (line: string) => void;
}

export interface Application {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Resolves once no caller has an outcome left to report. */
  readonly reported: () => Promise<void>;
}

/** The same application as on Node, over the same gate. */
export function createApplication(options: ApplicationOptions): Application {
  const { settings, parts, recordChange, trustedRoot, version, report } = options;
  const { config, declared, servers } = settings;
  const { ledger, logKeyId } = parts;
  const { body: maxBodyBytes, streams: all, streamsPerKey: perOwner, inFlightPerKey } = config.limits;
  const directory = createDeclaredDirectory(
    declared.server,
    new Map([...declared.actions].map(([name, { definition }]) => [name, definition])),
  );
  const gates = createGates(parts);
  const gate = gates.under(directory);
  const streams = createStreams({ perOwner, all });
  const endpoints = createMcpEndpoints({
    upstreams: watchUpstreams(),
    governance: { homeLedger: { ledger }, recordChange },
    gates,
    servers,
    policy: settings.policy,
    version,
    stderr: { write: (text) => report(text.trimEnd()) },
  });
  const isReserved = (name: string): boolean => name === declared.server.name || servers.has(name);
  const desk = createCallDesks().open({ gates, ledger, recordChange, isReserved });
  const issuerOf = issuerFinder(trustedRoot);
  const trustedRootFile = trustRootFile(trustedRoot);
  const app = createHttpApp({
    gate: gates,
    isOwnHost: ownHosts(config.hosts),
    origins: new Set(config.origins),
    routes: [
      actionRoutes({ gate, ...declared, maxBodyBytes }),
      callRoutes({ gate: gates, desk, maxBodyBytes }),
      authzenRoutes({ gate: gates, desk, maxBodyBytes }),
      mcpRoutes({ authenticate: gates.authenticate, endpoints, streams, maxBodyBytes }),
      envelopeRoutes({
        gate,
        find: (callId, { apiKeyId }) => findCallBundles({ ledger, logKeyId, issuerOf }, callId, apiKeyId),
      }),
      eventRoutes({ gate: gates, streams, source: createLogEvents({ ledger }) }),
      logRoutes({ read: (path) => readLiveTile(ledger, path), trustedRoot: () => trustedRootFile }),
    ],
    maxInFlightPerKey: inFlightPerKey,
    ready: () => readiness(parts),
    version,
    onError: (error) =>
      report(`countersign: a request failed: ${toCountersignError(error, 'INTERNAL', '').code}`),
  });
  return {
    fetch: async (request) => app.fetch(request, bindingsOf(request)),
    reported: () => gates.reported(),
  };
}

/**
 * The platform routes by host name and certificate, so a page cannot rebind a name of its own to a Worker: without `hosts` in the
 * configuration, those that are routed to it are its own.
 */
function ownHosts(hosts: readonly string[]): (host: string) => boolean {
  return (host) => hosts.length === 0 || hosts.includes(host);
}

/** The platform sets this header itself, whatever the client sent. */
function bindingsOf(request: Request): HttpBindings {
  return { peer: { address: request.headers.get('cf-connecting-ip') ?? undefined } };
}

/** Whether a call could be decided, signed and recorded now. */
async function readiness({ ledger, identity, clock, assertAlive }: SharedGateParts): Promise<Readiness> {
  const ask = async (part: () => unknown): Promise<string> => {
    try {
      await part();
      return 'ok';
    } catch (error) {
      return toCountersignError(error, 'INTERNAL', '').code;
    }
  };
  const parts = {
    ledger: await ask(() => ledger.checkpoint()),
    keys: await ask(() => identity.current(clock.now())),
    instance: await ask(() => assertAlive()),
  };
  return { ready: Object.values(parts).every((state) => state === 'ok'), parts };
}
