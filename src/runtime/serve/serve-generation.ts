import { readFileSync } from 'node:fs';
import { toCountersignError } from '../../errors.ts';
import { createGate } from '../../gate/create-gate.ts';
import { createDeclaredDirectory } from '../../gate/declared-tools.ts';
import { actionRoutes } from '../../gateway/http/actions.ts';
import { createHttpApp, type Readiness } from '../../gateway/http/app.ts';
import { envelopeRoutes } from '../../gateway/http/envelope-routes.ts';
import type { HttpBindings } from '../../gateway/http/credentials.ts';
import { logRoutes } from '../../gateway/http/log-routes.ts';
import { findCallBundles } from './call-bundles.ts';
import { recordConfiguration } from './config-change.ts';
import type { Governance } from '../home/governance.ts';
import { readLiveTile } from './live-tiles.ts';
import type { ServeSettings } from './serve-settings.ts';
import { issuerFinder, readTrustRoot } from '../keys/trust-root.ts';

/** A gateway under one configuration: what serves until the next one is in force. */
export interface Generation {
  readonly fetch: (request: Request, bindings: HttpBindings) => Promise<Response>;
  /** Waits for the requests that it still serves, settles what is open, closes its sessions. */
  readonly retire: () => Promise<void>;
}

/** Says in the log which configuration begins, and makes the application that serves by it. */
export async function beginGeneration(
  governance: Governance,
  settings: ServeSettings,
  {
    isOwnHost,
    stderr,
  }: { readonly isOwnHost: (host: string) => boolean; readonly stderr: { write(text: string): unknown } },
): Promise<Generation> {
  const { home, homeLedger, gateParts, recordChange } = governance;
  const { config, policy, declared } = settings;
  const { ledger } = homeLedger;
  await recordConfiguration(ledger, recordChange, settings);
  const directory = createDeclaredDirectory(
    declared.server,
    new Map([...declared.actions].map(([name, { definition }]) => [name, definition])),
  );
  const gate = createGate({ ...gateParts, policy, directory });
  const app = createHttpApp({
    isOwnHost,
    origins: new Set(config.origins),
    routes: [
      actionRoutes({ gate, ...declared, maxBodyBytes: config.limits.body }),
      envelopeRoutes({
        gate,
        find: (callId, { apiKeyId }) =>
          findCallBundles(
            { ledger, logKeyId: gateParts.logKeyId, issuerOf: issuerFinder(readTrustRoot(home.layout)) },
            callId,
            apiKeyId,
          ),
      }),
      logRoutes({
        read: (path) => readLiveTile(ledger, path),
        trustedRoot: () => readFileSync(home.layout.trustedRoot),
      }),
    ],
    ready: () => readiness(governance),
    onError: (error) => {
      const { code } = toCountersignError(error, 'INTERNAL', '');
      stderr.write(`countersign: a request failed: ${code}\n`);
    },
  });

  let serving = 0;
  let idle: (() => void) | undefined;
  return {
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
      if (serving > 0) await new Promise<void>((resolve) => (idle = resolve));
      await gate.close();
    },
  };
}

/** Whether a call could be decided, signed and recorded now. */
async function readiness({ homeLedger, gateParts }: Governance): Promise<Readiness> {
  const ask = async (part: () => unknown): Promise<string> => {
    try {
      await part();
      return 'ok';
    } catch (error) {
      return toCountersignError(error, 'INTERNAL', '').code;
    }
  };
  const parts = {
    ledger: await ask(() => homeLedger.ledger.checkpoint()),
    keys: await ask(() => gateParts.identity.current(gateParts.clock.now())),
    instance: await ask(() => gateParts.assertAlive()),
  };
  return { ready: Object.values(parts).every((state) => state === 'ok'), parts };
}
