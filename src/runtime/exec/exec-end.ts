import type { CallEnvelopes, Denial } from '../../gate/gate.ts';
import type { CommandEnd } from '../../targets/command-run.ts';

/** What came of a command that a gate was asked about. */
export interface ExecEnd {
  readonly callId: string;
  /** Absent where the gate did not decide. */
  readonly decision?: 'ALLOW' | 'DENY';
  /** What the command did; absent where it was not begun. */
  readonly end?: CommandEnd;
  /** Why the gate refused, or ended it, or could not record what it did. */
  readonly denial?: Denial;
  /** JSON text that `countersign verify` takes; absent where nothing was signed. */
  readonly evidence?: string;
}

/** A denial, signed or not, of a call that was never allowed. */
export function decisionOf(envelopes: CallEnvelopes | undefined): Pick<ExecEnd, 'decision'> {
  if (envelopes === undefined) return {};
  // An ALLOW that came to nothing has an outcome; a DENY has none.
  return { decision: envelopes.outcome === undefined ? 'DENY' : 'ALLOW' };
}
