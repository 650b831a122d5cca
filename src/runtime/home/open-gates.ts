import type { RecordChange } from '../../gate/changes.ts';
import { createGates } from '../../gate/create-gate.ts';
import type { Gates } from '../../gate/gate.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { governBy, type GovernByOptions, type GovernedBy } from './govern-by.ts';

/** The gates of this process, over a home. */
export interface OpenedGates extends Pick<GovernedBy, 'credentials' | 'policy'> {
  readonly gates: Gates;
  readonly ledger: Ledger;
  readonly recordChange: RecordChange;
  /** Settles what is open, closes the sessions, and leaves the log to others. Once the gates under them are closed. */
  readonly close: () => Promise<void>;
}

/** Rejects as `governBy` does. */
export async function openGates(options: GovernByOptions): Promise<OpenedGates> {
  const { governance, policy, credentials } = await governBy(options);
  const gates = createGates({ ...governance.gateParts, policy });
  return {
    gates,
    ledger: governance.homeLedger.ledger,
    recordChange: governance.recordChange,
    policy,
    credentials,
    async close() {
      try {
        await gates.close();
      } finally {
        await governance.close();
      }
    },
  };
}
