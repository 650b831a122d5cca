import { CountersignError } from '../../errors.ts';
import { claimInstance, livingInstances, sweepInstances } from '../../ledger/instances-node.ts';
import type { HomeLayout } from '../home/home-layout.ts';

/** Runs `change` as the only one that changes keys of this home: HOME_IN_USE while another does. The lock ends with the process. */
export async function asKeyChanger<T>(layout: HomeLayout, change: () => Promise<T>): Promise<T> {
  const own = claimInstance(layout.keyChangers);
  try {
    // Whoever comes second sees the first; two at the same moment see each other, and neither goes on.
    if (livingInstances(layout.keyChangers).some((id) => id !== own.id)) {
      throw new CountersignError('HOME_IN_USE', 'Another command is changing the keys of this home.');
    }
    return await change();
  } finally {
    own.release();
    sweepInstances(layout.keyChangers);
  }
}
