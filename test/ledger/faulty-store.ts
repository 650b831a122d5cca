import { CountersignError } from '../../src/errors.ts';
import type { ReasonCode } from '../../src/names.ts';
import { CommitOutcomeUnknown } from '../../src/ledger/store.ts';
import type { LogStore } from '../../src/ledger/store.ts';

/** Where a commit breaks, and whether what it wrote is there afterwards. */
export const faults = [
  'before the lock',
  'after the plan',
  'at commit, not persisted',
  'at commit, persisted',
  'at commit, outcome unknown, not persisted',
  'at commit, outcome unknown, persisted',
] as const;
export type Fault = (typeof faults)[number];

export interface FaultyStore extends LogStore {
  /** Breaks the next commit, or the next `times`. */
  breakNext(fault: Fault, code?: ReasonCode, times?: number): void;
}

/** A store whose commits break where a test wants them to. */
export function faultyStore(store: LogStore): FaultyStore {
  let armed: { fault: Fault; code: ReasonCode; times: number } | null = null;

  const strike = (): { fault: Fault; error: CountersignError } | null => {
    if (armed === null) return null;
    const { fault, code } = armed;
    armed = armed.times > 1 ? { ...armed, times: armed.times - 1 } : null;
    return { fault, error: new CountersignError(code, 'Broken on purpose.') };
  };

  return {
    ...store,
    breakNext(fault, code = 'LEDGER_UNAVAILABLE', times = 1) {
      armed = { fault, code, times };
    },
    async commit(reads, plan) {
      const struck = strike();
      if (struck === null) return store.commit(reads, plan);
      const { fault, error } = struck;
      if (fault === 'before the lock') throw error;
      const persists = fault.endsWith(', persisted');
      await store.commit(reads, (snapshot) => {
        const writes = plan(snapshot);
        return persists ? writes : null;
      });
      throw fault.includes('unknown') ? new CommitOutcomeUnknown(error) : error;
    },
  };
}
