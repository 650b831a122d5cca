import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { auditLog } from '../../src/evidence/audit.ts';
import type { TileSource } from '../../src/evidence/tile-source.ts';
import { readTileFiles } from '../../src/runtime/log/tile-files.ts';
import { fetchTiles } from '../../src/runtime/log/tile-http.ts';
import type { Expectation } from '../../src/verify/calls.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { repository } from '../architecture/source.ts';
import { bundleExample, makeWorld, readTrust, refund, startWorker } from './support/world.ts';
import type { Asked, RunningWorker, World } from './support/world.ts';

const packageJson = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  readonly version: string;
};

let world: World;
let worker: RunningWorker;
const asked: Asked[] = [];

beforeAll(async () => {
  world = await makeWorld();
  worker = await startWorker({
    script: await bundleExample(),
    bindings: { ...world.secrets, SHOP_TOKEN: 'sesame' },
    service(request) {
      asked.push(request);
      return Response.json({ paid: true });
    },
  });
}, 120_000);
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  world[Symbol.dispose]();
}, 60_000);

async function verified(text: string, expectation: Expectation): Promise<readonly string[]> {
  const inputs = [{ name: 'answer', bytes: utf8(text) }];
  const report = await verifyInputs(inputs, await loadTrust(readTrust(world)), { expect: expectation });
  const failures = [...report.failures, ...report.calls.flatMap((call) => call.failures)];
  return failures.length > 0
    ? failures.map(({ code }) => code)
    : report.calls.flatMap(({ envelopes }) => envelopes.map(({ kind }) => kind));
}

/** The bucket’s files in a folder, as an operator downloads them. */
async function download(): Promise<string> {
  const folder = join(world.work, 'bucket');
  const bucket = await worker.workerd.getR2Bucket('TILES');
  for (const key of await worker.tiles()) {
    const found = await bucket.get(key);
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    writeFileSync(join(folder, key), new Uint8Array((await found?.arrayBuffer()) ?? new ArrayBuffer()));
  }
  return folder;
}

describe('examples/cloudflare-worker, in workerd', () => {
  it('carries out what policy allows, with envelopes that verify offline', async () => {
    const answer = await refund(worker, world.apiKey, 12.5);
    const text = await answer.text();
    expect([answer.status, JSON.parse(text).result]).toEqual([200, { paid: true }]);
    expect(asked).toMatchObject([
      { url: 'https://shop.example.com/refunds', text: '{"order":"A-1001","amount":12.5}' },
    ]);
    expect(await verified(text, 'executed')).toEqual(['allow', 'outcome']);
    expect(text).not.toContain('sesame');
  });

  it('denies what policy does not allow, and the service hears nothing', async () => {
    const before = asked.length;
    const answer = await refund(worker, world.apiKey, 250);
    expect(answer.status).toBe(403);
    expect(await verified(await answer.text(), 'deny')).toEqual(['deny']);
    expect(asked.length).toBe(before);
  });

  it('denies what does not fit the declaration', async () => {
    const answer = await refund(worker, world.apiKey, -1);
    expect(answer.status).toBe(400);
    expect(await verified(await answer.text(), 'deny')).toEqual(['deny']);
  });

  it('answers nobody without a key', async () => {
    const key = `${world.apiKey.slice(0, -1)}${world.apiKey.endsWith('0') ? '1' : '0'}`;
    expect((await refund(worker, key, 5)).status).toBe(401);
    expect((await worker.ask('/v1/envelopes/01a201c6-dbe2-706b-8a98-4243997b95a1')).status).toBe(401);
  });

  it('says that it is isolated', async () => {
    const text = await (await refund(worker, world.apiKey, 5)).text();
    const payload = JSON.parse(text)._meta['dev.countersign/envelope'].verdict.dsseEnvelope.payload;
    expect(JSON.parse(Buffer.from(payload, 'base64').toString()).predicate.mode).toBe('isolated');
  });

  it('gives a caller its envelopes again, and hands out the trust root of the home', async () => {
    const { callId } = JSON.parse(await (await refund(worker, world.apiKey, 5)).text());
    const answer = await worker.ask(`/v1/envelopes/${callId}`, {
      headers: { authorization: `Bearer ${world.apiKey}` },
    });
    expect(await verified(await answer.text(), 'executed')).toEqual(['allow', 'outcome']);
    const trust = await worker.ask('/trust/trusted_root.json');
    expect(utf8(await trust.text())).toEqual(readTrust(world));
  });

  it('describes its routes, and knows no MCP server that is not configured', async () => {
    const headers = { authorization: `Bearer ${world.apiKey}` };
    const described = (await (await worker.ask('/openapi.json', { headers })).json()) as {
      readonly info: { readonly version: string };
      readonly paths: object;
    };
    expect(described.info.version).toBe(packageJson.version);
    expect(Object.keys(described.paths)).toEqual(
      expect.arrayContaining(['/actions/{name}', '/v1/calls', '/mcp/{name}', '/log/checkpoint']),
    );
    expect((await worker.ask('/mcp/files', { method: 'POST', headers })).status).toBe(404);
  });

  it('has a log that audits clean: by its bucket whole, and by its routes but for the statements', async () => {
    const size = async (): Promise<number> =>
      Number((await (await worker.ask('/log/checkpoint')).text()).split('\n')[1]);
    const newest = JSON.parse(await (await refund(worker, world.apiKey, 5)).text());
    const { treeSize } = newest._meta['dev.countersign/envelope'].outcome.verificationMaterial.tlogEntries[0]
      .inclusionProof as { treeSize: string };
    await expect.poll(size, { timeout: 20_000 }).toBe(Number(treeSize));

    const audited = async (source: TileSource) =>
      auditLog(source, { trust: await loadTrust(readTrust(world)), trustSource: 'given' });
    const whole = await audited(readTileFiles(await download()));
    expect([whole.ok, whole.faults.listed]).toEqual([true, []]);
    const published = await audited(fetchTiles(new URL('/log/', worker.url).href));
    expect(published.log).toEqual(whole.log);
    expect(published.faults.counts).toEqual({ FILE_MISSING: 1 });
  });
});
