import { describe, expect, it } from 'vitest';
import { createRevocations } from '../../src/gate/revocations.ts';
import { lift, listRevocations, revoke, type RevokeParts } from '../../src/gate/revoke.ts';
import { changeRecorder } from '../../src/gate/record-change.ts';
import { CountersignError } from '../../src/errors.ts';
import { fromUtf8 } from '../../src/call/sha256.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { harness } from './harness.ts';

async function made() {
  const { ledger, parts } = await harness();
  const revoking: RevokeParts = {
    ledger,
    recordChange: changeRecorder(parts, 'same-user'),
    now: () => Date.now(),
  };
  const changes = async () => {
    const { size = 0 } = (await ledger.checkpoint()) ?? {};
    return (await ledger.entries(0, size)).map(
      ({ payload }) =>
        (JSON.parse(fromUtf8(payload) ?? '') as { predicate: { change: Record<string, unknown> } }).predicate
          .change,
    );
  };
  return { ledger, revoking, changes, revocations: createRevocations({ ledger, every: 5 }) };
}

const by = 'operator';

describe('revoking', () => {
  it('is one signed statement with its reason, and moves the epoch', async () => {
    const { revoking, changes, revocations } = await made();
    const before = await revocations.latest();
    const order = { kind: 'human', id: 'ada', issuer: 'https://idp.test', by, reason: 'left' } as const;
    const { isNew, revocation } = await revoke(revoking, { ...order, before: '2026-11-22T09:00:00+01:00' });
    expect(isNew).toBe(true);
    expect(await changes()).toEqual([
      { kind: 'revoked', revocation: { ...order, before: '2026-11-22T08:00:00.000Z' } },
    ]);
    const after = await revocations.latest();
    expect(after.epoch).not.toBe(before.epoch);
    expect(after.revoked).toEqual([revocation]);
  });

  it('again says and changes nothing, and only less never gives anything back', async () => {
    const { revoking, changes, revocations } = await made();
    const human = { kind: 'human', id: 'ada', by } as const;
    const [early, late] = ['2026-11-22T08:00:00Z', '2026-11-22T09:00:00Z'];
    expect((await revoke(revoking, { ...human, before: early })).isNew).toBe(true);
    const { epoch } = await revocations.latest();
    expect((await revoke(revoking, { ...human, before: early })).isNew).toBe(false);
    expect((await revocations.latest()).epoch).toBe(epoch);
    expect((await revoke(revoking, { ...human, before: late })).isNew).toBe(true);
    expect((await revoke(revoking, { ...human, before: early })).isNew).toBe(false);
    expect((await revoke(revoking, human)).isNew).toBe(true);
    expect((await revoke(revoking, { ...human, before: late })).isNew).toBe(false);
    expect((await revocations.latest()).revoked).toMatchObject([{ kind: 'human', id: 'ada' }]);
    expect((await revocations.latest()).revoked[0]).not.toHaveProperty('before');
    expect(await changes()).toHaveLength(3);
  });

  it('is lifted once, in a statement of its own; the epoch before it never comes back', async () => {
    const { revoking, changes, revocations, ledger } = await made();
    const seen = [(await revocations.latest()).epoch];
    for (const _ of [1, 2]) {
      await revoke(revoking, { kind: 'everything', id: '', by });
      seen.push((await revocations.latest()).epoch);
      expect(await lift(revoking, { kind: 'everything', id: '', by, reason: 'over' })).toBe(true);
      seen.push((await revocations.latest()).epoch);
    }
    expect(await lift(revoking, { kind: 'everything', id: '', by })).toBe(false);
    expect(new Set(seen).size).toBe(5);
    expect(await listRevocations(ledger)).toEqual([]);
    expect((await changes()).map(({ kind }) => kind)).toEqual([
      'revoked',
      'revocation-lifted',
      'revoked',
      'revocation-lifted',
    ]);
  });

  it('loses nothing when many revoke at once', async () => {
    const { revoking, ledger, changes } = await made();
    await Promise.all(
      Array.from({ length: 12 }, (_, at) => revoke(revoking, { kind: 'device', id: `device-${at % 8}`, by })),
    );
    expect(await listRevocations(ledger)).toHaveLength(8);
    expect(await changes()).toHaveLength(8);
  });

  it.each([
    { kind: 'agent', id: 'planner' },
    { kind: 'agent', id: 'spiffe://' },
    { kind: 'tool', id: 'delete' },
    { kind: 'tool', id: 'files/**' },
    { kind: 'everything', id: 'all' },
    { kind: 'human', id: '' },
    { kind: 'human', id: 'ada\n' },
    { kind: 'human', id: 'ada', before: 'yesterday' },
    { kind: 'key', id: 'key-1', before: '2026-11-22T08:00:00Z' },
    { kind: 'device', id: 'laptop', issuer: 'https://idp.test' },
    { kind: 'device', id: 'x'.repeat(1_025) },
    { kind: 'device', id: 'laptop', reason: 'two\nlines' },
  ] as const)('refuses %o, and logs nothing', async (order) => {
    const { revoking, changes } = await made();
    await expect(revoke(revoking, { ...order, by })).rejects.toMatchObject({ code: 'USAGE' });
    expect(await changes()).toEqual([]);
  });

  it('has a bound, beyond which keys and everything are still revoked', async () => {
    const { revoking } = await made();
    const head = JSON.stringify({ kind: 'device', id: 'x', revokedAt: '2026-11-22T08:00:00Z', by });
    const full: RevokeParts = {
      ...revoking,
      ledger: {
        heads: (keys) => revoking.ledger.heads(keys),
        headsUnder: () =>
          Promise.resolve(new Map(Array.from({ length: 10_000 }, (_, at) => [`revoked/device/${at}`, head]))),
      },
    };
    await expect(revoke(full, { kind: 'device', id: 'one-more', by })).rejects.toMatchObject({
      code: 'TOO_LARGE',
    });
    expect((await revoke(full, { kind: 'key', id: 'stolen', by })).isNew).toBe(true);
    expect((await revoke(full, { kind: 'everything', id: '', by })).isNew).toBe(true);
  });
});

describe('what a process knows of revocations', () => {
  const counted = (ledger: Ledger) => {
    const reads = { heads: 0, lists: 0 };
    let isBroken = false;
    const guard = (): void => {
      if (isBroken) throw new CountersignError('LEDGER_UNAVAILABLE', 'gone');
    };
    return {
      reads,
      breakIt: (broken: boolean) => void (isBroken = broken),
      ledger: {
        async heads(keys: readonly string[]) {
          reads.heads += 1;
          guard();
          return ledger.heads(keys);
        },
        async headsUnder(prefix: string) {
          reads.lists += 1;
          guard();
          return ledger.headsUnder(prefix);
        },
      },
    };
  };

  it('is read once, and the list again only when the epoch has moved', async () => {
    const { ledger, revoking } = await made();
    const counting = counted(ledger);
    const revocations = createRevocations(counting);
    for (const _ of [1, 2, 3]) await revocations.latest();
    expect(counting.reads.lists).toBe(1);
    await revoke(revoking, { kind: 'key', id: 'key-1', by });
    expect((await revocations.current()).revoked).toEqual([]);
    expect((await revocations.latest()).revoked).toHaveLength(1);
    expect((await revocations.current()).revoked).toHaveLength(1);
    const { heads } = counting.reads;
    await Promise.all(Array.from({ length: 50 }, () => revocations.latest(60_000)));
    expect(counting.reads).toEqual({ heads, lists: 2 });
  });

  it('is not taken for empty when it cannot be read, or is no list of revocations', async () => {
    const { ledger } = await made();
    const counting = counted(ledger);
    const revocations = createRevocations(counting);
    await revocations.latest();
    counting.breakIt(true);
    await expect(revocations.latest()).rejects.toMatchObject({ code: 'REVOCATIONS_UNREADABLE' });
    const heads = (value: string) =>
      createRevocations({
        ledger: {
          heads: () => Promise.resolve(new Map([['revocations', '1']])),
          headsUnder: () => Promise.resolve(new Map([['revoked/key/1', value]])),
        },
      });
    const unfit = ['{', '[]', '{"kind":"key"}', '{"kind":"tool","id":"x","revokedAt":"","by":"operator"}'];
    for (const value of [...unfit, '{"kind":"other","id":"x","revokedAt":"","by":"operator"}'])
      await expect(heads(value).current()).rejects.toMatchObject({ code: 'REVOCATIONS_UNREADABLE' });
  });

  it('is told to whoever listens, and nobody looks once nobody does', async () => {
    const { ledger, revoking } = await made();
    const counting = counted(ledger);
    const revocations = createRevocations({ ...counting, every: 5 });
    const seen: (number | undefined)[] = [];
    const told = Promise.withResolvers<void>();
    const stop = revocations.onChange((state) => {
      seen.push(state?.revoked.length);
      if (state?.revoked.length === 1) told.resolve();
    });
    await revoke(revoking, { kind: 'key', id: 'key-1', by });
    await told.promise;
    stop();
    const { heads } = counting.reads;
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(counting.reads.heads).toBeLessThanOrEqual(heads + 1);
    expect(seen.at(-1)).toBe(1);
  });

  it('is told to be unknown once it could not be read for too long', async () => {
    const { ledger } = await made();
    const counting = counted(ledger);
    const revocations = createRevocations({ ...counting, every: 5, patience: 30 });
    await revocations.latest();
    const unknown = Promise.withResolvers<number>();
    const began = performance.now();
    const stop = revocations.onChange((state) => {
      if (state === undefined) unknown.resolve(performance.now() - began);
    });
    counting.breakIt(true);
    expect(await unknown.promise).toBeGreaterThan(25);
    stop();
  });
});
