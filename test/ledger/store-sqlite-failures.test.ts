import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ballastFile } from '../../src/ledger/ballast-node.ts';
import type { EntryDraft, Ledger } from '../../src/ledger/ledger.ts';
import { allowOf, draftOf, outcomeOf, randomCallId } from './drafts.ts';
import { expectProofOf } from './proofs.ts';
import { refusalOf, settled } from './settled.ts';
import { canMount, mountSmallDisk } from './small-disk.ts';
import { makeSqliteLog } from './sqlite-log.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

const megabyte = 1_048_576;

/** An entry that fills the disk. */
function large(bytes: number): EntryDraft {
  return draftOf({
    callId: randomCallId(),
    side: [{ name: 'params', salt: new Uint8Array(16), value: new Uint8Array(bytes) }],
  });
}

describe('a ledger file', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => removeDirectory(directory));

  it('that another process holds is waited for without holding up this one, then refused', async () => {
    const { path, open } = makeSqliteLog(directory);
    const { ledger } = await open({ lockTimeout: 150 });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    let ticks = 0;
    const clock = setInterval(() => ticks++, 2);
    const refusal = await refusalOf(ledger.append(draftOf()));
    clearInterval(clock);
    expect(refusal).toBe('LEDGER_LOCKED');
    expect(ticks).toBeGreaterThan(5);

    const waiting = ledger.append(draftOf());
    await sleep(20);
    other.exec('ROLLBACK');
    expect((await waiting).logIndex).toBe(0);
    other.close();
    await ledger.close();
  });

  it('that reaches its limit refuses with LEDGER_FULL, keeps nothing of it, and goes on when there is room', async () => {
    const { log, open } = makeSqliteLog(directory);
    const { ledger, file } = await open();
    await ledger.append(draftOf());
    file.db.exec('PRAGMA max_page_count = 100');
    expect(await refusalOf(ledger.append(large(megabyte)))).toBe('LEDGER_FULL');
    expect((await ledger.checkpoint())?.size).toBe(1);
    file.db.exec('PRAGMA max_page_count = 100000');
    const draft = large(megabyte);
    expectProofOf(await ledger.append(draft), draft, log);
    await ledger.close();
  });

  it('that was damaged under a running gate is corrupt', async () => {
    const { path, open } = makeSqliteLog(directory);
    const { ledger } = await open();
    const other = new DatabaseSync(path);
    other.exec('DELETE FROM head');
    expect(await refusalOf(ledger.append(draftOf()))).toBe('LEDGER_CORRUPT');
    other.exec('DROP TABLE head');
    expect(await refusalOf(ledger.checkpoint())).toMatch(/^LEDGER_(?:CORRUPT|UNAVAILABLE)$/);
    other.close();
    await ledger.close();
  });

  it('whose rows were tampered with gives out no proof', async () => {
    const { path, open } = makeSqliteLog(directory);
    const { ledger } = await open();
    for (let i = 0; i < 3; i++) await ledger.append(draftOf());
    const other = new DatabaseSync(path);
    other.exec('UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 1');
    other.close();
    expect(await refusalOf(ledger.prove(0))).toBe('LEDGER_CORRUPT');
    expect(await refusalOf(ledger.prove(1))).toBe('LEDGER_CORRUPT');
    await ledger.close();
    expect(await refusalOf(open())).toBe('LEDGER_CORRUPT');
  });

  it('has its WAL folded in while it is written, so that it stays small', async () => {
    const { path, open } = makeSqliteLog(directory);
    const { ledger } = await open({ checkpointAfter: megabyte });
    const append = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await ledger.append(large(100_000));
    };
    await append(40);
    await sleep(300);
    const before = statSync(path).size;
    // What is written from now on starts the WAL anew, sooner or later: without the checkpointer it would hold it all.
    for (let round = 0; round < 6; round++) {
      await append(20);
      await sleep(100);
    }
    expect(statSync(path).size).toBeGreaterThan(before + 4 * megabyte);
    expect(statSync(`${path}-wal`).size).toBeLessThan(13 * megabyte);
    await ledger.close();
  });

  describe.skipIf(!canMount())('on a disk that is full', () => {
    const fillUp = async (ledger: Ledger): Promise<void> => {
      for (const bytes of [megabyte, 100_000, 10_000, 1_000, 100]) {
        while ((await refusalOf(ledger.append(large(bytes)))) === 'resolved');
      }
    };

    it('records the outcomes of what runs in the space kept for them, and takes no new call until there is room', async () => {
      const disk = mountSmallDisk(24);
      if (disk === null) throw new Error('mounting worked a moment ago');
      try {
        const { log, open } = makeSqliteLog(disk.directory);
        const ballast = ballastFile(join(disk.directory, 'ballast'), 2 * megabyte);
        expect(ballast.restore()).toBe(true);
        const { ledger } = await open({ ballast });
        const calls = Array.from({ length: 20 }, randomCallId);
        await Promise.all(calls.map((callId) => ledger.append(allowOf(callId))));
        await fillUp(ledger);
        expect(ballast.held()).toBe(true);
        expect(await refusalOf(ledger.append(allowOf(randomCallId())))).toBe('LEDGER_FULL');

        const salt = new Uint8Array(16);
        const outcomes = calls.map((callId) =>
          outcomeOf(callId, { side: [{ name: 'result', salt, value: new Uint8Array(5_000) }] }),
        );
        const results = await settled([
          ...outcomes.map((outcome) => ledger.append(outcome)),
          ledger.append(allowOf(randomCallId())),
        ]);
        expect(results.pop()).toBe('LEDGER_FULL');
        results.forEach((proof, i) => {
          if (typeof proof === 'string') throw new Error(`outcome ${i}: ${proof}`);
          expectProofOf(proof, outcomes[i] ?? draftOf(), log);
        });
        expect(await ledger.openPermits()).toEqual([]);

        expect(ballast.held()).toBe(false);
        expect(await refusalOf(ledger.append(allowOf(randomCallId())))).toBe('LEDGER_FULL');
        await ledger.close();
      } finally {
        disk.remove();
      }
    });
  });
});
