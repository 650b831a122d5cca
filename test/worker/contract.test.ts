import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, describe, expect, it } from 'vitest';
import { bundleWorker } from './support/bundle.ts';

const support = join(import.meta.dirname, 'support');

const workerd = new Miniflare(
  convertV4MiniflareOptions({
    modules: [
      {
        type: 'ESModule',
        path: 'worker.js',
        contents: await bundleWorker({
          entry: join(support, 'contract-worker.ts'),
          alias: { vitest: join(support, 'inner-vitest.ts') },
          node: true,
        }),
      },
    ],
    compatibilityDate: '2026-10-01',
    compatibilityFlags: ['nodejs_compat'],
    durableObjects: { BENCH: { className: 'Bench', useSQLite: true } },
    host: '127.0.0.1',
    port: 0,
    cf: false,
  }),
);
const titles = (await (await workerd.dispatchFetch('http://bench.test/')).json()) as string[];

describe('the contract of a store, in workerd', () => {
  afterAll(() => workerd.dispose(), 60_000);

  it('has all of its chapters', () => {
    expect(titles.length).toBeGreaterThan(40);
  });

  it.each(titles)('%s', { timeout: 120_000 }, async (title) => {
    const answer = await workerd.dispatchFetch('http://bench.test/', { method: 'POST', body: title });
    expect(await answer.text()).toBe('passed');
  });
});
