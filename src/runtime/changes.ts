import type { RecordChange } from '../gate/changes.ts';
import { notarise } from '../gate/notary.ts';
import type { NotaryParts } from '../gate/parts.ts';
import { change as changeStatement } from '../envelope/statements.ts';

/** Changes stand in the log on their own: they belong to no agent's session. */
export function changeRecorder(notary: NotaryParts, mode: 'same-user' | 'isolated'): RecordChange {
  return async ({ change, expects, sets, erases = [] }) => {
    const time = notary.clock.now();
    const { signed } = await notarise(
      notary,
      'change',
      changeStatement({ change, changedAt: time, mode }),
      time,
    );
    return notary.ledger.append({ signed, time, expects, sets, erases, side: [] });
  };
}
