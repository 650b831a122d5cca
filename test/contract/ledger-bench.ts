import { expect } from 'vitest';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import type { LedgerOptions } from '../../src/ledger/create-ledger.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { forgetfulCheckpoints } from '../../src/ledger/released-checkpoint.ts';
import type { LogIdentity, LogStore } from '../../src/ledger/store.ts';
import { leafHash } from '../../src/tlog/merkle.ts';
import { appendLeaves, emptyEdge, rootOf } from '../../src/tlog/tree.ts';
import { faultyStore } from '../ledger/faulty-store.ts';
import type { FaultyStore } from '../ledger/faulty-store.ts';
import { testLog } from '../ledger/log-key.ts';
import type { TestLog } from '../ledger/log-key.ts';
import { expectProof } from '../ledger/proofs.ts';

/** One log that a test may open several times, as several processes would. */
export interface StoredLog {
  /** As a process does that has this key; as the log was made unless told. */
  open(identity?: LogIdentity): Promise<LogStore>;
  remove(): Promise<void> | void;
}

export type MakeLog = (log: TestLog) => Promise<StoredLog>;

/** A log for one test after the other, and the ledgers that the test opened on it. */
export interface LedgerBench {
  readonly log: TestLog;
  readonly stored: StoredLog;
  /** What is closed after the test. */
  readonly opened: Ledger[];
  open(options?: Partial<LedgerOptions>): Promise<Ledger>;
  openOn(store: LogStore, options?: Partial<LedgerOptions>): Promise<Ledger>;
  openFaulty(): Promise<{ readonly store: FaultyStore; readonly ledger: Ledger }>;
  /** Every entry proves into the newest checkpoint, and the checkpoint is over exactly these leaves. */
  expectWhole(ledger: Ledger, leaves: readonly Uint8Array[]): Promise<void>;
}

export async function setUpBench(makeLog: MakeLog): Promise<LedgerBench> {
  const log = testLog();
  const stored = await makeLog(log);
  const opened: Ledger[] = [];
  const openOn = async (store: LogStore, options: Partial<LedgerOptions> = {}): Promise<Ledger> => {
    const { origin, signer } = log;
    const released = forgetfulCheckpoints();
    const ledger = await createLedger({ store, origin, signer, released, ...options });
    opened.push(ledger);
    return ledger;
  };
  return {
    log,
    stored,
    opened,
    openOn,
    open: async (options) => openOn(await stored.open(), options),
    async openFaulty() {
      const store = faultyStore(await stored.open());
      return { store, ledger: await openOn(store) };
    },
    async expectWhole(ledger, leaves) {
      const entries = await ledger.entries(0, leaves.length + 10);
      expect(entries.map(({ leaf }) => leaf)).toEqual(leaves);
      expect(entries.map(({ index }) => index)).toEqual(leaves.map((_, i) => i));
      const { edge } = appendLeaves(emptyEdge, leaves.map(leafHash));
      for (const [index, leaf] of leaves.entries()) {
        const proof = await ledger.prove(index);
        expectProof(proof, leaf, log);
        expect(proof.rootHash).toEqual(rootOf(edge));
      }
    },
  };
}

export async function tearDownBench({ opened, stored }: LedgerBench): Promise<void> {
  for (const ledger of opened) await ledger.close();
  await stored.remove();
}
