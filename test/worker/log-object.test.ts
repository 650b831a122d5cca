import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/sha256.ts';
import { loadTrust } from '../../src/verify/trust.ts';
import { verifyInputs } from '../../src/verify/verify.ts';
import { bundleExample, makeWorld, readTrust, refund, startWorker } from './support/world.ts';
import type { RunningWorker, Service, World } from './support/world.ts';

/** A log with an object and a bucket of its own, in the process that most tests share: to start one takes a second of work. */
interface OwnLog {
  readonly ask: RunningWorker['ask'];
  /** The name of its object. */
  readonly name: string;
}

let script: string;
let world: World;
let shared: RunningWorker;
beforeAll(async () => {
  script = await bundleExample(join(import.meta.dirname, 'support/test-worker.ts'));
  world = await makeWorld();
  shared = await startWorker({ script, bindings: bindings(), service: (asked) => service(asked) });
}, 120_000);
afterAll(async () => {
  await shared[Symbol.asyncDispose]();
  world[Symbol.dispose]();
}, 60_000);

const bindings = (): Record<string, string> => ({ ...world.secrets, SHOP_TOKEN: 'sesame' });
const paid: Service = () => Response.json({ paid: true });

/** What answers the running test's calls. */
let service: Service;
let workers: RunningWorker[];
beforeEach(() => {
  service = paid;
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) await worker[Symbol.asyncDispose]();
}, 60_000);

let logs = 0;
function begin(): OwnLog {
  const name = `log-${++logs}`;
  return {
    name,
    ask: (path, { headers, ...init } = {}) =>
      shared.ask(path, { ...init, headers: { 'test-log': name, ...headers } }),
  };
}

/** Ends its object: the next one has what is stored, and these secrets. */
async function beginAgain({ ask }: OwnLog, secrets: Record<string, string> = {}): Promise<void> {
  await ask('/test/abort', { method: 'POST' });
  await ask('/test/begin', { method: 'POST', body: JSON.stringify(secrets) });
}

/** A process of its own, with the one log that it has. */
async function start(persist: string): Promise<RunningWorker> {
  const worker = await startWorker({
    script,
    bindings: bindings(),
    service: (asked) => service(asked),
    persist,
  });
  workers.push(worker);
  return worker;
}

async function stop(worker: RunningWorker): Promise<void> {
  workers = workers.filter((other) => other !== worker);
  await worker[Symbol.asyncDispose]();
}

type Asked = Pick<OwnLog, 'ask'>;
const alarm = async ({ ask }: Asked): Promise<readonly string[]> =>
  (await (await ask('/test/alarm', { method: 'POST' })).json()) as string[];
const breakPuts = ({ ask }: Asked, ...faults: string[]): Promise<Response> =>
  ask('/test/fault', { method: 'POST', body: JSON.stringify(faults) });
const publishedSize = async ({ ask }: Asked): Promise<number> =>
  Number((await (await ask('/log/checkpoint')).text()).split('\n')[1]);
/** The keys in the bucket. */
const tiles = async ({ ask }: Asked): Promise<readonly string[]> =>
  ((await (await ask('/test/tiles')).json()) as string[]).toSorted();

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
    const log = begin();
    const answers = await Promise.all(Array.from({ length: 40 }, () => refund(log, world.apiKey, 5)));
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
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
    service = ({ callId }) => {
      sent.resolve(callId);
      return new Promise<Response>(() => undefined);
    };
    const persist = mkdtempSync(join(world.work, 'state-'));
    const first: Asked = how === 'by itself' ? begin() : await start(persist);
    const cut = refund(first, world.apiKey, 5).then(
      ({ status }) => status,
      () => 'cut off',
    );
    const callId = await sent.promise;
    let next = first;
    if (how === 'by itself') await first.ask('/test/abort', { method: 'POST' });
    else {
      for (const worker of workers) await stop(worker);
      next = await start(persist);
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
    const log = begin();
    const text = await (await refund(log, world.apiKey, 5)).text();
    await beginAgain(log);
    const again = await log.ask(`/v1/envelopes/${JSON.parse(text).callId}`, {
      headers: { authorization: `Bearer ${world.apiKey}` },
    });
    expect(predicateOf(JSON.parse(await again.text()).outcome).outcome).toBe('executed');
  });
});

describe('one log', () => {
  it('is kept by one object: another one opens nothing', async () => {
    const other = { headers: { 'test-object': 'other' } };
    expect((await shared.ask('/readyz', other)).status).toBe(503);
    expect((await shared.ask('/readyz')).status).toBe(200);
    expect((await shared.ask('/readyz', other)).status).toBe(503);
  });

  it('is not begun again where the bucket shows that it was begun', async () => {
    const log = begin();
    expect((await refund(log, world.apiKey, 5)).status).toBe(200);
    await log.ask('/test/lose', { method: 'POST' });
    await beginAgain(log);
    expect((await log.ask('/readyz')).status).toBe(503);
    expect((await alarm(log)).join()).toContain('LEDGER_MISSING');
  });

  it('does not go on from before what the bucket shows: a point-in-time recovery', async () => {
    const persist = mkdtempSync(join(world.work, 'state-'));
    const first = await start(persist);
    expect((await refund(first, world.apiKey, 5)).status).toBe(200);
    await stop(first);
    const earlier = `${persist}-earlier`;
    cpSync(join(persist, 'do'), earlier, { recursive: true });
    const later = await start(persist);
    expect((await refund(later, world.apiKey, 5)).status).toBe(200);
    await alarm(later);
    await stop(later);
    rmSync(join(persist, 'do'), { recursive: true });
    cpSync(earlier, join(persist, 'do'), { recursive: true });
    const recovered = await start(persist);
    expect((await recovered.ask('/readyz')).status).toBe(503);
    expect((await alarm(recovered)).join()).toContain('LEDGER_ROLLED_BACK');
  });

  it('is not taken for that of another home', async () => {
    const log = begin();
    expect((await log.ask('/readyz')).status).toBe(200);
    using other = await makeWorld();
    await beginAgain(log, other.secrets);
    expect((await log.ask('/readyz')).status).toBe(503);
    expect((await alarm(log)).join()).toContain('EXPORT_FOREIGN');
  });

  it('stays closed without its secrets, and tells callers nothing of why', async () => {
    const log = begin();
    await beginAgain(log, { COUNTERSIGN_KEYS: '{"log":"AAAA"}' });
    const answer = await refund(log, world.apiKey, 5);
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'GATE_CLOSED' } }]);
    expect((await alarm(log)).join()).toContain('CONFIG_INVALID: The secret COUNTERSIGN_KEYS');
  });
});

describe('the public copy', () => {
  const refunds = (log: Asked, count: number): Promise<unknown> =>
    Promise.all(Array.from({ length: count }, () => refund(log, world.apiKey, 5)));

  it('has every file of its checkpoint, and is the same after each alarm', { timeout: 240_000 }, async () => {
    const log = begin();
    await refunds(log, 65);
    await alarm(log);
    expect(await tiles(log)).toContain(`tile/0/000.p/${await publishedSize(log)}`);
    await refunds(log, 65);
    await alarm(log);
    const size = await publishedSize(log);
    const rest = size - 256;
    const files = [
      ...['checkpoint', 'tile/0/000', `tile/0/001.p/${rest}`, 'tile/1/000.p/1'],
      ...['tile/entries/000', `tile/entries/001.p/${rest}`, 'tile/statements/000'],
      ...[`tile/statements/001.p/${rest}`, 'trusted_root.json'],
    ];
    expect(await tiles(log)).toEqual(files);
    expect(await alarm(log)).toEqual([]);
    expect([await tiles(log), await publishedSize(log)]).toEqual([files, size]);
    for (const path of ['tile/0/000', `tile/0/001.p/${rest}`, 'tile/entries/000']) {
      const [fromBucket, fromObject] = await Promise.all([
        log.ask(`/log/${path}`),
        log.ask(`/log/${path}`, { headers: { 'test-object': log.name } }),
      ]);
      expect(await fromBucket.bytes()).toEqual(await fromObject.bytes());
      for (const name of ['content-type', 'cache-control', 'access-control-allow-origin'])
        expect(fromBucket.headers.get(name)).toBe(fromObject.headers.get(name));
    }
  });

  it('shows statements to nobody', async () => {
    const log = begin();
    await refunds(log, 1);
    await alarm(log);
    expect(await tiles(log)).toContain('tile/statements/000.p/5');
    expect((await log.ask('/log/tile/statements/000.p/5')).status).toBe(404);
    expect((await log.ask('/log/trusted_root.json')).status).toBe(404);
  });

  const puts = Array.from({ length: 5 }, (_, put) => put);
  it.each(['not written', 'written, answer lost'])(
    'whose puts fail one after the other, %s, is whole in the end',
    { timeout: 120_000 },
    async (fault) => {
      const log = begin();
      await refunds(log, 1);
      for (const put of puts) {
        await breakPuts(log, ...Array<string>(put).fill('none'), fault);
        const told = await alarm(log);
        expect(told.at(-1) ?? '').toMatch(/the public copy|^$/);
        await breakPuts(log);
        await alarm(log);
        expect(await publishedSize(log)).toBe(5 + 2 * put);
        await refunds(log, 1);
      }
    },
  );

  it('follows by itself, also while calls go on', { timeout: 60_000 }, async () => {
    const log = begin();
    await expect
      .poll(
        async () => {
          await refunds(log, 1);
          return publishedSize(log);
        },
        { timeout: 40_000, interval: 500 },
      )
      .toBeGreaterThan(5);
  });

  it.each([
    ['checkpoint', 'not ours'],
    ['tile/0/000.p/5', 'other hashes'],
  ])('in which somebody else wrote %s shuts the gate', async (path, content) => {
    const log = begin();
    await refunds(log, 1);
    await log.ask('/test/put', { method: 'POST', headers: { 'test-key': path }, body: content });
    expect((await alarm(log)).join()).toMatch(/EXPORT_FOREIGN|LOG_FORKED/);
    expect((await refund(log, world.apiKey, 5)).ok).toBe(false);
    expect((await log.ask('/readyz')).status).toBe(503);
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
    const log = begin();
    expect((await refund(log, world.apiKey, 5)).status).toBe(200);
    await beginAgain(log, withStatus('revoked'));
    expect((await refund(log, world.apiKey, 5)).status).toBe(401);
    await beginAgain(log);
    expect((await refund(log, world.apiKey, 5)).status).toBe(401);
  });
});

describe('a caller that goes away', () => {
  it('does not take the outcome along', async () => {
    const sent = Promise.withResolvers<string>();
    const go = Promise.withResolvers<Response>();
    const log = begin();
    service = ({ callId }) => {
      sent.resolve(callId);
      return go.promise;
    };
    const leaving = new AbortController();
    const left = log
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
      const answer = await log.ask(`/v1/envelopes/${callId}`, {
        headers: { authorization: `Bearer ${world.apiKey}` },
      });
      const found = JSON.parse(await answer.text()).outcome;
      return found === null ? undefined : predicateOf(found).outcome;
    };
    await expect.poll(outcome, { timeout: 20_000 }).toMatch(/executed|unknown/);
  });
});
