import { describe, expect, it } from 'vitest';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import type { LedgerOptions } from '../../src/ledger/create-ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import type { ReleasedCheckpoint } from '../../src/ledger/released-checkpoint.ts';
import type { LogStore } from '../../src/ledger/store.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import { faults } from '../ledger/faulty-store.ts';
import { testLog } from '../ledger/log-key.ts';
import { allowOf, draftOf, outcomeOf, randomCallId } from '../ledger/drafts.ts';
import { expectProofOf } from '../ledger/proofs.ts';
import { refusalOf, settled } from '../ledger/settled.ts';
import type { LedgerBench } from './ledger-bench.ts';

/** Other writers, commits that break, logs that went back. */
export function describeFailures(bench: () => LedgerBench): void {
  describe('two writers', () => {
    it('never fork, and lose no entry', async () => {
      const [a, b] = [await bench().open(), await bench().open()];
      const drafts = Array.from({ length: 120 }, () => draftOf());
      const proofs = [];
      for (let i = 0; i < drafts.length; i += 6) {
        const some = drafts.slice(i, i + 6);
        proofs.push(...(await Promise.all(some.map((draft, j) => (j % 2 === 0 ? a : b).append(draft)))));
      }
      const byIndex = new Map(
        proofs.map((proof, i) => [proof.logIndex, drafts[i]?.signed.leaf ?? new Uint8Array()]),
      );
      expect(byIndex.size).toBe(drafts.length);
      const leaves = drafts.map((_, i) => byIndex.get(i) ?? new Uint8Array());
      proofs.forEach((proof, i) => expectProofOf(proof, drafts[i] ?? draftOf(), bench().log));
      await bench().expectWhole(a, leaves);
      await bench().expectWhole(b, leaves);
      // Every checkpoint that was released heads a prefix of this one history.
      for (const { treeSize, rootHash } of proofs)
        expect(rootOf(appendLeaves(emptyEdge, leaves.slice(0, treeSize).map(leafHash)).edge)).toEqual(
          rootHash,
        );
    });

    it('see each other’s heads, permits and verdicts', async () => {
      const [a, b] = [await bench().open(), await bench().open()];
      const callId = randomCallId();
      await a.append(allowOf(callId, { sets: [{ key: 'k', value: '1' }] }));
      expect(await refusalOf(b.append(draftOf({ expects: [{ key: 'k', value: null }] })))).toBe(
        'LEDGER_CONFLICT',
      );
      expect(await refusalOf(b.append(allowOf(callId)))).toBe('PERMIT_INVALID');
      await b.append(outcomeOf(callId));
      expect(await refusalOf(a.append(outcomeOf(callId)))).toBe('PERMIT_INVALID');
    });
  });

  describe('a commit that breaks', () => {
    it.each(faults)(
      '%s: nothing is released that is not durable, and the bench().log goes on whole',
      async (fault) => {
        const { store, ledger } = await bench().openFaulty();
        const first = draftOf();
        await ledger.append(first);
        const broken = [allowOf(randomCallId(), { sets: [{ key: 'k', value: '1' }] }), draftOf()];
        store.breakNext(fault);
        const results = await settled(broken.map((draft) => ledger.append(draft)));
        const persisted = fault.endsWith(', persisted');
        const released = fault === 'at commit, outcome unknown, persisted';
        results.forEach((result, i) => {
          if (typeof result === 'string') expect(result).toBe('LEDGER_UNAVAILABLE');
          else expectProofOf(result, broken[i] ?? draftOf(), bench().log);
        });
        expect(results.map((result) => typeof result !== 'string')).toEqual([released, released]);

        const last = draftOf({ expects: [{ key: 'k', value: persisted ? '1' : null }] });
        expectProofOf(await ledger.append(last), last, bench().log);
        const leaves = [first, ...(persisted ? broken : []), last].map(({ signed }) => signed.leaf);
        await bench().expectWhole(ledger, leaves);
        expect((await ledger.openPermits()).length).toBe(persisted ? 1 : 0);
        await bench().expectWhole(await bench().open(), leaves);
      },
    );

    it('and cannot be looked up either rejects its drafts, and the next commit finds out', async () => {
      const { store, ledger } = await bench().openFaulty();
      const lost = draftOf();
      const commit = store.commit.bind(store);
      store.breakNext('at commit, outcome unknown, persisted');
      let calls = 0;
      store.commit = async (reads, plan) => {
        calls++;
        if (calls === 2) store.breakNext('before the lock', 'LEDGER_LOCKED');
        return commit(reads, plan);
      };
      expect(await refusalOf(ledger.append(lost))).toBe('LEDGER_LOCKED');
      const next = draftOf();
      expect((await ledger.append(next)).logIndex).toBe(1);
      await bench().expectWhole(ledger, [lost.signed.leaf, next.signed.leaf]);
    });

    it('passes its code to every draft of its batch and to no later one', async () => {
      const { store, ledger } = await bench().openFaulty();
      for (const code of ['LEDGER_LOCKED', 'LEDGER_READ_ONLY', 'LEDGER_FULL'] as const) {
        store.breakNext('before the lock', code);
        expect(await settled([ledger.append(draftOf()), ledger.append(draftOf())])).toEqual([code, code]);
      }
      expect((await ledger.append(draftOf())).logIndex).toBe(0);
    });
  });

  describe('a rolled-back log', () => {
    it('is refused at the start when it is shorter than, or other than, what was released', async () => {
      const ledger = await bench().open();
      const { treeSize: size, rootHash: root } = await ledger.append(draftOf());
      const { origin, signer } = bench().log;
      const start = async (released: readonly { size: number; root: Uint8Array }[]): Promise<string> =>
        refusalOf(
          createLedger({
            store: await bench().stored.open(),
            origin,
            signer,
            released: { load: async () => released, store: () => undefined },
          }).then((opening) => opening.close()),
        );
      expect(await start([{ size: size + 1, root }])).toBe('LEDGER_ROLLED_BACK');
      expect(await start([{ size, root: new Uint8Array(32) }])).toBe('LEDGER_ROLLED_BACK');
      await ledger.append(draftOf());
      expect(await start([{ size, root: new Uint8Array(32) }])).toBe('LEDGER_ROLLED_BACK');
      expect(
        await start([
          { size, root },
          { size: 0, root: new Uint8Array(32) },
        ]),
      ).toBe('resolved');
      expect(
        await start([
          { size, root },
          { size: 3, root },
        ]),
      ).toBe('LEDGER_ROLLED_BACK');
    });

    it('is not what a ledger looks like that others append to while it is opened', async () => {
      const busy = await bench().open();
      await busy.append(draftOf());
      const { origin, signer } = bench().log;
      const store = await bench().stored.open();
      let newest: ReleasedCheckpoint = { size: 0, root: new Uint8Array(32) };
      const head = async () => {
        const found = await store.head();
        const { treeSize: size, rootHash: root } = await busy.append(draftOf());
        newest = { size, root };
        return found;
      };
      const released = { load: async () => [newest], store: () => undefined };
      bench().opened.push(await createLedger({ store: { ...store, head }, origin, signer, released }));
      expect(newest.size).toBe(2);
    });

    it('stops a running gate for good, before anything is signed over it', async () => {
      const store = await bench().stored.open();
      let signatures = 0;
      const signer = {
        ...bench().log.signer,
        sign: (data: Uint8Array) => (signatures++, bench().log.signer.sign(data)),
      };
      let forget = false;
      const ledger = await bench().openOn(
        {
          ...store,
          commit: (reads, plan) =>
            store.commit(reads, (snapshot) =>
              plan(forget ? { ...snapshot, head: { ...snapshot.head, size: 1 }, leafHashes: [] } : snapshot),
            ),
        },
        { signer },
      );
      await ledger.append(draftOf());
      await ledger.append(draftOf());
      forget = true;
      const before = signatures;
      expect(await refusalOf(ledger.append(draftOf()))).toBe('LEDGER_ROLLED_BACK');
      forget = false;
      expect(await refusalOf(ledger.append(draftOf()))).toBe('LEDGER_ROLLED_BACK');
      expect(signatures).toBe(before);
      expect((await ledger.checkpoint())?.size).toBe(2);
    });

    it('is noticed by a tree of the same length with another entry in it', async () => {
      const store = await bench().stored.open();
      let swap = false;
      const ledger = await bench().openOn({
        ...store,
        commit: (reads, plan) =>
          store.commit(reads, (snapshot) =>
            plan(
              swap ? { ...snapshot, head: { ...snapshot.head, root: new Uint8Array(32).fill(1) } } : snapshot,
            ),
          ),
      });
      await ledger.append(draftOf());
      swap = true;
      expect(await refusalOf(ledger.append(draftOf()))).toBe('LEDGER_ROLLED_BACK');
    });
  });

  it('refuses a store of another origin or key, and a head that its key did not sign', async () => {
    await (await bench().open()).append(draftOf());
    const other = testLog();
    const start = async (change: Partial<LedgerOptions>, forged: Partial<LogStore> = {}): Promise<string> => {
      const store = { ...(await bench().stored.open()), ...forged };
      const { origin, signer } = bench().log;
      return refusalOf(createLedger({ store, origin, signer, released: forgetfulCheckpoints(), ...change }));
    };
    expect(await start({ origin: 'log.test/2' })).toBe('LEDGER_CORRUPT');
    expect(await start({ signer: other.signer })).toBe('LEDGER_CORRUPT');
    expect(await start({ signer: other.signer }, { identity: other.identity })).toBe('LEDGER_CORRUPT');
    const reader = await bench().stored.open();
    expect(await start({}, { head: async () => ({ ...(await reader.head()), size: 2 }) })).toBe(
      'LEDGER_CORRUPT',
    );
    expect(await start({}, { head: async () => ({ ...(await reader.head()), checkpoint: null }) })).toBe(
      'LEDGER_CORRUPT',
    );
    await reader.close();
  });
}
