import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changeRecorder } from '../../../src/runtime/changes.ts';
import { readConfig } from '../../../src/runtime/config/read.ts';
import { createCallDesks } from '../../../src/runtime/serve/call-desks.ts';
import { declareActions } from '../../../src/runtime/serve/declared-actions.ts';
import { createGatewayApp, type GatewayApp } from '../../../src/runtime/serve/gateway-app.ts';
import { createMetrics } from '../../../src/runtime/serve/metrics.ts';
import { repository } from '../../architecture/source.ts';
import { harness } from '../../gate/harness.ts';
import { bundleWorker } from '../../worker/support/bundle.ts';

interface Made extends AsyncDisposable {
  readonly app: GatewayApp;
  readonly ask: (path: string, how?: { readonly key?: boolean }) => Promise<Response>;
}

/** As on Node with `metrics`, as on a Worker without. */
async function made(
  runtime: 'metrics' | 'no metrics',
  text = 'version: 1\n',
  brokenTrustRoot = false,
): Promise<Made & { readonly told: readonly string[] }> {
  const { parts, apiKey } = await harness();
  const config = readConfig({ name: 'countersign.yaml', text, env: {} });
  const metrics = createMetrics(
    { logSize: () => Promise.resolve(0), requestsInFlight: () => 0, openStreams: () => 0 },
    { version: '0', mode: 'same-user' },
  );
  const told: string[] = [];
  const app = createGatewayApp({
    parts,
    recordChange: changeRecorder(parts, 'same-user'),
    settings: { config, transmitters: [], declared: declareActions(config.actions), servers: new Map() },
    isOwnHost: (host) => host === 'gate.example',
    trustRoot: {
      issuers: () => () => new Uint8Array(),
      file() {
        if (brokenTrustRoot) throw new Error('hush-hush');
        return new Uint8Array([1]);
      },
    },
    desks: createCallDesks(),
    version: '0',
    stderr: { write: (line) => told.push(line) },
    ...(runtime === 'metrics' && { metrics }),
  });
  return {
    app,
    told,
    ask: (path, { key = true } = {}) =>
      app.fetch(
        new Request(`http://gate.example${path}`, {
          headers: { host: 'gate.example', ...(key && { authorization: `Bearer ${apiKey}` }) },
        }),
        {},
      ),
    async [Symbol.asyncDispose]() {
      await app.endStreams(0);
      await app.endConversations();
      await app.close();
    },
  };
}

const routesOf = ({ routes }: GatewayApp): readonly string[] =>
  [...new Set(routes.map(({ method, path }) => `${method} ${path}`))].toSorted();

describe('the application of a gateway', () => {
  it('serves the same routes in every runtime, but for metrics where nobody counts', async () => {
    await using onNode = await made('metrics');
    await using onWorkers = await made('no metrics');
    expect([...routesOf(onWorkers.app), 'GET /metrics'].toSorted()).toEqual(routesOf(onNode.app));
    expect((await onWorkers.ask('/metrics')).status).toBe(404);
    expect((await onNode.ask('/metrics')).status).toBe(200);
  });

  it('shows metrics without a key where that is configured, and a path without metrics never', async () => {
    const open = 'version: 1\nmetrics: { public: true }\n';
    await using closed = await made('metrics');
    await using onNode = await made('metrics', open);
    await using onWorkers = await made('no metrics', open);
    const statuses = await Promise.all(
      [closed, onNode, onWorkers].map(async ({ ask }) => (await ask('/metrics', { key: false })).status),
    );
    expect(statuses).toEqual([401, 200, 401]);
  });

  it('counts what it answers where somebody counts', async () => {
    await using onNode = await made('metrics');
    await onNode.ask('/actions/nothing');
    const text = await (await onNode.ask('/metrics')).text();
    expect(text).toContain('countersign_http_refusals_total{code="NOT_FOUND"} 1\n');
  });

  it('tells the operator the code of what nobody expected, and nothing else of it', async () => {
    await using broken = await made('no metrics', 'version: 1\n', true);
    const answer = await broken.ask('/trust/trusted_root.json');
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining('hush')]);
    expect(broken.told).toEqual(['countersign: a request failed: INTERNAL\n']);
  });

  it('bundles for a Worker, without a module of Node', async () => {
    const entry = join(repository, 'src/runtime/serve/gateway-app.ts');
    expect(await bundleWorker({ entry })).toContain('/v1/calls');
  });
});
