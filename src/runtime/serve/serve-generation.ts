import { readFileSync } from 'node:fs';
import { toCountersignError } from '../../errors.ts';
import type { ReasonCode } from '../../names.ts';
import { createGates } from '../../gate/create-gate.ts';
import { createDeclaredDirectory } from '../../gate/declared-tools.ts';
import { actionRoutes } from '../../gateway/http/actions.ts';
import { authzenRoutes } from '../../gateway/http/authzen.ts';
import { callRoutes } from '../../gateway/http/calls.ts';
import { createHttpApp } from '../../gateway/http/app.ts';
import { eventRoutes } from '../../gateway/http/events.ts';
import { envelopeRoutes } from '../../gateway/http/envelope-routes.ts';
import type { HttpBindings } from '../../gateway/http/credentials.ts';
import { logRoutes } from '../../gateway/http/log-routes.ts';
import { metricsPath, metricsRoutes } from '../../gateway/http/metrics-routes.ts';
import { mcpRoutes } from '../../gateway/http/mcp/routes.ts';
import type { ServedRoute } from '../../gateway/http/openapi.ts';
import { createStreams } from '../../gateway/http/streams.ts';
import { findCallBundles } from './call-bundles.ts';
import type { CallDesks } from './call-desks.ts';
import { recordConfiguration } from './config-change.ts';
import { readiness } from './readiness.ts';
import { homeAuthenticator, type Governance } from '../home/governance.ts';
import { readLiveTile } from './live-tiles.ts';
import { createLogEvents } from './log-events.ts';
import { createMcpEndpoints } from './mcp-endpoints.ts';
import type { Metrics } from './metrics.ts';
import { observedGates } from './observed-gates.ts';
import { watchUpstreams } from './upstream-states.ts';
import type { ServeSettings } from './serve-settings.ts';
import { issuerFinder, readTrustRoot } from '../keys/trust-root.ts';
import { packageVersion } from '../version.ts';

/** A gateway under one configuration: what serves until the next one is in force. */
export interface Generation {
  readonly fetch: (request: Request, bindings: HttpBindings) => Promise<Response>;
  /** What it serves, for its description. */
  readonly routes: readonly ServedRoute[];
  /** Waits for the requests that it still serves, settles what is open, closes its sessions. */
  readonly retire: () => Promise<void>;
}

/** Milliseconds that streams get to say what they still owe. */
const streamsEndMs = 5_000;

/** Says in the log which configuration begins, and makes the application that serves by it. */
export async function beginGeneration(
  governance: Governance,
  settings: ServeSettings,
  {
    isOwnHost,
    metrics,
    refused,
    desks,
    stopping,
    stderr,
  }: {
    readonly isOwnHost: (host: string) => boolean;
    readonly metrics: Metrics;
    /** Why other files could not be taken since. */
    readonly refused: () => ReasonCode | undefined;
    readonly desks: CallDesks;
    /** Resolves when the process is to end: then nobody is waited for who has an outcome to report. */
    readonly stopping: Promise<void>;
    readonly stderr: { write(text: string): unknown };
  },
): Promise<Generation> {
  const { home, homeLedger, gateParts, recordChange } = governance;
  const { config, policy, declared } = settings;
  const { limits } = config;
  const { ledger } = homeLedger;
  await recordConfiguration(ledger, recordChange, settings);
  const directory = createDeclaredDirectory(
    declared.server,
    new Map([...declared.actions].map(([name, { definition }]) => [name, definition])),
  );
  const authenticator = homeAuthenticator(home, settings.evidence);
  const gates = observedGates(createGates({ ...gateParts, policy, authenticator }), metrics.gate);
  const gate = gates.under(directory);
  const streams = createStreams({ perOwner: limits.streamsPerKey, all: limits.streams });
  const upstreams = watchUpstreams();
  const endpoints = createMcpEndpoints({
    upstreams,
    governance,
    gates,
    servers: settings.servers,
    policy,
    version: packageVersion(),
    stderr,
  });
  const isReserved = (name: string): boolean => name === declared.server.name || settings.servers.has(name);
  const desk = desks.open({ gates, ledger, recordChange, isReserved });
  const app = createHttpApp({
    gate: gates,
    isOwnHost,
    origins: new Set(config.origins),
    routes: [
      actionRoutes({ gate, ...declared, maxBodyBytes: config.limits.body }),
      callRoutes({ gate: gates, desk, maxBodyBytes: config.limits.body }),
      authzenRoutes({ gate: gates, desk, maxBodyBytes: config.limits.body }),
      mcpRoutes({
        authenticate: gates.authenticate,
        endpoints,
        streams,
        maxBodyBytes: config.limits.body,
      }),
      envelopeRoutes({
        gate,
        find: (callId, { apiKeyId }) =>
          findCallBundles(
            { ledger, logKeyId: gateParts.logKeyId, issuerOf: issuerFinder(readTrustRoot(home.layout)) },
            callId,
            apiKeyId,
          ),
      }),
      eventRoutes({ gate: gates, streams, source: createLogEvents({ ledger }) }),
      metricsRoutes(metrics),
      logRoutes({
        read: (path) => readLiveTile(ledger, path),
        trustedRoot: () => readFileSync(home.layout.trustedRoot),
      }),
    ],
    publicPaths: new Set(config.metrics.public ? [metricsPath] : []),
    maxInFlightPerKey: limits.inFlightPerKey,
    ready: () => readiness({ governance, refused, upstreams }),
    version: packageVersion(),
    onAnswer: metrics.onAnswer,
    onError: (error) => {
      const { code } = toCountersignError(error, 'INTERNAL', '');
      stderr.write(`countersign: a request failed: ${code}\n`);
    },
  });

  let serving = 0;
  let idle: (() => void) | undefined;
  return {
    routes: app.routes,
    async fetch(request, bindings) {
      serving += 1;
      try {
        return await app.fetch(request, bindings);
      } finally {
        serving -= 1;
        if (serving === 0) idle?.();
      }
    },
    async retire() {
      await streams.close(streamsEndMs);
      if (serving > 0) await new Promise<void>((resolve) => (idle = resolve));
      await Promise.all([...endpoints.values()].map((endpoint) => endpoint.close()));
      await Promise.race([gates.reported(), stopping]);
      desks.close(desk);
      await gate.close();
      await gates.close();
    },
  };
}
