import { describe, expect, it } from 'vitest';
import { fromUtf8 } from '../../src/call/sha256.ts';
import { readLiveTile } from '../../src/runtime/serve/live-tiles.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { decodeEntryBundle } from '../../src/tlog/tile.ts';
import { countingTarget, harness, never } from '../gate/harness.ts';

describe('a ledger as tiles', () => {
  it('serves what its tree has, in any width that it has had, and nothing beyond', async () => {
    const { gate, call, apiKey, ledger } = await harness();
    expect(await readLiveTile(ledger, 'checkpoint')).toBeUndefined();
    await gate.run(call(), { apiKey }, countingTarget(), never);
    const newest = await ledger.checkpoint();
    const size = newest?.size ?? 0;
    expect(size).toBeGreaterThan(2);
    expect(fromUtf8((await readLiveTile(ledger, 'checkpoint')) ?? new Uint8Array())).toBe(newest?.text);
    for (let width = 1; width <= size; width += 1) {
      const tile = await readLiveTile(ledger, `tile/0/000.p/${width}`);
      const bundle = await readLiveTile(ledger, `tile/entries/000.p/${width}`);
      const leaves = decodeEntryBundle(bundle ?? new Uint8Array()) ?? [];
      expect(leaves).toHaveLength(width);
      expect(Buffer.from(tile ?? [])).toEqual(Buffer.concat(leaves.map((leaf) => leafHash(leaf))));
    }
    for (const path of [
      `tile/0/000.p/${size + 1}`,
      ...['tile/0/000', 'tile/1/000.p/1', 'tile/63/000', 'tile/0/001.p/1', 'tile/x', '', '../ledger.sqlite'],
    ])
      expect(await readLiveTile(ledger, path)).toBeUndefined();
  });
});
