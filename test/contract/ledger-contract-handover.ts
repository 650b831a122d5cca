import { describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { openCheckpoint } from '../../src/tlog/checkpoint.ts';
import { parseNote } from '../../src/tlog/note.ts';
import { noteKeyId, signatureTypes } from '../../src/tlog/vkey.ts';
import type { VerifierKey } from '../../src/tlog/vkey.ts';
import { draftOf } from '../ledger/drafts.ts';
import { faults, faultyStore } from '../ledger/faulty-store.ts';
import { testLog } from '../ledger/log-key.ts';
import type { TestLog } from '../ledger/log-key.ts';
import { refusalOf, settled } from '../ledger/settled.ts';
import type { LedgerBench } from './ledger-bench.ts';

/** A log that goes on with another key: same origin, same tree. */
export function describeHandover(bench: () => LedgerBench): void {
  describe('a log that is handed to its next key', () => {
    const keyOf = ({ origin, identity }: TestLog): VerifierKey => ({
      name: origin,
      type: signatureTypes.ed25519,
      publicKey: identity.publicKey.slice(-32),
    });
    const openAs = async ({ identity, signer }: TestLog): Promise<Ledger> =>
      bench().openOn(await bench().stored.open(identity), { signer });

    it('has a head that both keys sign, the next one first', async () => {
      const [old, next] = [bench().log, testLog(bench().log.origin)];
      const ledger = await bench().open();
      await ledger.append(draftOf());
      const { checkpoint, treeSize } = await ledger.handOver(draftOf(), next.signer);
      expect(openCheckpoint(checkpoint, keyOf(old))?.size).toBe(2);
      expect(openCheckpoint(checkpoint, keyOf(next))?.size).toBe(2);
      expect(treeSize).toBe(2);
      const lines = parseNote(checkpoint)?.signatures.map(({ keyId }) => [...keyId]);
      expect(lines).toEqual([next, old].map((log) => [...noteKeyId(keyOf(log))]));
      expect((await ledger.checkpoint())?.text).toBe(checkpoint);
    });

    it('goes on with the next key alone', async () => {
      const [old, next] = [bench().log, testLog(bench().log.origin)];
      const ledger = await bench().open();
      const drafts = [draftOf(), draftOf(), draftOf()];
      await ledger.append(drafts[0] ?? draftOf());
      await ledger.handOver(drafts[1] ?? draftOf(), next.signer);
      const reopened = await openAs(next);
      const { checkpoint } = await reopened.append(drafts[2] ?? draftOf());
      expect(openCheckpoint(checkpoint, keyOf(next))?.size).toBe(3);
      expect(openCheckpoint(checkpoint, keyOf(old))).toBeUndefined();
      expect((await reopened.entries(0, 10)).map(({ leaf }) => leaf)).toEqual(
        drafts.map(({ signed }) => signed.leaf),
      );
      expect(await (await openAs(next)).checkpoint()).toMatchObject({ size: 3 });
    });

    it('takes nothing more from whoever has the old key, and tells them why', async () => {
      const next = testLog(bench().log.origin);
      const [one, other] = [await bench().open(), await bench().open()];
      await other.append(draftOf());
      const { checkpoint } = await one.handOver(draftOf(), next.signer);
      expect(await refusalOf(one.append(draftOf()))).toBe('KEY_ROTATED');
      expect(await settled([other.append(draftOf()), other.append(draftOf())])).toEqual([
        'KEY_ROTATED',
        'KEY_ROTATED',
      ]);
      expect(await refusalOf(other.append(draftOf()))).toBe('KEY_ROTATED');
      expect(await refusalOf(other.handOver(draftOf(), testLog().signer))).toBe('KEY_ROTATED');
      expect((await other.checkpoint())?.text).toBe(checkpoint);
    });

    it('is not handed over by a draft that does not hold', async () => {
      const next = testLog(bench().log.origin);
      const ledger = await bench().open();
      const stale = draftOf({ expects: [{ key: 'k', value: 'moved' }] });
      expect(await refusalOf(ledger.handOver(stale, next.signer))).toBe('LEDGER_CONFLICT');
      await ledger.append(draftOf());
      expect((await (await bench().open()).checkpoint())?.size).toBe(1);
    });

    it('stands alone in its commit: what came before is signed by the old key, what comes behind is refused', async () => {
      const next = testLog(bench().log.origin);
      const ledger = await bench().open();
      const [before, handover, behind] = await settled([
        ledger.append(draftOf()),
        ledger.handOver(draftOf(), next.signer),
        ledger.append(draftOf()),
      ]);
      expect(before).toMatchObject({ treeSize: 1 });
      expect(handover).toMatchObject({ treeSize: 2 });
      expect(behind).toBe('KEY_ROTATED');
    });

    it.each(faults)('%s: has the old key or the next one, and never half of each', async (fault) => {
      const next = testLog(bench().log.origin);
      const store = faultyStore(await bench().stored.open());
      const ledger = await bench().openOn(store);
      await ledger.append(draftOf());
      store.breakNext(fault);
      const [result] = await settled([ledger.handOver(draftOf(), next.signer)]);
      const persisted = fault.endsWith(', persisted');
      const released = fault === 'at commit, outcome unknown, persisted';
      if (released) expect(result).toMatchObject({ treeSize: 2 });
      else expect(result).toBe('LEDGER_UNAVAILABLE');
      expect(await refusalOf(ledger.append(draftOf()))).toBe(persisted ? 'KEY_ROTATED' : 'resolved');
      const reopened = await openAs(persisted ? next : bench().log);
      await reopened.append(draftOf());
      expect((await reopened.checkpoint())?.size).toBe(3);
    });
  });
}
