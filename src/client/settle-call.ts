import type { CallEnvelopes, Denial } from '../gate/gate.ts';
import { denial, denialOfThrown } from './denial.ts';
import { evidenceOf, evidenceOfDenial } from './evidence-of.ts';
import type {
  CallOptions,
  GateClient,
  GateDecision,
  GateReport,
  OutcomeReport,
  RunResult,
} from './gate-client.ts';
import { toldBy, type Told } from './request-bytes.ts';

/** An allowed call, and whom its outcome is told. */
export interface Begun {
  readonly gate: Pick<GateClient, 'report'>;
  readonly decided: Extract<GateDecision, { decision: 'ALLOW' }>;
  readonly options: CallOptions;
  readonly onEnd: (ended: RunResult<unknown>) => void;
}

/** What is found before it begins. */
export type WhyNotBegun = 'CALLER_CANCELLED' | 'ARGUMENTS_CHANGED';

export type Ended<T> = { readonly result: T } | { readonly error: unknown };

/** Reports what came of a call. `stopped`: its lease had ended before it did. */
export async function settleCall<T>(begun: Begun, ended: Ended<T>, stopped: boolean): Promise<RunResult<T>> {
  const settled = await settle(begun, ended, stopped);
  begun.onEnd(settled);
  return settled;
}

async function settle<T>(begun: Begun, ended: Ended<T>, stopped: boolean): Promise<RunResult<T>> {
  const { callId, envelopes } = begun.decided;
  const report = reportOf(ended, stopped);
  const told = toldBy(report);
  const settled = await tellGate(begun, printed(report, told));
  if (settled.kind === 'unsettled') {
    return { kind: 'unsettled', callId, denial: notToBeRepeated(settled.denial), envelopes, ...ended };
  }
  const both = settled.envelopes;
  const evidence = evidenceOf(callId, told, both);
  if ('error' in ended) return { kind: 'failed', callId, error: ended.error, envelopes: both, evidence };
  return { kind: 'done', callId, result: ended.result, envelopes: both, evidence };
}

/** An ALLOW that came to nothing: reported as not begun. */
export async function giveBack(
  begun: Begun,
  why: WhyNotBegun = 'CALLER_CANCELLED',
): Promise<Extract<RunResult<never>, { kind: 'denied' }>> {
  const { callId, envelopes } = begun.decided;
  const settled = await tellGate(begun, { outcome: 'aborted' });
  const denial = denials[why];
  const told = settled.kind === 'settled' ? settled.envelopes : envelopes;
  const ended = {
    kind: 'denied',
    callId,
    denial,
    envelopes: told,
    evidence: evidenceOf(callId, undefined, told),
  } as const;
  begun.onEnd(ended);
  return ended;
}

/** A gate that throws what it should say leaves a call as one that cannot be told: it has begun all the same. */
async function tellGate(
  { gate, decided: { callId, permit }, options }: Begun,
  report: OutcomeReport,
): Promise<GateReport> {
  try {
    return await gate.report(callId, permit, report, withoutSignal(options));
  } catch (error) {
    return { kind: 'unsettled', denial: denialOfThrown(error) };
  }
}

/** Whatever the gate’s own reason was: who reads it, a model perhaps, must know first that the call may have run. */
function notToBeRepeated(why: Denial): Denial {
  if (why.code === 'OUTCOME_UNRECORDED') return why;
  return denial(
    'OUTCOME_UNRECORDED',
    `The call has run, or may have, and its outcome is not recorded: do not retry it. ${why.message} (${why.code})`,
  );
}

/** A denial with what is signed of it. */
export function evidenced(
  callId: string,
  why: Denial,
  envelopes: CallEnvelopes | undefined,
): { readonly evidence?: string } {
  const evidence = evidenceOfDenial(callId, why, envelopes);
  return evidence === undefined ? {} : { evidence };
}

/** What was stopped half-way may have run to its end all the same. A result of nothing is told as null. */
function reportOf(ended: Ended<unknown>, stopped: boolean): OutcomeReport {
  if ('result' in ended) return { outcome: 'executed', result: ended.result ?? null };
  return stopped ? { outcome: 'unknown' } : { outcome: 'failed', error: ended.error };
}

/** The same with what it tells printed: once, as printing it again could give something else. */
function printed(report: OutcomeReport, told: Told | undefined): OutcomeReport {
  if (report.outcome === 'executed') return { outcome: 'executed', result: told?.bytes };
  return report.outcome === 'failed' ? { outcome: 'failed', error: told?.bytes } : report;
}

/** What ran is reported also when nobody waits for the result any more. */
function withoutSignal({ humanToken, deviceToken, grant }: CallOptions): CallOptions {
  return {
    ...(humanToken !== undefined && { humanToken }),
    ...(deviceToken !== undefined && { deviceToken }),
    ...(grant !== undefined && { grant }),
  };
}

const denials: Readonly<Record<WhyNotBegun, Denial>> = {
  CALLER_CANCELLED: denial(
    'CALLER_CANCELLED',
    'The call was cancelled, or its time was over, before it was begun; nothing ran.',
    true,
  ),
  ARGUMENTS_CHANGED: denial(
    'ARGUMENTS_CHANGED',
    'The arguments are not those any more that were decided on; nothing ran.',
  ),
};
