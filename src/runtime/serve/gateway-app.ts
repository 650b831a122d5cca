import { toCountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import { createApprovalDesk } from '../../gate/approvals/approval-desk.ts';
import { createPasskeyDesk } from '../../gate/approvals/passkeys/passkey-desk.ts';
import type { PasskeyVerifier } from '../../gate/approvals/passkeys/passkey-verifier.ts';
import { createGates } from '../../gate/create-gate.ts';
import { createDeclaredDirectory } from '../../gate/declared-tools.ts';
import type { SharedGateParts } from '../../gate/parts.ts';
import { createHttpApp } from '../../gateway/http/app.ts';
import { approvePaths } from '../../gateway/http/approve-page.ts';
import type { HttpBindings } from '../../gateway/http/credentials.ts';
import { enrolmentPath, type EnrolmentDesk } from '../../gateway/http/enrolment.ts';
import { metricsPath } from '../../gateway/http/metrics-routes.ts';
import type { ServedRoute } from '../../gateway/http/openapi.ts';
import { createStreams } from '../../gateway/http/streams.ts';
import { securityEventsPath } from '../../gateway/http/security-event-routes.ts';
import type { EventTransmitter } from '../../identity/events/security-event.ts';
import type { ReasonCode } from '../../names.ts';
import type { Config } from '../config/schema.ts';
import type { CallDesks } from './call-desks.ts';
import type { DeclaredActions } from './declared-actions.ts';
import { gatewayRoutes, type TrustRootSource } from './gateway-routes.ts';
import { createMcpEndpoints } from './mcp-endpoints.ts';
import type { DeclaredServer } from './mcp-url-server.ts';
import type { Metrics } from './metrics.ts';
import { observedGates } from './observed-gates.ts';
import { protectedResource } from './protected-resource.ts';
import { readiness } from './readiness.ts';
import { eventReceiver } from './security-events.ts';
import { watchUpstreams } from './upstream-states.ts';

/** What a configuration comes to, as much of it as is served. */
export interface ServedSettings {
  readonly config: Pick<
    Config,
    'approvals' | 'identity' | 'limits' | 'listen' | 'metrics' | 'origins' | 'publicUrl'
  >;
  /** Who may tell of what has ended. */
  readonly transmitters: readonly EventTransmitter[];
  readonly declared: DeclaredActions;
  readonly servers: ReadonlyMap<string, DeclaredServer>;
}

export interface GatewayAppOptions {
  /** What the gates are made of, the policy that decides among it. */
  readonly parts: SharedGateParts;
  readonly recordChange: RecordChange;
  readonly settings: ServedSettings;
  /** Which values of `Host`, in lower case, are answered. */
  readonly isOwnHost: (host: string) => boolean;
  readonly trustRoot: TrustRootSource;
  /** Where the desk of this configuration stands beside those of the former ones. */
  readonly desks: CallDesks;
  /** Of this package. */
  readonly version: string;
  readonly stderr: { write(text: string): unknown };
  /** Absent where no agents are certified. */
  readonly enrolment?: EnrolmentDesk;
  /** For the page at this origin. Absent where nobody can be invited to it: handed in, as its library is large. */
  readonly passkeysFor?: (origin: string) => PasskeyVerifier;
  /** Absent where nobody counts: then they are not served either. */
  readonly metrics?: Pick<Metrics, 'gate' | 'onAnswer' | 'onSecurityEvent' | 'render'>;
  /** Why other files could not be taken since; absent where another configuration is another start. */
  readonly refused?: () => ReasonCode | undefined;
}

/** A gateway under one configuration, with what it takes to end it. */
export interface GatewayApp {
  readonly fetch: (request: Request, bindings: HttpBindings) => Promise<Response>;
  /** What it serves, for its description. */
  readonly routes: readonly ServedRoute[];
  /** Opens no other stream, and ends those that are open: `within` milliseconds later at the latest. */
  readonly endStreams: (within: number) => Promise<void>;
  /** Ends the conversations with MCP servers. */
  readonly endConversations: () => Promise<void>;
  /** Resolves once no caller has an outcome left to report. */
  readonly reported: () => Promise<void>;
  /** Takes no outcome any more, settles what is open, closes its sessions. After everything else. */
  readonly close: () => Promise<void>;
}

/** The one application over the one gate, whatever runtime it is on. */
export function createGatewayApp(options: GatewayAppOptions): GatewayApp {
  const { parts, recordChange, settings, desks, enrolment, metrics, passkeysFor, refused, version, stderr } =
    options;
  const { config, declared, servers, transmitters } = settings;
  const { limits, publicUrl } = config;
  const page = passkeysFor && config.approvals?.origin;
  const publicHosts = [publicUrl, page].flatMap((url) => (url === undefined ? [] : [new URL(url).host]));
  const { ledger } = parts;
  const made = createGates({ ...parts, committed: config.identity?.commit ?? [] });
  const gates = metrics ? observedGates(made, metrics.gate) : made;
  const gate = gates.under(
    createDeclaredDirectory(
      declared.server,
      new Map([...declared.actions].map(([name, { definition }]) => [name, definition])),
    ),
  );
  const streams = createStreams({ perOwner: limits.streamsPerKey, all: limits.streams });
  const upstreams = watchUpstreams();
  const endpoints = createMcpEndpoints({
    ledger,
    recordChange,
    gates,
    servers,
    policy: parts.policy,
    upstreams,
    version,
    stderr,
  });
  const resource = protectedResource(config);
  const isReserved = (name: string): boolean => name === declared.server.name || servers.has(name);
  const desk = desks.open({ gates, ledger, recordChange, isReserved });
  const app = createHttpApp({
    gate: gates,
    isOwnHost: (host) => publicHosts.includes(host) || options.isOwnHost(host),
    origins: new Set([...config.origins, ...(page === undefined ? [] : [page])]),
    routes: gatewayRoutes({
      gates,
      actions: { gate, ...declared },
      desk,
      approvals: createApprovalDesk(parts),
      passkeys:
        passkeysFor === undefined || page === undefined
          ? undefined
          : {
              desk: createPasskeyDesk({ ...parts, recordChange, verifier: passkeysFor(page) }),
              origin: page,
            },
      enrolment,
      endpoints,
      streams,
      log: { ledger, logKeyId: parts.logKeyId, trustRoot: options.trustRoot },
      maxBodyBytes: limits.body,
      metrics,
      isLoginOffered: resource !== undefined,
      receiveEvent: eventReceiver({
        parts,
        recordChange,
        transmitters,
        identity: config.identity,
        onReceived: metrics?.onSecurityEvent,
      }),
    }),
    publicPaths: new Set([
      ...(page === undefined ? [] : approvePaths),
      ...(metrics && config.metrics.public ? [metricsPath] : []),
      ...(enrolment ? [enrolmentPath] : []),
      ...(transmitters.length > 0 ? [securityEventsPath] : []),
    ]),
    resource,
    maxInFlightPerKey: limits.inFlightPerKey,
    ready: () => readiness({ parts, refused, upstreams }),
    version,
    ...(metrics && { onAnswer: metrics.onAnswer }),
    onError(error) {
      const { code } = toCountersignError(error, 'INTERNAL', '');
      stderr.write(`countersign: a request failed: ${code}\n`);
    },
  });
  return {
    routes: app.routes,
    fetch: async (request, bindings) => app.fetch(request, { ...bindings, publicUrl }),
    endStreams: (within) => streams.close(within),
    async endConversations() {
      await Promise.all([...endpoints.values()].map((endpoint) => endpoint.close()));
    },
    reported: () => gates.reported(),
    async close() {
      desks.close(desk);
      await gate.close();
      await gates.close();
    },
  };
}
