import { describe, expect, it } from 'vitest';
import { digestSet } from '../../src/evidence/digest-set.ts';

describe('a set of digests', () => {
  it('has what was added, and nothing else, however far it grows', () => {
    const set = digestSet();
    for (let i = 0; i < 10_000; i++) set.add(`call ${i}`);
    set.add('call 7');
    expect(set.size).toBe(10_000);
    for (let i = 0; i < 20_000; i++) expect([i, set.has(`call ${i}`)]).toEqual([i, i < 10_000]);
  });

  it('is the same after a journey as bytes', () => {
    const set = digestSet();
    for (const name of ['a', 'b', '']) set.add(name);
    const bytes = set.toBytes();
    expect(bytes).toHaveLength(3 * 16);
    const again = digestSet(bytes);
    expect(['a', 'b', '', 'c'].map((name) => again.has(name))).toEqual([true, true, true, false]);
    again.add('c');
    again.add('a');
    expect(again.size).toBe(4);
    expect(digestSet().toBytes()).toHaveLength(0);
  });

  it('is not made of half a digest', () => {
    expect(() => digestSet(new Uint8Array(15))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
