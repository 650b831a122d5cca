import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPostgresLedger } from '../../src/ledger/store-postgres-schema.ts';
import { parsePostgresUrl } from '../../src/ledger/store-postgres-url.ts';
import { openPostgresStore } from '../../src/ledger/store-postgres.ts';
import type { PostgresAddress } from '../../src/ledger/store-postgres-url.ts';
import { setUpBench, tearDownBench } from '../contract/ledger-bench.ts';
import type { LedgerBench } from '../contract/ledger-bench.ts';
import { cuttingProxy } from '../support/cutting-proxy.ts';
import type { CuttingProxy, Direction } from '../support/cutting-proxy.ts';
import { startPostgres } from '../support/postgres.ts';
import { allowOf, draftOf, randomCallId } from './drafts.ts';
import { expectProofOf } from './proofs.ts';
import { refusalOf, settled } from './settled.ts';

const postgres = await startPostgres();

if (typeof postgres === 'string') {
  describe.skip(postgres, () => it('a connection to PostgreSQL that is lost'));
} else {
  afterAll(() => postgres[Symbol.asyncDispose]());

  describe('a connection to PostgreSQL that is lost', () => {
    let proxy: CuttingProxy;
    let bench: LedgerBench;
    let direct: PostgresAddress;
    beforeEach(async () => {
      proxy = await cuttingProxy(postgres.port);
      const schema = `lost_${proxy.port}`;
      direct = parsePostgresUrl(postgres.url({ schema }));
      const address = parsePostgresUrl(postgres.url({ schema, port: proxy.port }));
      bench = await setUpBench(async ({ identity }) => {
        await createPostgresLedger(direct, identity);
        return { open: () => openPostgresStore({ address, identity }), remove: () => undefined };
      });
    });
    afterEach(async () => {
      await tearDownBench(bench);
      await proxy[Symbol.asyncDispose]();
    });

    /** Cuts at every place of one direction, spread over the bytes of a commit, the ends included. */
    const cutsOf = (bytes: number, count: number): number[] =>
      Array.from({ length: count + 1 }, (_, i) => Math.round((bytes * i) / count) - (i === count ? 1 : 0));

    it.each<Direction>(['to the server', 'to the client'])(
      'anywhere in a commit, %s, releases exactly what is durable, and the log goes on',
      async (direction) => {
        const ledger = await bench.open();
        await ledger.append(allowOf(randomCallId()));
        proxy.count();
        await ledger.append(allowOf(randomCallId()));
        const bytes = proxy.count()[direction];
        expect(bytes).toBeGreaterThan(100);
        const outcomes = new Set<string>();
        let size = 2;
        for (const cut of cutsOf(bytes, 24)) {
          proxy.cutAfter(direction, cut);
          const draft = allowOf(randomCallId());
          const [result] = await settled([ledger.append(draft)]);
          expect(proxy.wasCut()).toBe(true);
          const durable = (await ledger.entriesOfCall(draft.callId ?? '')).length === 1;
          expect(typeof result === 'string' ? result : 'released').toBe(
            durable ? 'released' : 'LEDGER_UNAVAILABLE',
          );
          if (typeof result !== 'string' && result !== undefined) expectProofOf(result, draft, bench.log);
          if (durable) size++;
          outcomes.add(`${durable}`);
          const next = draftOf();
          const proof = await ledger.append(next);
          expect(proof.logIndex).toBe(size++);
          expectProofOf(proof, next, bench.log);
        }
        // Before the plan has run a new connection takes over; after COMMIT was sent the log is asked.
        if (direction === 'to the client') expect(outcomes).toEqual(new Set(['true']));
        else expect(outcomes).toEqual(new Set(['true', 'false']));
        await ledger.prove(0);
      },
    );

    it('while nothing is under way costs nobody a call', async () => {
      const ledger = await bench.open();
      await ledger.append(draftOf());
      for (let i = 0; i < 3; i++) {
        proxy.refuse(true);
        proxy.refuse(false);
        expect((await ledger.append(draftOf())).treeSize).toBe(i + 2);
        expect((await ledger.entries(0, 10)).length).toBe(i + 2);
      }
    });

    it('is made again once, however many reads find it broken', async () => {
      const ledger = await bench.open();
      await ledger.append(draftOf());
      proxy.refuse(true);
      proxy.refuse(false);
      await Promise.all(Array.from({ length: 20 }, () => ledger.entries(0, 1)));
      await ledger.append(draftOf());
      const open = `SELECT 1 FROM pg_stat_activity WHERE application_name = 'countersign'`;
      await expect.poll(async () => (await postgres.run(open)).length).toBe(2);
    });

    it('and cannot be made again refuses calls until it can', async () => {
      const ledger = await bench.open();
      await ledger.append(draftOf());
      proxy.refuse(true);
      expect(await refusalOf(ledger.append(draftOf()))).toBe('LEDGER_UNAVAILABLE');
      expect(await refusalOf(ledger.heads(['a']))).toBe('LEDGER_UNAVAILABLE');
      proxy.refuse(false);
      expect((await ledger.append(draftOf())).logIndex).toBe(1);
    });

    it('by a server that ends or kills the session is made again', async () => {
      const ledger = await bench.open();
      await ledger.append(draftOf());
      for (let i = 0; i < 3; i++) {
        await postgres.run(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'countersign'`,
        );
        expect((await ledger.append(draftOf())).logIndex).toBe(i + 1);
      }
    });

    it('by a server that restarts is made again, and nothing is lost', async () => {
      const ledger = await bench.open();
      const drafts = [draftOf(), draftOf(), draftOf()];
      await Promise.all(drafts.map((draft) => ledger.append(draft)));
      await postgres.stop();
      expect(await refusalOf(ledger.append(draftOf()))).toBe('LEDGER_UNAVAILABLE');
      await postgres.start();
      const last = draftOf();
      expectProofOf(await ledger.append(last), last, bench.log);
      await bench.expectWhole(
        ledger,
        [...drafts, last].map(({ signed }) => signed.leaf),
      );
    });
  });
}
