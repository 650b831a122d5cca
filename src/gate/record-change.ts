import { change as changeStatement } from '../envelope/statements.ts';
import type { RecordChange } from './changes.ts';
import { notarise } from './notary.ts';
import type { NotaryParts } from './parts.ts';

/** Changes stand in the log on their own: they belong to no agent's session. */
export function changeRecorder(notary: NotaryParts, mode: 'same-user' | 'isolated'): RecordChange {
  return async ({ change, expects, sets, erases = [] }) => {
    const time = notary.clock.now();
    const statement = changeStatement({ change, changedAt: time, mode });
    const { signed } = await notarise(notary, 'change', statement, time);
    return notary.ledger.append({ signed, time, expects, sets, erases, side: [] });
  };
}
