import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { createHome } from '../../src/runtime/home/create-home.ts';
import { homeAuthenticator, openGovernance, type Governance } from '../../src/runtime/home/governance.ts';
import { openHome, type Home } from '../../src/runtime/home/open-home.ts';
import { createCallDesks } from '../../src/runtime/serve/call-desks.ts';
import { createMetrics } from '../../src/runtime/serve/metrics.ts';
import { beginGeneration } from '../../src/runtime/serve/serve-generation.ts';
import { readServeSettings } from '../../src/runtime/serve/serve-settings.ts';

/** A whole gateway of this process: a home, its log, a configuration, and HTTP on loopback. */
export interface ServedConfig extends AsyncDisposable {
  readonly url: string;
  readonly apiKey: string;
  readonly home: Home;
  readonly ledger: Governance['homeLedger']['ledger'];
}

export interface ServedConfigOptions {
  /** `countersign.yaml`, for the URL that it is served at; the policy is `policy.yaml`. */
  readonly configuration: (url: string) => string;
  readonly policy: string;
  readonly env?: Readonly<Record<string, string>>;
}

const silent = { write: () => undefined };

export async function serveConfig({
  configuration,
  policy,
  env = {},
}: ServedConfigOptions): Promise<ServedConfig> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-served-'));
  let fetch: (request: Request) => Response | Promise<Response> = () => new Response(null, { status: 503 });
  const http = createAdaptorServer({ fetch: (request: Request) => fetch(request) }) as Server;
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  const root = join(folder, 'home');
  const { apiKey } = await createHome(root, undefined, () => undefined);
  const home = openHome(root, '', () => undefined);
  const governance = await openGovernance(home, homeAuthenticator(home), silent);
  const configFile = join(folder, 'countersign.yaml');
  writeFileSync(configFile, configuration(url));
  writeFileSync(join(folder, 'policy.yaml'), policy);
  const settings = readServeSettings({ configFile, homePolicy: home.layout.policy, env });
  const generation = await beginGeneration(governance, settings, {
    desks: createCallDesks(),
    stopping: Promise.resolve(),
    isOwnHost: (host) => url.endsWith(host),
    metrics: createMetrics(
      { logSize: () => Promise.resolve(0), requestsInFlight: () => 0, openStreams: () => 0 },
      { version: '0', mode: 'same-user' },
    ),
    refused: () => undefined,
    stderr: silent,
  });
  fetch = (request) => generation.fetch(request, { publicUrl: url });
  return {
    url,
    apiKey,
    home,
    ledger: governance.homeLedger.ledger,
    async [Symbol.asyncDispose]() {
      await generation.retire();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await governance.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
