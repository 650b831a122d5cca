import { readFileSync } from 'node:fs';
import type { HttpBindings } from '../../gateway/http/credentials.ts';
import type { ServedRoute } from '../../gateway/http/openapi.ts';
import { createPasskeyVerifier } from '../../gateway/http/passkey-verifier.ts';
import type { ReasonCode } from '../../names.ts';
import { defaultEnrolment } from '../config/enrolment-schema.ts';
import { openEnrolment } from '../enrol/home-enrolment.ts';
import { trustEnrolled } from '../enrol/trust-enrolled.ts';
import { homeAuthenticator, type Governance } from '../home/governance.ts';
import { issuerFinder, readTrustRoot } from '../keys/trust-root.ts';
import { createNotices, type OpenNotices } from '../notices/create-notices.ts';
import { noticeSource } from '../notices/home-notices.ts';
import { packageVersion } from '../version.ts';
import type { CallDesks } from './call-desks.ts';
import { recordConfiguration } from './config-change.ts';
import { createGatewayApp } from './gateway-app.ts';
import type { Metrics } from './metrics.ts';
import type { ServeSettings } from './serve-settings.ts';

/** A gateway under one configuration: what serves until the next one is in force. */
export interface Generation {
  readonly fetch: (request: Request, bindings: HttpBindings) => Promise<Response>;
  /** What it serves, for its description. */
  readonly routes: readonly ServedRoute[];
  /** Resolves once no call is open whose outcome a caller has to report. */
  readonly reported: () => Promise<void>;
  /** Waits for the requests that it still serves, settles what is open, closes its sessions. */
  readonly retire: () => Promise<void>;
}

export interface GenerationOptions {
  readonly isOwnHost: (host: string) => boolean;
  readonly metrics: Metrics;
  /** Why other files could not be taken since. */
  readonly refused: () => ReasonCode | undefined;
  readonly desks: CallDesks;
  /** Resolves when the process is to end: then nobody is waited for who has an outcome to report. */
  readonly stopping: Promise<void>;
  readonly stderr: { write(text: string): unknown };
}

/** Milliseconds that streams get to say what they still owe. */
const streamsEndMs = 5_000;

/** Says in the log which configuration begins, and makes the application that serves by it. */
export async function beginGeneration(
  governance: Governance,
  settings: ServeSettings,
  { stopping, ...options }: GenerationOptions,
): Promise<Generation> {
  const { home, gateParts, recordChange } = governance;
  await recordConfiguration(gateParts.ledger, recordChange, settings);
  const evidence = trustEnrolled(settings.evidence, home);
  const authenticator = homeAuthenticator(home, evidence);
  const { lifetime } = settings.config.identity?.enrolment ?? defaultEnrolment;
  const enrolment = openEnrolment({ home, parts: gateParts, recordChange, evidence, lifetime });
  const notices = noticesOf(settings, governance, options);
  const app = createGatewayApp({
    ...options,
    parts: { ...gateParts, notices, policy: settings.policy, authenticator },
    recordChange,
    enrolment: enrolment.desk,
    passkeysFor: createPasskeyVerifier,
    settings,
    trustRoot: {
      issuers: () => issuerFinder(readTrustRoot(home.layout)),
      file: () => readFileSync(home.layout.trustedRoot),
    },
    version: packageVersion(),
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
    reported: app.reported,
    async retire() {
      await app.endStreams(streamsEndMs);
      if (serving > 0) await new Promise<void>((resolve) => (idle = resolve));
      await app.endConversations();
      await Promise.race([app.reported(), stopping]);
      await enrolment.close();
      await app.close();
      await notices.close();
    },
  };
}

/** A gate that nobody is to be told by knows no names, and tells nothing. */
function noticesOf(
  { config: { notify } }: ServeSettings,
  { home }: Governance,
  { metrics, stderr }: Pick<GenerationOptions, 'metrics' | 'stderr'>,
): OpenNotices {
  return createNotices({ recipients: notify, source: noticeSource(home), stderr, onEnd: metrics.onNotice });
}
