import {
  closeSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReleasedCheckpoints } from '../../src/ledger/released-checkpoint-node.ts';
import type { ReleasedCheckpoint } from '../../src/ledger/released-checkpoint.ts';
import { refusalOf } from './settled.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

const headOf = (size: number): ReleasedCheckpoint => ({ size, root: new Uint8Array(32).fill(size % 256) });

describe('the record of released checkpoints', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => removeDirectory(directory));

  const openAs = (instance: string, alive: readonly string[] = []) =>
    openReleasedCheckpoints({ directory, instance, isAlive: (id) => alive.includes(id) });
  const load = (): Promise<readonly ReleasedCheckpoint[]> => openAs('reader').load();
  const pathOf = (instance: string): string => join(directory, `${instance}.released`);

  it('is empty at first, also when its directory is not there yet', async () => {
    const inside = join(directory, 'a', 'b');
    expect(
      await openReleasedCheckpoints({ directory: inside, instance: 'x', isAlive: () => false }).load(),
    ).toEqual([]);
    expect(statSync(inside).mode & 0o777).toBe(0o700);
  });

  it('holds the newest, of any size of number, without growing', async () => {
    const record = openAs('one');
    for (const size of [1, 2, 99, 1_234_567_890_123, Number.MAX_SAFE_INTEGER]) {
      record.store(headOf(size));
      expect(await load()).toEqual([headOf(size)]);
      expect(statSync(pathOf('one')).size).toBe(8_192);
    }
    record.close();
    expect(readdirSync(directory)).toEqual(['one.released']);
  });

  it('keeps the one before when a write is cut short, whichever slot it hits', async () => {
    for (const instance of ['one', 'two']) {
      const record = openAs(instance, ['one', 'two']);
      record.store(headOf(10));
      record.store(headOf(11));
      if (instance === 'two') record.store(headOf(12));
      record.close();
      const slot = instance === 'one' ? 0 : 4_096;
      const handle = openSync(pathOf(instance), 'r+');
      writeSync(handle, '99 AAAA', slot);
      closeSync(handle);
    }
    expect((await load()).map(({ size }) => size).sort()).toEqual([10, 11]);
  });

  it('is refused when nothing of it can be read: a rollback could not be told any more', async () => {
    const record = openAs('one');
    record.store(headOf(5));
    record.close();
    const whole = readFileSync(pathOf('one'), 'latin1');
    for (const damaged of [
      '',
      '\0'.repeat(8_192),
      whole.replaceAll('5 ', '4 '),
      whole.replaceAll('\n', ' '),
    ]) {
      writeFileSync(pathOf('one'), damaged, 'latin1');
      expect(await refusalOf(load())).toBe('LEDGER_CORRUPT');
    }
    truncateSync(pathOf('one'), 0);
    expect(await refusalOf(load())).toBe('LEDGER_CORRUPT');
  });

  it('takes over from the dead once it says more than they did, and leaves the living alone', async () => {
    for (const [instance, size] of [
      ['dead', 5],
      ['ahead', 50],
      ['living', 6],
    ] as const) {
      const record = openAs(instance, ['dead', 'ahead', 'living']);
      record.store(headOf(size));
      record.close();
    }
    const record = openAs('next', ['living']);
    record.store(headOf(7));
    expect(readdirSync(directory).sort()).toEqual(['ahead.released', 'living.released', 'next.released']);
    record.close();
  });

  it('that cannot be written fails the commit', () => {
    writeFileSync(join(directory, 'file'), '');
    const record = openReleasedCheckpoints({
      directory: join(directory, 'file'),
      instance: 'x',
      isAlive: () => false,
    });
    expect(() => record.store(headOf(1))).toThrow(expect.objectContaining({ code: 'LEDGER_UNAVAILABLE' }));
  });
});
