import { describe, expect, it } from 'vitest';
import type { EntryDraft } from '../../src/ledger/ledger.ts';
import { allowOf, draftOf, outcomeOf, randomCallId } from '../ledger/drafts.ts';
import { refusalOf, settled } from '../ledger/settled.ts';
import type { LedgerBench } from './ledger-bench.ts';

const salt = new Uint8Array(16).fill(7);

function sideOf(callId: string): { readonly verdict: EntryDraft; readonly outcome: EntryDraft } {
  return {
    verdict: allowOf(callId, {
      side: [
        { name: 'action', salt, value: Uint8Array.of(1, 2, 3) },
        { name: 'sealed:params', salt: new Uint8Array(), value: new Uint8Array(10_000).fill(9) },
      ],
    }),
    outcome: outcomeOf(callId, { side: [{ name: 'result/raw', salt }] }),
  };
}

/** What erasing takes away, and what it leaves. */
export function describeErasing(bench: () => LedgerBench): void {
  describe('erasing', () => {
    it('removes the side rows of verdict and outcome, of the calls that are named and of no other', async () => {
      const ledger = await bench().open();
      const [gone, kept] = [randomCallId(), randomCallId()];
      for (const callId of [gone, kept]) {
        await ledger.append(sideOf(callId).verdict);
        await ledger.append(sideOf(callId).outcome);
      }
      await ledger.append(draftOf({ erases: [gone, randomCallId()] }));
      await ledger.scrub();
      expect(await ledger.side(gone)).toEqual([]);
      const { verdict, outcome } = sideOf(kept);
      expect(await ledger.side(kept)).toEqual([...verdict.side, ...outcome.side]);
      expect(await (await bench().open()).side(gone)).toEqual([]);
    });

    it('leaves the log as it is: every entry proves as before', async () => {
      const ledger = await bench().open();
      const callId = randomCallId();
      const { verdict, outcome } = sideOf(callId);
      const statement = draftOf({ erases: [callId] });
      for (const draft of [verdict, outcome, statement]) await ledger.append(draft);
      await ledger.scrub();
      const leaves = [verdict, outcome, statement].map(({ signed }) => signed.leaf);
      await bench().expectWhole(ledger, leaves);
      expect((await ledger.entriesOfCall(callId)).map(({ payload }) => payload)).toEqual(
        [verdict, outcome].map(({ signed }) => signed.payload),
      );
    });

    it('reaches what the same batch brings', async () => {
      const ledger = await bench().open();
      const callId = randomCallId();
      const { verdict, outcome } = sideOf(callId);
      await Promise.all(
        [verdict, outcome, draftOf({ erases: [callId] })].map((draft) => ledger.append(draft)),
      );
      expect(await ledger.side(callId)).toEqual([]);
    });

    it('happens only with the entry that says so', async () => {
      const { store, ledger } = await bench().openFaulty();
      const callId = randomCallId();
      const { verdict } = sideOf(callId);
      await ledger.append(verdict);
      const never = [{ key: 'epoch', value: 'never' }];
      expect(await refusalOf(ledger.append(draftOf({ erases: [callId], expects: never })))).toBe(
        'LEDGER_CONFLICT',
      );
      const [held, refused] = await settled([
        ledger.append(draftOf()),
        ledger.append(draftOf({ erases: [callId], expects: never })),
      ]);
      expect([typeof held, refused]).toEqual(['object', 'LEDGER_CONFLICT']);
      store.breakNext('at commit, not persisted');
      expect(await refusalOf(ledger.append(draftOf({ erases: [callId] })))).toBe('LEDGER_UNAVAILABLE');
      expect(await ledger.side(callId)).toEqual(verdict.side);
    });

    it('may be asked for again, and scrubbing when nothing was erased', async () => {
      const ledger = await bench().open();
      await ledger.scrub();
      const callId = randomCallId();
      await ledger.append(sideOf(callId).verdict);
      await ledger.append(draftOf({ erases: [callId] }));
      await ledger.append(draftOf({ erases: [callId] }));
      await ledger.scrub();
      await ledger.scrub();
      expect(await ledger.side(callId)).toEqual([]);
    });
  });
}
