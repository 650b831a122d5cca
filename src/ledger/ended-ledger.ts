import { CountersignError } from '../errors.ts';
import { ledgerReads } from './ledger-reads.ts';
import type { Ledger } from './ledger.ts';
import type { LogStore } from './store.ts';

/** A log that has ended, to be read: what would append to it is refused with LEDGER_READ_ONLY. */
export function endedLedger(store: LogStore): Ledger {
  const refuse = (): Promise<never> =>
    Promise.reject(new CountersignError('LEDGER_READ_ONLY', 'This log has ended: nothing is added to it.'));
  return {
    ...ledgerReads(store),
    append: refuse,
    handOver: refuse,
    rememberTools: refuse,
    close: () => store.close(),
  };
}
