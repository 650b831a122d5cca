import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contradiction, provenFork } from '../../src/witness/fork.ts';
import type { Fork } from '../../src/witness/fork.ts';
import { maxKept, rememberedCheckpoints } from '../../src/witness/store.ts';
import { flipBit } from '../tlog/reference.ts';
import { testKey } from '../tlog/test-keys.ts';
import { stores, testWitness } from './harness.ts';
import type { TestWitness } from './harness.ts';
import { requestOf, signedHead, watchedLog } from './watched-log.ts';

const log = watchedLog();
const keys = [log.key.key];

describe.each(Object.entries(stores))('a fork that comes to a witness with its state in %s', (_, open) => {
  let witness: TestWitness;
  let remove: () => void;
  beforeEach(() => {
    const opened = open();
    remove = opened.remove;
    witness = testWitness(opened.books);
    witness.books.addKey(log.origin, log.key.key);
  });
  afterEach(() => remove());

  const reach = async (...sizes: number[]): Promise<void> => {
    let before = 0;
    for (const size of sizes) {
      expect((await witness.add(log.request(before, size))).status).toBe(200);
      before = size;
    }
  };
  const evidence = (): readonly Fork[] => witness.books.forks();
  const counts = () => witness.books.logs()[0]?.forks;

  it('of the size that was cosigned is refused with 409 and kept: two signed notes that prove it', async () => {
    await reach(10);
    const fork = log.fork(4);
    const answer = await witness.add(fork.request(10, 10));
    expect(answer).toEqual({ status: 409, type: 'text/x.tlog.size', text: '10\n' });
    expect(evidence()).toEqual([
      {
        kind: 'same-size',
        origin: log.origin,
        seenAt: witness.now,
        cosigned: log.checkpoint(10),
        refused: fork.checkpoint(10),
        proof: [],
      },
    ]);
    expect(evidence().map((each) => provenFork(each, keys))).toEqual(['same-size']);
    expect(witness.answered.at(-1)).toMatchObject({ finding: 'root-differs', forks: ['same-size'] });
  });

  it('is noticed at each size that was cosigned, whatever old size it comes with', async () => {
    await reach(5, 10, 20);
    const fork = log.fork(4);
    for (const [old, size] of [
      [0, 5],
      [5, 10],
      [4, 20],
    ] as const)
      expect(await witness.add(fork.request(old, size))).toMatchObject({ status: 409, text: '20\n' });
    expect(evidence().map((each) => provenFork(each, keys))).toEqual(['same-size', 'same-size', 'same-size']);
    // What the log itself said before is no fork.
    for (const size of [5, 10]) await witness.add(log.request(0, size));
    expect(evidence()).toHaveLength(3);
  });

  it('of a larger size is refused with 422; the proof that came with it proves it, if it is its own', async () => {
    await reach(10);
    const fork = log.fork(4);
    expect(await witness.add(fork.request(10, 13))).toMatchObject({ status: 422 });
    expect(evidence()).toMatchObject([
      { kind: 'prefix', refused: fork.checkpoint(13), proof: fork.proof(10, 13) },
    ]);
    expect(evidence().map((each) => provenFork(each, keys))).toEqual(['prefix']);
  });

  it('that is only suspected is marked so: anybody can send a checkpoint with a wrong proof', async () => {
    await reach(10);
    const replayed = requestOf(10, log.proof(9, 13), log.checkpoint(13));
    expect(await witness.add(replayed)).toMatchObject({ status: 422 });
    expect(evidence()).toMatchObject([{ kind: 'unproven', cosigned: log.checkpoint(10) }]);
    expect(evidence().map((each) => provenFork(each, keys))).toEqual([undefined]);
    // The log itself comes along: there was nothing to it.
    expect(await witness.add(log.request(10, 13))).toMatchObject({ status: 200 });
    expect(evidence()).toEqual([]);
  });

  it('that was suspected is proven when the log comes to that size with another tree', async () => {
    // Of 8 leaves a proof does not contain the old root, so nothing follows from it alone.
    await reach(8);
    const fork = log.fork(4);
    await witness.add(fork.request(8, 13));
    expect(evidence()).toMatchObject([{ kind: 'unproven', refused: fork.checkpoint(13) }]);
    expect(await witness.add(log.request(8, 13))).toMatchObject({ status: 200 });
    expect(evidence()).toMatchObject([
      { kind: 'same-size', cosigned: log.checkpoint(13), refused: fork.checkpoint(13) },
    ]);
    expect(evidence().map((each) => provenFork(each, keys))).toEqual(['same-size']);
    expect(counts()).toEqual({ proven: 1, unproven: 0, dropped: 0 });
  });

  it('that was suspected is a suspicion no more when its own proof comes', async () => {
    await reach(10);
    const fork = log.fork(4);
    await witness.add(requestOf(10, [], fork.checkpoint(13)));
    await witness.add(fork.request(10, 13));
    await witness.add(requestOf(10, [], fork.checkpoint(13)));
    expect(evidence().map(({ kind }) => kind)).toEqual(['prefix']);
  });

  it('does not stop the log’s first history', async () => {
    await reach(10);
    await witness.add(log.fork(4).request(10, 10));
    expect(await witness.add(log.request(10, 11))).toMatchObject({ status: 200 });
  });

  it('is kept once, without lines that strangers added to it', async () => {
    await reach(10);
    const fork = log.fork(4);
    for (const by of [[log.key], [log.key, testKey('a')], [testKey(log.origin), log.key]])
      await witness.add(fork.request(10, 10, by));
    expect(evidence().map(({ refused }) => refused)).toEqual([fork.checkpoint(10)]);
  });

  it('that no key of the log signed is not kept', async () => {
    await reach(10);
    const forged = watchedLog(log.origin);
    expect(await witness.add(forged.fork(0).request(10, 10))).toMatchObject({ status: 403 });
    expect(evidence()).toEqual([]);
  });

  it('again and again fills no disk, and suspicions crowd out no proof', async () => {
    await reach(2);
    const sizes = Array.from({ length: maxKept.unproven + 4 }, (_, i) => 3 + i);
    for (const size of sizes) await witness.add(requestOf(2, [], log.checkpoint(size)));
    expect(counts()).toEqual({ proven: 0, unproven: maxKept.unproven, dropped: 4 });
    for (let at = 0; at < maxKept.proven + 2; at += 1) {
      const head = { origin: log.origin, size: 2, root: new Uint8Array(32).fill(at) };
      await witness.add(requestOf(2, [], signedHead(head, [log.key])));
    }
    expect(counts()).toEqual({ proven: maxKept.proven, unproven: maxKept.unproven, dropped: 6 });
  });

  it('below the newest checkpoints is noticed at the sizes that are remembered, and no others', () => {
    const root = new Uint8Array(32);
    const state = (size: number) => {
      const seen: unknown[] = [];
      void witness.books.step('x', size, ({ latest, sameSize }) => {
        seen.push([latest?.size, sameSize?.size]);
        return { forks: [] };
      });
      return seen[0];
    };
    for (let size = 0; size <= rememberedCheckpoints; size += 1)
      void witness.books.step('x', size, () => ({ cosigned: { size, root, note: '', time: 1 }, forks: [] }));
    expect(state(0)).toEqual([rememberedCheckpoints, undefined]);
    expect(state(1)).toEqual([rememberedCheckpoints, 1]);
    expect(state(rememberedCheckpoints)).toEqual([rememberedCheckpoints, rememberedCheckpoints]);
  });
});

describe('evidence of a fork', () => {
  const fork = log.fork(4);
  const evidence = (size: number, to: number): Pick<Fork, 'cosigned' | 'refused' | 'proof'> => ({
    cosigned: log.checkpoint(size),
    refused: fork.checkpoint(to),
    proof: size === to ? [] : fork.proof(size, to),
  });

  it('proves at every pair of sizes what can be proven there, and never that an honest log forked', () => {
    for (let size = 1; size < 24; size += 1) {
      for (let to = size; to < 24; to += 1) {
        const tree = (of: typeof log, n: number) => ({ size: n, root: of.root(n) });
        const honest = contradiction(tree(log, size), tree(log, to), size === to ? [] : log.proof(size, to));
        expect([size, to, honest]).toEqual([size, to, undefined]);
        const isPower = (size & (size - 1)) === 0;
        const expected = size <= 4 ? undefined : size === to ? 'same-size' : isPower ? undefined : 'prefix';
        const proof = size === to ? [] : fork.proof(size, to);
        expect([size, to, contradiction(tree(log, size), tree(fork, to), proof)]).toEqual([
          size,
          to,
          expected,
        ]);
      }
    }
  });

  it('is nothing with one bit of the proof changed, or with too much or too little of it', () => {
    const { proof, ...notes } = evidence(10, 13);
    expect(provenFork({ ...notes, proof }, keys)).toBe('prefix');
    for (const [at, hash] of proof.entries())
      expect(provenFork({ ...notes, proof: proof.with(at, flipBit(hash, 9)) }, keys)).toBeUndefined();
    expect(provenFork({ ...notes, proof: proof.slice(1) }, keys)).toBeUndefined();
    expect(provenFork({ ...notes, proof: proof.slice(0, -1) }, keys)).toBeUndefined();
    expect(provenFork({ ...notes, proof: [...proof, log.root(1)] }, keys)).toBeUndefined();
    expect(provenFork({ ...notes, proof: proof.with(0, new Uint8Array(31)) }, keys)).toBeUndefined();
  });

  it('is nothing when a note is not the log’s own', () => {
    const { cosigned, refused, proof } = evidence(10, 10);
    const other = watchedLog(log.origin);
    expect(provenFork({ cosigned, refused, proof }, keys)).toBe('same-size');
    expect(provenFork({ cosigned: other.checkpoint(10), refused, proof }, keys)).toBeUndefined();
    expect(provenFork({ cosigned, refused: other.checkpoint(10), proof }, keys)).toBeUndefined();
    expect(provenFork({ cosigned, refused, proof }, [])).toBeUndefined();
    expect(provenFork({ cosigned: 'x', refused, proof }, keys)).toBeUndefined();
    // One key may sign two logs, each with a tree of this size.
    const namesake = watchedLog('another log', log.key);
    const both = { cosigned, refused: namesake.fork(0).checkpoint(10, [log.key]), proof };
    expect(provenFork(both, keys)).toBeUndefined();
  });
});
