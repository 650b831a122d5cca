import { denial } from './denial.ts';
import { evidenceOf } from './evidence-of.ts';
import type {
  CallOptions,
  OutcomeReport,
  Execute,
  GateClient,
  GateDecision,
  RunResult,
  ToolCall,
} from './gate-client.ts';
import { toldBy, type Told } from './request-bytes.ts';

type Allowed = Extract<GateDecision, { decision: 'ALLOW' }>;
type Ended<T> = { readonly result: T } | { readonly error: unknown };

/** Decides, carries out, reports: what is not allowed is never begun, and what was begun is always reported. */
export async function runCall<T>(
  gate: Pick<GateClient, 'decide' | 'report'>,
  call: ToolCall,
  execute: Execute<T>,
  options: CallOptions,
): Promise<RunResult<T>> {
  // Taken from before the gate was asked: whoever's clock is wrong, the permit does not last longer here than there.
  const asked = performance.now();
  const decided = await gate.decide(call, options);
  if (decided.decision === 'DENY') {
    const { callId, denial: why, envelopes } = decided;
    return { kind: 'denied', callId, denial: why, ...(envelopes && { envelopes }) };
  }
  const lease = startLease(decided, asked, options.signal);
  try {
    if (lease.signal.aborted) return await giveBack(gate, decided, options);
    const ended = await carryOut(() => execute(call.arguments, lease.signal));
    return await settle(gate, decided, ended, reportOf(ended, lease.signal), options);
  } finally {
    lease.end();
  }
}

async function carryOut<T>(execute: () => Promise<T>): Promise<Ended<T>> {
  try {
    return { result: await execute() };
  } catch (error) {
    return { error };
  }
}

/** What was stopped half-way may have run to its end all the same. A result of nothing is told as null. */
function reportOf(ended: Ended<unknown>, signal: AbortSignal): OutcomeReport {
  if ('result' in ended) return { outcome: 'executed', result: ended.result ?? null };
  return signal.aborted ? { outcome: 'unknown' } : { outcome: 'failed', error: ended.error };
}

/** The same with what it tells printed: once, as printing it again could give something else. */
function printed(report: OutcomeReport, told: Told | undefined): OutcomeReport {
  if (report.outcome === 'executed') return { outcome: 'executed', result: told?.bytes };
  return report.outcome === 'failed' ? { outcome: 'failed', error: told?.bytes } : report;
}

async function settle<T>(
  gate: Pick<GateClient, 'report'>,
  { callId, permit, envelopes }: Allowed,
  ended: Ended<T>,
  report: OutcomeReport,
  options: CallOptions,
): Promise<RunResult<T>> {
  const told = toldBy(report);
  const settled = await gate.report(callId, permit, printed(report, told), withoutSignal(options));
  if (settled.kind === 'unsettled') {
    return { kind: 'unsettled', callId, denial: settled.denial, envelopes, ...ended };
  }
  const both = settled.envelopes;
  if ('error' in ended) return { kind: 'failed', callId, error: ended.error, envelopes: both };
  return {
    kind: 'done',
    callId,
    result: ended.result,
    envelopes: both,
    evidence: evidenceOf(callId, told, both),
  };
}

/** An ALLOW that came too late, or that nobody waits for any more: it was not begun. */
async function giveBack<T>(
  gate: Pick<GateClient, 'report'>,
  { callId, permit, envelopes }: Allowed,
  options: CallOptions,
): Promise<RunResult<T>> {
  const settled = await gate.report(callId, permit, { outcome: 'aborted' }, withoutSignal(options));
  return {
    kind: 'denied',
    callId,
    denial: notBegun,
    envelopes: settled.kind === 'settled' ? settled.envelopes : envelopes,
  };
}

/** What ran is reported also when nobody waits for the result any more. */
function withoutSignal({ humanToken, deviceToken }: CallOptions): CallOptions {
  return {
    ...(humanToken !== undefined && { humanToken }),
    ...(deviceToken !== undefined && { deviceToken }),
  };
}

const notBegun = denial(
  'CALLER_CANCELLED',
  'The call was cancelled, or its time was over, before it was begun; nothing ran.',
  true,
);

interface Lease {
  readonly signal: AbortSignal;
  end(): void;
}

function startLease({ lasts }: Allowed, asked: number, caller: AbortSignal | undefined): Lease {
  const lease = new AbortController();
  const stop = (): void => lease.abort(caller?.reason);
  const left = lasts - (performance.now() - asked);
  const timer = setTimeout(() => lease.abort(), Math.max(0, left));
  if (caller?.aborted || left <= 0) stop();
  caller?.addEventListener('abort', stop, { once: true });
  return {
    signal: lease.signal,
    end() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', stop);
    },
  };
}
