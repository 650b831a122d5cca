import { afterEach, beforeEach, describe } from 'vitest';
import { setUpBench, tearDownBench } from './ledger-bench.ts';
import type { LedgerBench, MakeLog } from './ledger-bench.ts';
import { describeDrafts } from './ledger-contract-drafts.ts';
import { describeErasing } from './ledger-contract-erase.ts';
import { describeFailures } from './ledger-contract-failures.ts';
import { describeHandover } from './ledger-contract-handover.ts';
import { describeTree } from './ledger-contract-tree.ts';

/** What every store of the log has to do, whatever it is made of. */
export function describeLedger(name: string, makeLog: MakeLog): void {
  describe(`a ledger on ${name}`, () => {
    let current: LedgerBench | null = null;
    const bench = (): LedgerBench => {
      if (current === null) throw new Error('A bench stands while a test runs.');
      return current;
    };
    beforeEach(async () => {
      current = await setUpBench(makeLog);
    });
    afterEach(() => tearDownBench(bench()));

    describeTree(bench);
    describeDrafts(bench);
    describeErasing(bench);
    describeFailures(bench);
    describeHandover(bench);
  });
}
