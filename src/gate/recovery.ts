import { fromUtf8, hex } from '../call/sha256.ts';
import { parseLeafBody } from '../envelope/leaf-body.ts';
import { outcome as outcomeStatement } from '../envelope/statements.ts';
import { CountersignError } from '../errors.ts';
import type { OpenPermit } from '../ledger/ledger.ts';
import { closeSession } from './close-session.ts';
import { notarise } from './notary.ts';
import type { GateParts, NotaryParts } from './parts.ts';
import type { VerdictReference } from './record.ts';
import { createSessionChain, type SessionLink } from './session-chain.ts';
import { parseSessionHead, sessionHeadPrefix, type SessionHead } from './session-head.ts';

export type RecoveryParts = NotaryParts & Pick<GateParts, 'mode'>;

/** Whether the process of an instance runs, or may run again. Once it was answered with no, it never acts again. */
export type IsAlive = (instance: string) => boolean | Promise<boolean>;

export interface Recovered {
  /** Calls whose outcome nobody will ever report: settled as `unknown`. */
  readonly calls: number;
  readonly sessions: number;
}

/**
 * Settles what dead instances left open: each of their permits becomes an `unknown` outcome in the session that it
 * belongs to, and the session is closed. What another gate settles at the same moment is left to it.
 */
export async function recover(parts: RecoveryParts, isAlive: IsAlive): Promise<Recovered> {
  const abandoned = await abandonedSessions(parts, isAlive);
  // Only now, as a gate that was seen dead writes no more: permits read any earlier could lack its last ones.
  const permits = await parts.ledger.openPermits();
  let calls = 0;
  let sessions = 0;
  for (const [id, head] of abandoned) {
    const own = permits.filter(({ instance }) => instance === head.instance);
    const verdicts = await Promise.all(own.map((permit) => readVerdict(parts, permit)));
    const ofSession = verdicts.filter(({ session }) => session === id);
    if (!(await settleSession(parts, id, head, ofSession))) continue;
    calls += ofSession.length;
    sessions += 1;
  }
  return { calls, sessions };
}

/** The open sessions of instances that are dead. */
async function abandonedSessions(
  { ledger }: RecoveryParts,
  isAlive: IsAlive,
): Promise<readonly (readonly [id: string, head: SessionHead])[]> {
  const heads = [...(await ledger.headsUnder(sessionHeadPrefix))].map(
    ([key, value]) => [key.slice(sessionHeadPrefix.length), parseSessionHead(value)] as const,
  );
  const instances = [...new Set(heads.map(([, { instance }]) => instance))];
  const alive = new Map(await Promise.all(instances.map(async (id) => [id, await isAlive(id)] as const)));
  return heads.filter(([, { instance }]) => alive.get(instance) !== true);
}

interface AbandonedCall {
  readonly callId: string;
  readonly session: string;
  readonly subject: string;
  readonly decidedAt: number;
  readonly reference: VerdictReference;
}

/** False when another gate was faster. */
async function settleSession(
  parts: RecoveryParts,
  id: string,
  head: SessionHead,
  calls: readonly AbandonedCall[],
): Promise<boolean> {
  const chain = createSessionChain({
    id,
    instance: head.instance,
    ledger: parts.ledger,
    resume: head,
    open: () => Promise.reject(new CountersignError('LEDGER_CONFLICT', 'The session is closed already.')),
  });
  try {
    for (const call of calls) await chain.append((link) => draftUnknown(parts, call, link));
    await closeSession(parts, chain);
    return true;
  } catch (error) {
    if (error instanceof CountersignError && lostRace.has(error.code)) return false;
    throw error;
  }
}

const lostRace = new Set<string>(['LEDGER_CONFLICT', 'PERMIT_INVALID']);

async function draftUnknown(parts: RecoveryParts, call: AbandonedCall, session: SessionLink) {
  const time = parts.clock.now();
  const statement = outcomeStatement({
    callId: call.callId,
    subject: call.subject,
    verdict: call.reference,
    outcome: 'unknown',
    reason: {
      code: 'GATE_DIED',
      message: 'The gate ended before the outcome was known: the call may have run.',
    },
    startedAt: call.decidedAt,
    finishedAt: time,
    observedBy: 'gate',
    session,
    mode: parts.mode,
  });
  const { signed } = await notarise(parts, 'outcome', statement, time);
  return { signed, callId: call.callId, time, permit: { action: 'close' } as const, side: [] };
}

/** What the outcome has to say of its verdict, from the verdict's own entry. */
async function readVerdict(
  { ledger }: RecoveryParts,
  { callId, logIndex }: OpenPermit,
): Promise<AbandonedCall> {
  const entry = (await ledger.entriesOfCall(callId)).find(({ index }) => index === logIndex);
  const leaf = entry && parseLeafBody(entry.leaf);
  if (!entry || !leaf) {
    throw new CountersignError(
      'LEDGER_CORRUPT',
      `The ledger has no readable verdict for the open call ${callId}.`,
    );
  }
  const statement = JSON.parse(fromUtf8(entry.payload) ?? 'null') as {
    subject: [{ digest: { sha256: string } }];
    predicate: { session: { id: string } };
  };
  const proof = await ledger.prove(logIndex);
  return {
    callId,
    session: statement.predicate.session.id,
    subject: statement.subject[0].digest.sha256,
    decidedAt: entry.time,
    reference: {
      sha256: hex(leaf.paeSha256),
      logIndex,
      treeSize: proof.treeSize,
      rootHash: hex(proof.rootHash),
    },
  };
}
