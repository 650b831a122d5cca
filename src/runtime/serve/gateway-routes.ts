import type { ApprovalDesk } from '../../gate/approvals/approval-desk.ts';
import type { PasskeyDesk } from '../../gate/approvals/passkeys/passkey-desk.ts';
import type { CallDesk } from '../../gate/call-desk.ts';
import type { Gate, Gates } from '../../gate/gate.ts';
import { actionRoutes } from '../../gateway/http/actions.ts';
import type { HttpAppOptions } from '../../gateway/http/app.ts';
import { approvalRoutes } from '../../gateway/http/approvals.ts';
import { approvePage } from '../../gateway/http/approve-page.ts';
import { authzenRoutes } from '../../gateway/http/authzen.ts';
import { callRoutes } from '../../gateway/http/calls.ts';
import { enrolmentRoutes, type EnrolmentDesk } from '../../gateway/http/enrolment.ts';
import { envelopeRoutes } from '../../gateway/http/envelope-routes.ts';
import { eventRoutes } from '../../gateway/http/events.ts';
import { logRoutes } from '../../gateway/http/log-routes.ts';
import type { McpEndpoint } from '../../gateway/http/mcp/endpoint.ts';
import { mcpRoutes } from '../../gateway/http/mcp/routes.ts';
import { metricsRoutes, type MetricsSource } from '../../gateway/http/metrics-routes.ts';
import {
  securityEventRoutes,
  type SecurityEventRoutesOptions,
} from '../../gateway/http/security-event-routes.ts';
import type { Streams } from '../../gateway/http/streams.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { findCallBundles } from './call-bundles.ts';
import type { DeclaredActions } from './declared-actions.ts';
import { readLiveTile } from './live-tiles.ts';
import { createLogEvents } from './log-events.ts';

/** The trust root as it is now: asked at every request, as keys may be rotated meanwhile. */
export interface TrustRootSource {
  /** Finds the CA certificate that issued the signing certificate of a leaf. */
  issuers(): (leaf: Uint8Array) => Uint8Array;
  /** `trusted_root.json`. */
  file(): Uint8Array;
}

/** What is behind the routes, in groups that belong together. */
export interface GatewayRouteParts {
  readonly gates: Gates;
  /** What a configuration declares, and the gate that knows it. */
  readonly actions: DeclaredActions & { readonly gate: Gate };
  readonly desk: CallDesk;
  readonly approvals: ApprovalDesk;
  /** Absent where nobody approves with a passkey. */
  readonly passkeys?: { readonly desk: PasskeyDesk; readonly origin: string } | undefined;
  /** Absent where no agents are certified. */
  readonly enrolment?: EnrolmentDesk | undefined;
  /** By the name that they are served under. */
  readonly endpoints: ReadonlyMap<string, McpEndpoint>;
  readonly streams: Streams;
  readonly log: {
    readonly ledger: Ledger;
    readonly logKeyId: Uint8Array;
    readonly trustRoot: TrustRootSource;
  };
  readonly maxBodyBytes: number;
  /** Served where there are any. */
  readonly metrics?: MetricsSource | undefined;
  /** Whether people can log in for this gateway. */
  readonly isLoginOffered: boolean;
  /** Served where somebody may tell of events. */
  readonly receiveEvent: SecurityEventRoutesOptions['receive'] | undefined;
}

/** Every route of a gateway. What is added here is served in every runtime. */
export function gatewayRoutes(parts: GatewayRouteParts): HttpAppOptions['routes'] {
  const { gates, actions, desk, enrolment, endpoints, streams, log, maxBodyBytes, metrics } = parts;
  const { ledger, logKeyId, trustRoot } = log;
  return [
    actionRoutes({ ...actions, maxBodyBytes }),
    callRoutes({ gate: gates, desk, maxBodyBytes }),
    authzenRoutes({ gate: gates, desk, maxBodyBytes }),
    approvalRoutes({ gate: gates, desk: parts.approvals }),
    ...(parts.passkeys ? [approvePage({ ...parts.passkeys, onRefused: gates.countRefusal })] : []),
    mcpRoutes({
      authenticate: gates.authenticate,
      watch: gates.watch,
      endpoints,
      streams,
      maxBodyBytes,
      isLoginOffered: parts.isLoginOffered,
    }),
    envelopeRoutes({
      gate: gates,
      find: (callId, { apiKeyId }) =>
        findCallBundles({ ledger, logKeyId, issuerOf: trustRoot.issuers() }, callId, apiKeyId),
    }),
    eventRoutes({ gate: gates, streams, source: createLogEvents({ ledger }) }),
    ...(enrolment ? [enrolmentRoutes(enrolment)] : []),
    ...(metrics ? [metricsRoutes(metrics)] : []),
    ...(parts.receiveEvent
      ? [securityEventRoutes({ receive: parts.receiveEvent, onRefused: gates.countRefusal })]
      : []),
    logRoutes({ read: (path) => readLiveTile(ledger, path), trustedRoot: () => trustRoot.file() }),
  ];
}
