import { describe, expect, it } from 'vitest';
import { base64 } from '../../src/call/sha256.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import { memoryStore } from '../../src/ledger/store-memory.ts';
import type { LogStore } from '../../src/ledger/store.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { mth, subproof } from '../tlog/reference.ts';
import { draftOf } from './drafts.ts';
import { testLog } from './log-key.ts';

const log = testLog();

async function ledgerOver(store: LogStore) {
  return createLedger({ store, signer: log.signer, origin: log.origin, released: forgetfulCheckpoints() });
}

async function filled(size: number) {
  const store = memoryStore(log.identity);
  const ledger = await ledgerOver(store);
  const drafts = Array.from({ length: size }, () => draftOf());
  await Promise.all(drafts.map((draft) => ledger.append(draft)));
  const leaves = (await ledger.entries(0, size)).map(({ leaf }) => leafHash(leaf));
  return { store, ledger, leaves };
}

describe('the proof between two trees of a ledger', () => {
  it('is the one of RFC 6962, with the roots of both, for every pair of sizes', async () => {
    const size = 40;
    const { ledger, leaves } = await filled(size);
    for (let oldSize = 1; oldSize <= size; oldSize++) {
      for (let newSize = oldSize; newSize <= size; newSize++) {
        const { oldRoot, newRoot, hashes } = await ledger.proveConsistency(oldSize, newSize);
        const tree = leaves.slice(0, newSize);
        expect([oldRoot, newRoot].map(base64)).toEqual(
          [mth(leaves.slice(0, oldSize)), mth(tree)].map(base64),
        );
        expect(hashes.map(base64)).toEqual(subproof(oldSize, tree).map(base64));
      }
    }
  });

  it('reaches over tiles', async () => {
    const { ledger, leaves } = await filled(600);
    for (const [oldSize, newSize] of [
      [1, 600],
      [256, 512],
      [255, 257],
      [300, 599],
      [512, 600],
    ] as const) {
      const { oldRoot, hashes } = await ledger.proveConsistency(oldSize, newSize);
      expect(base64(oldRoot)).toBe(base64(mth(leaves.slice(0, oldSize))));
      expect(hashes.map(base64)).toEqual(subproof(oldSize, leaves.slice(0, newSize)).map(base64));
    }
  });

  it.each([
    [0, 3],
    [2, 1],
    [1, 4],
    [-1, 1],
    [1.5, 2],
    [NaN, 2],
  ])('is refused for sizes that are no two trees of the log: %s and %s', async (oldSize, newSize) => {
    const { ledger } = await filled(3);
    await expect(ledger.proveConsistency(oldSize, newSize)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is refused over tiles that are not those of the signed head', async () => {
    const { store } = await filled(5);
    const ledger = await ledgerOver(store);
    store.tile = async (_level, _index, width) => new Uint8Array(32 * width);
    await expect(ledger.proveConsistency(2, 5)).rejects.toMatchObject({ code: 'LEDGER_CORRUPT' });
  });
});
