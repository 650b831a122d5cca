import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { bundleExample, makeWorld, readTrust, refund, startWorker } from './support/world.ts';
import type { RunningWorker, Service, World } from './support/world.ts';

let script: string;
beforeAll(async () => {
  script = await bundleExample(join(import.meta.dirname, 'support/test-worker.ts'));
}, 120_000);

let world: World;
let workers: RunningWorker[];
beforeEach(async () => {
  world = await makeWorld();
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) await worker[Symbol.asyncDispose]();
  world[Symbol.dispose]();
}, 60_000);

async function start(
  options: { service?: Service; persist?: string; bindings?: Record<string, string> } = {},
): Promise<RunningWorker> {
  const { bindings, ...rest } = options;
  const worker = await startWorker({
    script,
    bindings: { ...world.secrets, SHOP_TOKEN: 'sesame', ...bindings },
    ...rest,
  });
  workers.push(worker);
  return worker;
}

async function stop(worker: RunningWorker): Promise<void> {
  workers = workers.filter((other) => other !== worker);
  await worker[Symbol.asyncDispose]();
}

const alarm = async ({ ask }: RunningWorker): Promise<readonly string[]> =>
  (await (await ask('/test/alarm', { method: 'POST' })).json()) as string[];
const breakPuts = ({ ask }: RunningWorker, ...faults: string[]): Promise<Response> =>
  ask('/test/fault', { method: 'POST', body: JSON.stringify(faults) });
const publishedSize = async ({ ask }: RunningWorker): Promise<number> =>
  Number((await (await ask('/log/checkpoint')).text()).split('\n')[1]);

interface Predicate {
  readonly session: { readonly id: string; readonly seq: number };
  readonly outcome?: string;
}
function predicateOf(bundle: { readonly dsseEnvelope: { readonly payload: string } }): Predicate {
  const statement = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()) as {
    predicate: Predicate;
  };
  return statement.predicate;
}

describe('calls at the same time', () => {
  it('never fork the log, and number their session without a gap', { timeout: 120_000 }, async () => {
    const worker = await start();
    const answers = await Promise.all(Array.from({ length: 100 }, () => refund(worker, world.apiKey, 5)));
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    const report = await verifyInputs(
      texts.map((text, i) => ({ name: String(i), bytes: utf8(text) })),
      await loadTrust(readTrust(world)),
      { expect: 'executed' },
    );
    expect(report.failures).toEqual([]);
    expect(report.calls.flatMap(({ failures }) => failures)).toEqual([]);
    const envelopes = texts.flatMap((text) => {
      const meta = JSON.parse(text)._meta['dev.countersign/envelope'];
      return [meta.verdict, meta.outcome];
    });
    const numbers = envelopes.map((bundle) => predicateOf(bundle).session.seq).toSorted((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i));
    expect(new Set(envelopes.map((bundle) => predicateOf(bundle).session.id)).size).toBe(1);
  });
});

describe('an object that ends between verdict and outcome', () => {
  it.each(['by itself', 'with its process'])('%s: the next one settles the call as unknown', async (how) => {
    const sent = Promise.withResolvers<string>();
    const persist = join(world.work, 'state');
    const service: Service = ({ callId }) => {
      sent.resolve(callId);
      return new Promise<Response>(() => undefined);
    };
    const first = await start({ persist, service });
    const cut = refund(first, world.apiKey, 5).then(
      ({ status }) => status,
      () => 'cut off',
    );
    const callId = await sent.promise;
    let next = first;
    if (how === 'by itself') await first.ask('/test/abort', { method: 'POST' });
    else {
      await stop(first);
      next = await start({ persist });
    }
    expect([500, 'cut off']).toContain(await cut);
    const answer = await next.ask(`/v1/envelopes/${callId}`, {
      headers: { authorization: `Bearer ${world.apiKey}` },
    });
    const { verdict, outcome } = JSON.parse(await answer.text());
    expect(predicateOf(outcome).outcome).toBe('unknown');
    expect(predicateOf(outcome).session).toMatchObject({ id: predicateOf(verdict).session.id });
    expect((await refund(next, world.apiKey, 200)).status).toBe(403);
  });

  it('keeps what it answered: the next one has it', async () => {
    const persist = join(world.work, 'state');
    const first = await start({ persist });
    const text = await (await refund(first, world.apiKey, 5)).text();
    await stop(first);
    const next = await start({ persist });
    const again = await next.ask(`/v1/envelopes/${JSON.parse(text).callId}`, {
      headers: { authorization: `Bearer ${world.apiKey}` },
    });
    expect(predicateOf(JSON.parse(await again.text()).outcome).outcome).toBe('executed');
  });
});

describe('one log', () => {
  it('is kept by one object: another one opens nothing', async () => {
    const worker = await start();
    expect((await worker.ask('/readyz', { headers: { 'test-object': 'other' } })).status).toBe(503);
    expect((await worker.ask('/readyz')).status).toBe(200);
    expect((await worker.ask('/readyz', { headers: { 'test-object': 'other' } })).status).toBe(503);
  });

  it('is not begun again where the bucket shows that it was begun', async () => {
    const persist = join(world.work, 'state');
    const first = await start({ persist });
    expect((await refund(first, world.apiKey, 5)).status).toBe(200);
    await stop(first);
    rmSync(join(persist, 'do'), { recursive: true });
    const second = await start({ persist });
    expect((await second.ask('/readyz')).status).toBe(503);
    expect((await alarm(second)).join()).toContain('LEDGER_MISSING');
  });

  it('does not go on from before what the bucket shows: a point-in-time recovery', async () => {
    const persist = join(world.work, 'state');
    const first = await start({ persist });
    expect((await refund(first, world.apiKey, 5)).status).toBe(200);
    await stop(first);
    cpSync(join(persist, 'do'), join(world.work, 'earlier'), { recursive: true });
    const later = await start({ persist });
    expect((await refund(later, world.apiKey, 5)).status).toBe(200);
    await alarm(later);
    await stop(later);
    rmSync(join(persist, 'do'), { recursive: true });
    cpSync(join(world.work, 'earlier'), join(persist, 'do'), { recursive: true });
    const recovered = await start({ persist });
    expect((await recovered.ask('/readyz')).status).toBe(503);
    expect((await alarm(recovered)).join()).toContain('LEDGER_ROLLED_BACK');
  });

  it('is not taken for that of another home', async () => {
    const persist = join(world.work, 'state');
    const first = await start({ persist });
    expect((await first.ask('/readyz')).status).toBe(200);
    await stop(first);
    using other = await makeWorld();
    const second = await start({ persist, bindings: other.secrets });
    expect((await second.ask('/readyz')).status).toBe(503);
    expect((await alarm(second)).join()).toContain('EXPORT_FOREIGN');
  });

  it('stays closed without its secrets, and tells callers nothing of why', async () => {
    const worker = await start({ bindings: { COUNTERSIGN_KEYS: '{"log":"AAAA"}' } });
    const answer = await refund(worker, world.apiKey, 5);
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'GATE_CLOSED' } }]);
    expect((await alarm(worker)).join()).toContain('CONFIG_INVALID: The secret COUNTERSIGN_KEYS');
  });
});

describe('the public copy', () => {
  const refunds = (worker: RunningWorker, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => refund(worker, world.apiKey, 5)));

  it('has every file of its checkpoint, and is the same after each alarm', { timeout: 240_000 }, async () => {
    const worker = await start();
    await refunds(worker, 65);
    await alarm(worker);
    expect(await worker.tiles()).toContain(`tile/0/000.p/${await publishedSize(worker)}`);
    await refunds(worker, 65);
    await alarm(worker);
    const size = await publishedSize(worker);
    const rest = size - 256;
    const files = [
      ...['checkpoint', 'tile/0/000', `tile/0/001.p/${rest}`, 'tile/1/000.p/1'],
      ...['tile/entries/000', `tile/entries/001.p/${rest}`, 'tile/statements/000'],
      ...[`tile/statements/001.p/${rest}`, 'trusted_root.json'],
    ];
    expect(await worker.tiles()).toEqual(files);
    expect(await alarm(worker)).toEqual([]);
    expect([await worker.tiles(), await publishedSize(worker)]).toEqual([files, size]);
    for (const path of ['tile/0/000', `tile/0/001.p/${rest}`, 'tile/entries/000']) {
      const [fromBucket, fromObject] = await Promise.all([
        worker.ask(`/log/${path}`),
        worker.ask(`/log/${path}`, { headers: { 'test-object': 'log' } }),
      ]);
      expect(await fromBucket.bytes()).toEqual(await fromObject.bytes());
      for (const name of ['content-type', 'cache-control', 'access-control-allow-origin'])
        expect(fromBucket.headers.get(name)).toBe(fromObject.headers.get(name));
    }
  });

  it('shows statements to nobody', async () => {
    const worker = await start();
    await refunds(worker, 1);
    await alarm(worker);
    expect(await worker.tiles()).toContain('tile/statements/000.p/5');
    expect((await worker.ask('/log/tile/statements/000.p/5')).status).toBe(404);
    expect((await worker.ask('/log/trusted_root.json')).status).toBe(404);
  });

  const puts = Array.from({ length: 5 }, (_, put) => put);
  it.each(['not written', 'written, answer lost'])(
    'whose puts fail one after the other, %s, is whole in the end',
    { timeout: 120_000 },
    async (fault) => {
      const worker = await start();
      await refunds(worker, 1);
      for (const put of puts) {
        await breakPuts(worker, ...Array<string>(put).fill('none'), fault);
        const told = await alarm(worker);
        expect(told.at(-1) ?? '').toMatch(/the public copy|^$/);
        await breakPuts(worker);
        await alarm(worker);
        expect(await publishedSize(worker)).toBe(5 + 2 * put);
        await refunds(worker, 1);
      }
    },
  );

  it('follows by itself, also while calls go on', { timeout: 60_000 }, async () => {
    const worker = await start();
    await expect
      .poll(
        async () => {
          await refunds(worker, 1);
          return publishedSize(worker);
        },
        { timeout: 40_000, interval: 500 },
      )
      .toBeGreaterThan(5);
  });

  it.each([
    ['checkpoint', 'not ours'],
    ['tile/0/000.p/5', 'other hashes'],
  ])('in which somebody else wrote %s shuts the gate', async (path, content) => {
    const worker = await start();
    await refunds(worker, 1);
    const bucket = await worker.workerd.getR2Bucket('TILES');
    await bucket.put(path, content);
    expect((await alarm(worker)).join()).toMatch(/EXPORT_FOREIGN|LOG_FORKED/);
    expect((await refund(worker, world.apiKey, 5)).ok).toBe(false);
    expect((await worker.ask('/readyz')).status).toBe(503);
  });
});

describe('API keys', () => {
  const withStatus = (status: string): Record<string, string> => {
    const { peppers, keys } = JSON.parse(world.secrets['COUNTERSIGN_API_KEYS'] ?? '');
    return {
      COUNTERSIGN_API_KEYS: JSON.stringify({
        peppers,
        keys: keys.map((key: object) => ({ ...key, status })),
      }),
    };
  };

  it('that were revoked once stay revoked, also when an older secret comes back', async () => {
    const persist = join(world.work, 'state');
    const before = await start({ persist });
    expect((await refund(before, world.apiKey, 5)).status).toBe(200);
    await stop(before);
    const revoked = await start({ persist, bindings: withStatus('revoked') });
    expect((await refund(revoked, world.apiKey, 5)).status).toBe(401);
    await stop(revoked);
    const rolledBack = await start({ persist });
    expect((await refund(rolledBack, world.apiKey, 5)).status).toBe(401);
  });
});

describe('a caller that goes away', () => {
  it('does not take the outcome along', async () => {
    const sent = Promise.withResolvers<string>();
    const go = Promise.withResolvers<Response>();
    const worker = await start({
      service: ({ callId }) => {
        sent.resolve(callId);
        return go.promise;
      },
    });
    const leaving = new AbortController();
    const left = worker
      .ask('/actions/refund-order', {
        method: 'POST',
        headers: { authorization: `Bearer ${world.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ order: 'A-1001', amount: 5 }),
        signal: leaving.signal,
      })
      .catch(() => 'left');
    const callId = await sent.promise;
    leaving.abort();
    expect(await left).toBe('left');
    go.resolve(Response.json({ paid: true }));
    const outcome = async (): Promise<string | undefined> => {
      const answer = await worker.ask(`/v1/envelopes/${callId}`, {
        headers: { authorization: `Bearer ${world.apiKey}` },
      });
      const found = JSON.parse(await answer.text()).outcome;
      return found === null ? undefined : predicateOf(found).outcome;
    };
    await expect.poll(outcome, { timeout: 20_000 }).toMatch(/executed|unknown/);
  });
});
