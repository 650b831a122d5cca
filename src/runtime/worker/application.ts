import type { RecordChange } from '../../gate/changes.ts';
import type { SharedGateParts } from '../../gate/parts.ts';
import { issuerFinder } from '../keys/trusted-keys.ts';
import { createCallDesks } from '../serve/call-desks.ts';
import { createGatewayApp } from '../serve/gateway-app.ts';
import { peerOf } from './connection.ts';
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

/** The same application as on Node, over the same gate. Another configuration is another version of the Worker, and starts it anew. */
export function createApplication({ trustedRoot, report, ...options }: ApplicationOptions): Application {
  const issuerOf = issuerFinder(trustedRoot);
  const trustedRootFile = trustRootFile(trustedRoot);
  const app = createGatewayApp({
    ...options,
    isOwnHost: ownHosts(options.settings.config.hosts),
    trustRoot: { issuers: () => issuerOf, file: () => trustedRootFile },
    desks: createCallDesks(),
    stderr: { write: (text) => report(text.trimEnd()) },
  });
  return {
    fetch: (request) => app.fetch(request, { peer: peerOf(request) }),
    reported: app.reported,
  };
}

/**
 * The platform routes by host name and certificate, so a page cannot rebind a name of its own to a Worker: without `hosts` in the
 * configuration, those that are routed to it are its own.
 */
function ownHosts(hosts: readonly string[]): (host: string) => boolean {
  return (host) => hosts.length === 0 || hosts.includes(host);
}
