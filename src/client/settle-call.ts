import { denial } from './denial.ts';
import type { CallEnvelopes, Denial } from '../gate/gate.ts';
import { evidenceOf, evidenceOfDenial } from './evidence-of.ts';
import type { CallOptions, GateClient, GateDecision, OutcomeReport, RunResult } from './gate-client.ts';
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

async function settle<T>(
  { gate, decided: { callId, permit, envelopes }, options }: Begun,
  ended: Ended<T>,
  stopped: boolean,
): Promise<RunResult<T>> {
  const report = reportOf(ended, stopped);
  const told = toldBy(report);
  const settled = await gate.report(callId, permit, printed(report, told), withoutSignal(options));
  if (settled.kind === 'unsettled') {
    return { kind: 'unsettled', callId, denial: settled.denial, envelopes, ...ended };
  }
  const both = settled.envelopes;
  const evidence = evidenceOf(callId, told, both);
  if ('error' in ended) return { kind: 'failed', callId, error: ended.error, envelopes: both, evidence };
  return { kind: 'done', callId, result: ended.result, envelopes: both, evidence };
}

/** An ALLOW that came to nothing: reported as not begun. */
export async function giveBack(
  { gate, decided: { callId, permit, envelopes }, options, onEnd }: Begun,
  why: WhyNotBegun = 'CALLER_CANCELLED',
): Promise<Extract<RunResult<never>, { kind: 'denied' }>> {
  const settled = await gate.report(callId, permit, { outcome: 'aborted' }, withoutSignal(options));
  const denial = denials[why];
  const told = settled.kind === 'settled' ? settled.envelopes : envelopes;
  const ended = {
    kind: 'denied',
    callId,
    denial,
    envelopes: told,
    evidence: evidenceOf(callId, undefined, told),
  } as const;
  onEnd(ended);
  return ended;
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
function withoutSignal({ humanToken, deviceToken }: CallOptions): CallOptions {
  return {
    ...(humanToken !== undefined && { humanToken }),
    ...(deviceToken !== undefined && { deviceToken }),
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
