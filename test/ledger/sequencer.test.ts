import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ballastFile } from '../../src/ledger/ballast-node.ts';
import type { Ballast } from '../../src/ledger/ballast.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import type { LedgerOptions } from '../../src/ledger/create-ledger.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import { memoryStore } from '../../src/ledger/store-memory.ts';
import { CountersignError } from '../../src/errors.ts';
import { allowOf, draftOf, outcomeOf, randomCallId } from './drafts.ts';
import { faultyStore } from './faulty-store.ts';
import type { FaultyStore } from './faulty-store.ts';
import { testLog } from './log-key.ts';
import { refusalOf, settled } from './settled.ts';
import { removeDirectory, temporaryDirectory } from './temporary-directory.ts';

const log = testLog();

async function open(options: Partial<LedgerOptions> = {}): Promise<{ store: FaultyStore; ledger: Ledger }> {
  const store = faultyStore(memoryStore(log.identity));
  const { origin, signer } = log;
  return {
    store,
    ledger: await createLedger({ store, origin, signer, released: forgetfulCheckpoints(), ...options }),
  };
}

describe('a ledger that runs out of space', () => {
  /** A ballast that a test may give back. */
  const fakeBallast = (): Ballast & { room: boolean; isHeld: boolean } => ({
    room: false,
    isHeld: true,
    held() {
      return this.isHeld;
    },
    release() {
      this.isHeld = false;
    },
    restore() {
      this.isHeld = this.room;
      return this.room;
    },
  });

  it('records an outcome in the space kept for it, and refuses the rest of its batch', async () => {
    const ballast = fakeBallast();
    const { store, ledger } = await open({ ballast });
    const callId = randomCallId();
    await ledger.append(allowOf(callId));
    store.breakNext('at commit, not persisted', 'LEDGER_FULL');
    const results = await settled([
      ledger.append(allowOf(randomCallId())),
      ledger.append(outcomeOf(callId)),
      ledger.append(draftOf()),
    ]);
    expect(results).toEqual(['LEDGER_FULL', expect.objectContaining({ logIndex: 1 }), 'LEDGER_FULL']);
    expect(ballast.isHeld).toBe(false);
  });

  it('takes nothing but outcomes until the space is held again', async () => {
    const ballast = fakeBallast();
    const { ledger } = await open({ ballast });
    const callId = randomCallId();
    await ledger.append(allowOf(callId));
    ballast.release();
    expect(await settled([ledger.append(allowOf(randomCallId())), ledger.append(draftOf())])).toEqual([
      'LEDGER_FULL',
      'LEDGER_FULL',
    ]);
    expect((await ledger.append(outcomeOf(callId))).logIndex).toBe(1);
    ballast.room = true;
    expect((await ledger.append(allowOf(randomCallId()))).logIndex).toBe(2);
    expect(ballast.isHeld).toBe(true);
  });

  it('keeps the space when no outcome needs it', async () => {
    const ballast = fakeBallast();
    const { store, ledger } = await open({ ballast });
    store.breakNext('at commit, not persisted', 'LEDGER_FULL');
    expect(await refusalOf(ledger.append(allowOf(randomCallId())))).toBe('LEDGER_FULL');
    expect(ballast.isHeld).toBe(true);
  });

  it('says so when even that space was not enough', async () => {
    const { store, ledger } = await open({ ballast: fakeBallast() });
    const callId = randomCallId();
    await ledger.append(allowOf(callId));
    store.breakNext('at commit, not persisted', 'LEDGER_FULL', 2);
    expect(await refusalOf(ledger.append(outcomeOf(callId)))).toBe('LEDGER_FULL');
    expect((await ledger.openPermits()).length).toBe(1);
    expect((await ledger.append(outcomeOf(callId))).logIndex).toBe(1);
  });
});

describe('a ledger whose released checkpoint cannot be remembered', () => {
  it('releases nothing', async () => {
    let broken = false;
    const released = {
      load: async () => [],
      store() {
        if (broken) throw new CountersignError('LEDGER_UNAVAILABLE', 'Broken on purpose.');
      },
    };
    const { ledger } = await open({ released });
    await ledger.append(draftOf());
    broken = true;
    expect(await settled([ledger.append(draftOf()), ledger.append(draftOf())])).toEqual([
      'LEDGER_UNAVAILABLE',
      'LEDGER_UNAVAILABLE',
    ]);
    broken = false;
    expect((await ledger.append(draftOf())).logIndex).toBe(3);
  });

  it('remembers each commit before it releases anything of it', async () => {
    const sizes: number[] = [];
    const { ledger } = await open({
      released: { load: async () => [], store: ({ size }) => void sizes.push(size) },
    });
    for (let i = 0; i < 3; i++) {
      const { treeSize } = await ledger.append(draftOf());
      expect(sizes.at(-1)).toBe(treeSize);
    }
  });
});

describe('a signer that fails', () => {
  it('leaves the log as it was', async () => {
    let broken = true;
    const signer = {
      ...log.signer,
      sign(data: Uint8Array) {
        if (broken) throw new CountersignError('SIGNING_FAILED', 'Broken on purpose.');
        return log.signer.sign(data);
      },
    };
    const { ledger } = await open({ signer });
    expect(await refusalOf(ledger.append(draftOf({ sets: [{ key: 'k', value: 'v' }] })))).toBe(
      'SIGNING_FAILED',
    );
    expect(await ledger.heads(['k'])).toEqual(new Map());
    broken = false;
    expect((await ledger.append(draftOf())).logIndex).toBe(0);
  });
});

describe('the ballast file', () => {
  let directory: string;
  beforeEach(() => {
    directory = temporaryDirectory();
  });
  afterEach(() => removeDirectory(directory));

  it('takes really as much space as it says, and gives it back at once', () => {
    const path = join(directory, 'ballast');
    const ballast = ballastFile(path, 3_000_000);
    expect(ballast.held()).toBe(false);
    expect(ballast.restore()).toBe(true);
    expect(ballast.held()).toBe(true);
    const { size, blocks, mode } = statSync(path);
    expect(size).toBe(3_000_000);
    if (process.platform === 'linux') expect(blocks * 512).toBeGreaterThanOrEqual(size);
    expect(mode & 0o777).toBe(0o600);
    ballast.release();
    ballast.release();
    expect(existsSync(path)).toBe(false);
  });

  it('is not tried again and again while the disk is full', () => {
    const ballast = ballastFile(join(directory, 'none', 'ballast'));
    expect(ballast.restore()).toBe(false);
    writeFileSync(join(directory, 'none'), '');
    expect(ballast.restore()).toBe(false);
    expect(readdirSync(directory)).toEqual(['none']);
  });

  it('is not made where it would take the last space', () => {
    const ballast = ballastFile(join(directory, 'ballast'), 2 ** 60);
    expect(ballast.restore()).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });
});
