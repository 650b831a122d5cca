import type { OutcomeKind } from '../call/call.ts';
import { outcome as outcomeStatement } from '../envelope/statements.ts';
import { CountersignError } from '../errors.ts';
import type { InclusionProof } from '../tlog/proof.ts';
import type { Execution } from '../targets/target.ts';
import { commitResult, type ResultCommitments } from './commitments.ts';
import type { CallEnvelopes, Denial } from './gate.ts';
import type { HeadMoves } from './counters/counters.ts';
import { createHolding, type Holding } from './held.ts';
import { envelopeOf, notarise, type Signed } from './notary.ts';
import type { RecordingParts } from './parts.ts';
import type { AllowOnRecord } from './record.ts';
import type { Reported } from './reported.ts';
import type { LinkedDraft } from './session-chain.ts';
import { sideOfResult } from './side-rows.ts';
import { witnessedOutcome } from './witnessing.ts';

export interface Settler {
  /**
   * Signs and logs what execution did. What cannot be logged is owed, and shuts the gate until it is. Once it is logged, the
   * witnesses that the call's rule demands are shown it, unless nobody waits for the answer any more: then `signal` is aborted.
   */
  settle<E extends Ending>(allow: AllowOnRecord, ending: E, signal: AbortSignal): Promise<Settled<E>>;
  /** Logs the outcomes that are owed; rejects with GATE_CLOSED while that fails. */
  settleWhatIsOwed(): Promise<void>;
}

/** How a call ended: what a target of ours did, or what a caller says that it did itself. */
export type Ending = Execution | Reported;

export type Settled<E extends Ending> =
  | { readonly kind: 'done'; readonly execution: E; readonly envelopes: CallEnvelopes }
  | { readonly kind: 'unrecorded'; readonly denial: Denial; readonly envelopes: CallEnvelopes };

interface OutcomeDraft extends LinkedDraft {
  readonly notarised: Signed;
}

interface Ended {
  readonly allow: AllowOnRecord;
  readonly execution: Ending;
  readonly finishedAt: number;
  readonly result: ResultCommitments | undefined;
}

const conflictAttempts = 8;

export function createSettler(parts: RecordingParts): Settler {
  const owed = new Map<string, Ended>();
  let settling: Promise<void> | undefined;

  const record = async (
    ended: Ended,
  ): Promise<{ readonly draft: OutcomeDraft; readonly proof: InclusionProof }> => {
    for (let attempt = 1; ; attempt += 1) {
      const holding = createHolding();
      try {
        return await ended.allow.session.append((link) =>
          draftOutcome(parts, attempt < conflictAttempts ? ended : keeping(ended), link, holding),
        );
      } catch (error) {
        const moved = error instanceof CountersignError && error.code === 'LEDGER_CONFLICT';
        if (!moved || attempt === conflictAttempts) throw error;
      } finally {
        holding.release();
      }
    }
  };

  const settleOwed = async (): Promise<void> => {
    for (const [callId, ended] of owed) {
      try {
        const { draft, proof } = await record(ended);
        notify(parts, ended, envelopeOf(parts, draft.notarised, proof));
      } catch (error) {
        throw new CountersignError(
          'GATE_CLOSED',
          'The gate is shut: the outcome of an earlier call could not be written to the log yet.',
          { cause: error },
        );
      }
      owed.delete(callId);
    }
  };

  return {
    async settle(allow, execution, signal) {
      const ended = { allow, execution, finishedAt: parts.clock.now(), result: commitResult(execution) };
      parts.flow.remember(allow.call, allow.principal, execution);
      const openings = {
        ...allow.envelopes.openings,
        ...(ended.result ? { result: ended.result.openings } : {}),
      };
      try {
        const { draft, proof } = await record(ended);
        const outcome =
          (await shownOutcome(parts, ended, draft, proof, signal)) ??
          envelopeOf(parts, draft.notarised, proof);
        notify(parts, ended, outcome);
        return {
          kind: 'done',
          execution,
          envelopes: { verdict: allow.envelopes.verdict, outcome, openings },
        };
      } catch {
        owed.set(allow.call.id, ended);
        return { kind: 'unrecorded', denial: outcomeUnrecorded, envelopes: { ...allow.envelopes, openings } };
      }
    },
    settleWhatIsOwed() {
      if (owed.size === 0) return Promise.resolve();
      settling ??= settleOwed().finally(() => {
        settling = undefined;
      });
      return settling;
    },
  };
}

const outcomeUnrecorded = {
  code: 'OUTCOME_UNRECORDED',
  message: 'The outcome could not be recorded: the call may have run, do not retry it.',
  retryable: false,
} as const;

/** The same without what it took: counters that others move again and again must not keep an outcome out of the log. */
function keeping(ended: Ended): Ended {
  return { ...ended, allow: { ...ended.allow, taken: [] } };
}

/**
 * What gives back what a call took that never ran, as the gate itself knows: on the word of a caller, whoever took could take
 * again and again. A counter that cannot be read keeps it.
 */
async function givenBack(
  { counters }: RecordingParts,
  taken: AllowOnRecord['taken'],
  ending: Ending,
  holding: Holding,
): Promise<HeadMoves> {
  const neverRan = ending.kind === 'none' && ending.outcome === 'aborted';
  if (!neverRan) return noMoves;
  return counters.giveBack(taken, holding).catch(() => noMoves);
}

const noMoves: HeadMoves = { expects: [], sets: [] };

async function draftOutcome(
  parts: RecordingParts,
  { allow, execution, finishedAt, result }: Ended,
  link: Parameters<typeof outcomeStatement>[0]['session'],
  holding: Holding,
): Promise<OutcomeDraft> {
  const time = parts.clock.now();
  const returned = await givenBack(parts, allow.taken, execution, holding);
  const statement = outcomeStatement({
    callId: allow.call.id,
    subject: allow.subject,
    verdict: allow.reference,
    outcome: outcomeKind(execution),
    ...reasonOf(execution),
    ...(result
      ? { result: { raw: result.raw, ...(result.normalised ? { normalised: result.normalised } : {}) } }
      : {}),
    startedAt: allow.startedAt ?? finishedAt,
    finishedAt,
    observedBy: execution.kind === 'reported' ? 'caller' : 'gate',
    ...(allow.enforcement?.length ? { enforcement: allow.enforcement } : {}),
    session: link,
    mode: parts.mode,
  });
  const [notarised, side] = await Promise.all([
    notarise(parts, 'outcome', statement, time),
    sideOfResult(allow.call, result?.kept ?? [], parts.policy),
  ]);
  return {
    notarised,
    signed: notarised.signed,
    callId: allow.call.id,
    time,
    permit: { action: 'close' },
    expects: returned.expects,
    sets: returned.sets,
    side,
  };
}

function notify({ notices }: RecordingParts, { allow, execution }: Ended, outcome: string): void {
  for (const obligation of allow.obligations) {
    if (obligation.type !== 'notify') continue;
    notices?.tell(obligation.to, {
      callId: allow.call.id,
      server: allow.call.server.name,
      tool: allow.call.tool,
      rule: obligation.rule,
      outcome: outcomeKind(execution),
      envelopes: { verdict: allow.envelopes.verdict, outcome },
    });
  }
}

/** Undefined where nobody has to see the outcome, or does not: what never ran does not wait once more. */
async function shownOutcome(
  parts: RecordingParts,
  { allow: { demand }, execution }: Ended,
  { notarised: signed }: OutcomeDraft,
  { logIndex }: InclusionProof,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (demand === undefined || outcomeKind(execution) === 'aborted') return undefined;
  return witnessedOutcome(parts, { count: demand.count, signed, logIndex }, signal);
}

function reasonOf(ending: Ending): { readonly reason?: NonNullable<Reported['reason']> } {
  if (ending.kind === 'none') return { reason: { code: ending.code, message: ending.message } };
  return ending.kind === 'reported' && ending.reason ? { reason: ending.reason } : {};
}

function outcomeKind(execution: Ending): OutcomeKind {
  switch (execution.kind) {
    case 'result':
      return 'executed';
    case 'error':
      return 'failed';
    case 'none':
    case 'reported':
      return execution.outcome;
  }
}
