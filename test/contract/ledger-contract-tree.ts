import { describe, expect, it } from 'vitest';
import { draftOf } from '../ledger/drafts.ts';
import { expectProof, expectProofOf } from '../ledger/proofs.ts';
import { refusalOf, settled } from '../ledger/settled.ts';
import type { LedgerBench } from './ledger-bench.ts';

/** The tree: sizes, proofs, batches. */
export function describeTree(bench: () => LedgerBench): void {
  describe('the tree', () => {
    it('is empty before the first entry and has no checkpoint', async () => {
      const ledger = await bench().open();
      expect(await ledger.checkpoint()).toBeNull();
      expect(await ledger.entries(0, 10)).toEqual([]);
      expect(await refusalOf(ledger.prove(0))).toBe('NOT_FOUND');
    });

    it('gives each entry a proof against a checkpoint that the bench().log signed, at every size to 260', async () => {
      const ledger = await bench().open();
      const leaves: Uint8Array[] = [];
      while (leaves.length < 260) {
        const draft = draftOf();
        const proof = await ledger.append(draft);
        expect(proof).toMatchObject({ logIndex: leaves.length, treeSize: leaves.length + 1 });
        expectProofOf(proof, draft, bench().log);
        leaves.push(draft.signed.leaf);
      }
      await bench().expectWhole(ledger, leaves);
    });

    it('proves every entry at sizes across tile boundaries, whatever the batches were', async () => {
      const ledger = await bench().open();
      const leaves: Uint8Array[] = [];
      for (const size of [1, 2, 3, 5, 64, 200, 255, 256, 257, 511, 512, 513, 700, 768, 999, 1_000]) {
        const drafts = Array.from({ length: size - leaves.length }, () => draftOf());
        const proofs = await Promise.all(drafts.map((draft) => ledger.append(draft)));
        const last = proofs.at(-1);
        if (last !== undefined) expectProofOf(last, drafts.at(-1) ?? draftOf(), bench().log);
        leaves.push(...drafts.map(({ signed }) => signed.leaf));
        for (let index = 0; index < size; index += 1 + Math.floor(size / 20))
          expectProof(await ledger.prove(index), leaves[index] ?? new Uint8Array(), bench().log);
      }
      expect((await ledger.entries(0, 5_000)).map(({ leaf }) => leaf)).toEqual(leaves);
    });

    it('goes on from where it was when it is opened again', async () => {
      const leaves: Uint8Array[] = [];
      for (const count of [1, 3, 252, 2]) {
        const ledger = await bench().openOn(await bench().stored.open());
        const drafts = Array.from({ length: count }, () => draftOf());
        await Promise.all(drafts.map((draft) => ledger.append(draft)));
        leaves.push(...drafts.map(({ signed }) => signed.leaf));
        await ledger.close();
        bench().opened.pop();
      }
      await bench().expectWhole(await bench().open(), leaves);
    });

    it('reads at most 1,000 entries at once', async () => {
      const ledger = await bench().open();
      await Promise.all(Array.from({ length: 1_001 }, () => ledger.append(draftOf())));
      expect((await ledger.entries(0, 2_000)).length).toBe(1_000);
      expect((await ledger.entries(995, 2_000)).length).toBe(6);
    });
  });

  describe('group commit', () => {
    it('gives drafts of one moment one checkpoint, in the order in which they came', async () => {
      const ledger = await bench().open();
      const drafts = Array.from({ length: 50 }, () => draftOf());
      const proofs = await Promise.all(drafts.map((draft) => ledger.append(draft)));
      expect(new Set(proofs.map(({ checkpoint }) => checkpoint)).size).toBe(1);
      expect(proofs.map(({ logIndex }) => logIndex)).toEqual(drafts.map((_, i) => i));
      proofs.forEach((proof, i) => expectProofOf(proof, drafts[i] ?? draftOf(), bench().log));
    });

    it('commits no more than its cap at once', async () => {
      const ledger = await bench().open({ maxBatch: 8 });
      const proofs = await Promise.all(Array.from({ length: 20 }, () => ledger.append(draftOf())));
      expect(proofs.map(({ treeSize }) => treeSize)).toEqual([
        ...Array(8).fill(8),
        ...Array(8).fill(16),
        ...Array(4).fill(20),
      ]);
    });

    it('refuses a draft that no store could keep before it joins a batch', async () => {
      const ledger = await bench().open();
      const row = { name: 'action', salt: new Uint8Array(16) };
      const results = await settled([
        ledger.append(draftOf()),
        ledger.append(draftOf({ time: 0.5 })),
        ledger.append(draftOf({ callId: 'a', side: [row, row] })),
        ledger.append(draftOf({ side: [row] })),
        ledger.append(draftOf()),
      ]);
      expect(results.map((result) => (typeof result === 'string' ? result : result.treeSize))).toEqual([
        2,
        'INTERNAL',
        'INTERNAL',
        'INTERNAL',
        2,
      ]);
    });

    it('settles what waits before it closes, and takes nothing after', async () => {
      const ledger = await bench().openOn(await bench().stored.open());
      bench().opened.pop();
      const waiting = ledger.append(draftOf());
      await ledger.close();
      expect((await waiting).logIndex).toBe(0);
      expect(await refusalOf(ledger.append(draftOf()))).toBe('LEDGER_UNAVAILABLE');
    });
  });
}
