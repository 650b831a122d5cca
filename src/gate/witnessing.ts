import { hex } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { Execution } from '../targets/target.ts';
import { envelopeOf, type Signed } from './notary.ts';
import type { NotaryParts } from './parts.ts';
import type { AllowOnRecord } from './record.ts';

/** Milliseconds that an outcome waits for its witnesses: the call is over, and its answer is ready. */
const outcomeWithinMs = 5_000;

/** A call on its way to execution, or why it does not get there. */
export interface Shown<A extends AllowOnRecord> {
  /** Its verdict's envelope is under a head that the demanded witnesses cosigned, if they did. */
  readonly allow: A;
  readonly aborted?: Execution;
}

/** The time by which a call has to be on its way. Milliseconds. */
export interface Deadline {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * Lets the witnesses that the rule demands see the ALLOW in the log before the call runs, within the time that it may be
 * dispatched in. A call without such a demand does not wait.
 */
export async function showVerdict<A extends AllowOnRecord>(
  parts: NotaryParts,
  allow: A,
  { monotonic, wall }: Deadline,
  signal: AbortSignal,
): Promise<Shown<A>> {
  const { demand } = allow;
  if (demand === undefined) return { allow };
  const left = Math.min(monotonic - parts.clock.monotonic(), wall - parts.clock.now());
  try {
    const { envelope, head } = await witnessed(parts, demand, left, signal);
    const reference = {
      ...allow.reference,
      treeSize: head.size,
      rootHash: hex(head.root),
    };
    return { allow: { ...allow, reference, envelopes: { ...allow.envelopes, verdict: envelope } } };
  } catch (error) {
    return { allow, aborted: signal.aborted ? cancelled : notSeen(error) };
  }
}

/**
 * The outcome's envelope under a head that as many witnesses cosigned as the verdict's; undefined when they do not: the call is
 * over, and its outcome is in the log either way.
 */
export async function witnessedOutcome(
  parts: NotaryParts,
  outcome: WitnessDemand,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await witnessed(parts, outcome, outcomeWithinMs, signal)).envelope;
  } catch {
    return undefined;
  }
}

/** A statement that is in the log, and how many witnesses must have seen it there. */
export interface WitnessDemand {
  readonly count: number;
  readonly signed: Signed;
  readonly logIndex: number;
}

async function witnessed(
  parts: NotaryParts,
  { count, signed, logIndex }: WitnessDemand,
  withinMs: number,
  signal: AbortSignal,
) {
  const { witnesses, ledger } = parts;
  if (witnesses === undefined) throw unavailable('This gate knows no witness of its log.');
  const deadline = new AbortController();
  const stop = (): void => deadline.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(
    () => deadline.abort(unavailable('The witnesses of the log did not answer in time.')),
    Math.max(0, withinMs),
  );
  try {
    const head = await witnesses.cosigned(count, deadline.signal);
    const proof = await ledger.prove(logIndex, head);
    return { head, envelope: envelopeOf(parts, signed, proof) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function unavailable(message: string): CountersignError {
  return new CountersignError('WITNESS_UNAVAILABLE', message);
}

const cancelled: Execution = {
  kind: 'none',
  outcome: 'aborted',
  code: 'CALLER_CANCELLED',
  message: 'The call was cancelled while the log’s witnesses were asked; nothing ran.',
};

function notSeen(error: unknown): Execution {
  const told = error instanceof CountersignError ? error : unavailable('The witnesses could not be asked.');
  return {
    kind: 'none',
    outcome: 'aborted',
    code: told.code === 'LOG_FORKED' ? 'LOG_FORKED' : 'WITNESS_UNAVAILABLE',
    message: `${told.message} The call was not run.`,
  };
}
