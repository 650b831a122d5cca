import { isRevocationCode } from '../call/revocation-code.ts';
import type { CountersignError } from '../errors.ts';
import type { Execution } from '../targets/target.ts';
import { denialOfExecution, refusal } from './denials.ts';
import type { Denial } from './gate.ts';
import type { RecordedAllow } from './record.ts';
import type { Settler } from './settle.ts';
import type { Watched, Watches } from './watches.ts';

/** Calls that go on after their answer (MCP tasks), each until it is settled, once. */
export interface PendingCalls {
  /** Aborted when the gate itself has ended the call: then whoever can, cancels it where it runs. */
  add(allow: RecordedAllow, watched: Watched): AbortSignal;
  /** From here on nobody else settles it; a denial when there is nothing to settle. */
  take(callId: string): RecordedAllow | { readonly denial: Denial };
  /** Settles what is left as unknown. */
  close(): Promise<void>;
}

interface Pending {
  readonly allow: RecordedAllow;
  unwatch: () => void;
}

/** Ended calls whose end is remembered, so that whoever fetches a result is told why there is none. */
const maxEnded = 1_024;

export function createPendingCalls({
  settler,
  watches,
}: {
  readonly settler: Settler;
  readonly watches: Watches;
}): PendingCalls {
  const pending = new Map<string, Pending>();
  const ended = new Map<string, Denial>();
  const settling = new Set<Promise<unknown>>();

  const settle = (allow: RecordedAllow, execution: NoAnswer): void => {
    const settled = settler.settle(allow, execution, AbortSignal.abort());
    settling.add(settled);
    void settled.finally(() => settling.delete(settled));
  };
  const remember = (callId: string, denial: Denial): void => {
    ended.set(callId, denial);
    const [oldest = ''] = ended.keys();
    if (ended.size > maxEnded) ended.delete(oldest);
  };

  return {
    add(allow, watched) {
      const { id } = allow.call;
      const over = new AbortController();
      const entry: Pending = { allow, unwatch: () => undefined };
      pending.set(id, entry);
      entry.unwatch = watches.add(watched, (why) => {
        pending.delete(id);
        const execution = endedBy(why);
        remember(id, denialOfExecution(execution));
        settle(allow, execution);
        over.abort(why);
      });
      return over.signal;
    },
    take(callId) {
      const known = pending.get(callId);
      if (!known)
        return {
          denial: ended.get(callId) ?? refusal('PERMIT_INVALID', 'No call of this id waits for its outcome.'),
        };
      known.unwatch();
      pending.delete(callId);
      return known.allow;
    },
    async close() {
      for (const [callId, { allow, unwatch }] of [...pending]) {
        unwatch();
        pending.delete(callId);
        settle(allow, unfinished);
      }
      await Promise.allSettled([...settling]);
    },
  };
}

type NoAnswer = Extract<Execution, { kind: 'none' }>;

function endedBy({ code, message }: CountersignError): NoAnswer {
  return {
    kind: 'none',
    outcome: 'unknown',
    code: isRevocationCode(code) ? code : 'LEASE_ENDED',
    message: `${message} The tool had not reported its end; it may have run.`,
  };
}

const unfinished: NoAnswer = {
  kind: 'none',
  outcome: 'unknown',
  code: 'GATE_DIED',
  message: 'The gate closed before the tool reported its end.',
};
