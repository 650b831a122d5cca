import { fromHex } from '../call/sha256.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import { clockTolerance } from '../verify/limits.ts';
import { verifyPair } from '../verify/pair.ts';
import type { OutcomeFacts, VerdictFacts } from '../verify/predicates.ts';
import { parseUtc } from '../verify/rfc3339.ts';
import type { AuditTree } from './audit-tree.ts';
import { digestSet } from './digest-set.ts';
import type { Faults } from './faults.ts';

/** A call that was allowed, and of which the log does not say what became. */
export interface OpenCall {
  readonly callId: string;
  /** Index of its verdict. */
  readonly index: number;
  readonly tool?: string;
  /** When its lease ends at the latest, RFC 3339; absent when the verdict does not say. */
  readonly notAfter?: string;
  /** Whether the log goes on after the lease: then somebody should have said what became of it. */
  readonly overdue: boolean;
}

/** What an outcome is held to: of an open call nothing else is kept. Times are wall milliseconds, digests hexadecimal. */
export interface OpenVerdict {
  readonly kind: 'allow' | 'shadow';
  readonly callId: string;
  /** Who signed it. */
  readonly identity: string;
  readonly index: number;
  readonly sha256: string;
  /** Digest of the action document. */
  readonly subject: string;
  readonly decidedAt: number;
  readonly stampedAt: number;
  readonly notAfter?: number;
  /** Of a call that its caller carries out. */
  readonly settleBy?: number;
  readonly tool?: string;
}

/** The calls up to some entry. `denied` and `settled` are digests of ids. */
export interface CallMemory {
  readonly open: readonly OpenVerdict[];
  readonly denied: Uint8Array;
  readonly settled: Uint8Array;
}

/** Pairs verdicts and outcomes: one verdict a call, one outcome an ALLOW, each outcome after its verdict. */
export interface CallAudit {
  /** Every verified entry, in the log's order, once its leaf is in the tree. */
  see(entry: VerifiedEntry): void;
  /** What is still open at the end of the log, whose last time is `lastTime`; also the faults that only show then. */
  finish(lastTime: number): readonly OpenCall[];
  /** Outcomes of verdicts that were not replayed and that nobody remembers. */
  readonly unjudged: number;
  memory(): CallMemory;
}

export interface CallAuditOptions {
  readonly memory?: CallMemory | undefined;
  /** The first entry that is replayed; with no memory of those before it, what leans on them is not judged. */
  readonly from: number;
}

type Verdict = VerifiedEntry & { readonly facts: VerdictFacts };
type Outcome = VerifiedEntry & { readonly facts: OutcomeFacts };

export function pairCalls(tree: AuditTree, faults: Faults, { memory, from }: CallAuditOptions): CallAudit {
  const open = new Map((memory?.open ?? []).map((verdict) => [verdict.callId, verdict]));
  const denied = digestSet(memory?.denied);
  const settled = digestSet(memory?.settled);
  /** Outcomes whose verdict may still come, by the index of the outcome. */
  const early = new Map<string, number>();
  const blindBefore = memory === undefined ? from : 0;
  let unjudged = 0;

  const seeVerdict = (verdict: Verdict): void => {
    const { callId, kind } = verdict.facts;
    const { index } = verdict.place;
    const outcome = early.get(callId);
    if (outcome !== undefined) {
      const message = `Its outcome stands before it, at entry ${outcome}.`;
      faults.add({ code: 'OUTCOME_BEFORE_VERDICT', index, callId, message });
      early.delete(callId);
      settled.add(callId);
    } else if (open.has(callId) || denied.has(callId) || settled.has(callId)) {
      faults.add({ code: 'CALL_DUPLICATE', index, callId, message: 'The call has a second verdict.' });
    } else if (kind === 'deny') {
      denied.add(callId);
    } else {
      open.set(callId, openVerdict(verdict, kind));
    }
  };

  const seeOutcome = (outcome: Outcome): void => {
    const { callId } = outcome.facts;
    const { index } = outcome.place;
    const verdict = open.get(callId);
    if (verdict !== undefined) {
      for (const { code, message } of verifyPair(asSigned(verdict, outcome), outcome)) {
        faults.add({ code, index, callId, message });
      }
      requireTree(tree, outcome, faults);
      requireWithinLease(verdict, outcome, faults);
      open.delete(callId);
      settled.add(callId);
    } else if (settled.has(callId) || early.has(callId)) {
      faults.add({ code: 'OUTCOME_DUPLICATE', index, callId, message: 'The call has a second outcome.' });
    } else if (denied.has(callId)) {
      faults.add({ code: 'OUTCOME_WITHOUT_ALLOW', index, callId, message: 'A denied call has an outcome.' });
    } else if (outcome.facts.verdict.logIndex < blindBefore) {
      unjudged += 1;
      requireTree(tree, outcome, faults);
      settled.add(callId);
    } else early.set(callId, index);
  };

  return {
    see(entry) {
      const { facts } = entry;
      if (facts === undefined) return;
      if (facts.kind === 'outcome') seeOutcome({ ...entry, facts });
      else seeVerdict({ ...entry, facts });
    },
    finish(lastTime) {
      for (const [callId, index] of early) {
        const message = 'The log has no ALLOW of this call.';
        faults.add({ code: 'OUTCOME_WITHOUT_ALLOW', index, callId, message });
        settled.add(callId);
      }
      return [...open.values()].map((verdict) => {
        const call = openCall(verdict, lastTime);
        const { index, callId } = call;
        if (call.overdue) {
          const message = 'The lease of this call ended, and the log does not say what became of it.';
          faults.add({ code: 'OUTCOME_MISSING', index, callId, message });
        }
        return call;
      });
    },
    get unjudged() {
      return unjudged;
    },
    memory: () => ({ open: [...open.values()], denied: denied.toBytes(), settled: settled.toBytes() }),
  };
}

/** The tree that the outcome names must have been this log's: then the verdict was in it before the call ran. */
function requireTree(tree: AuditTree, { facts, place }: Outcome, faults: Faults): void {
  const { treeSize, rootHash } = facts.verdict;
  tree.check({ size: treeSize, root: fromHex(rootHash) ?? new Uint8Array() }, () =>
    faults.add({
      code: 'VERDICT_ROOT_WRONG',
      index: place.index,
      callId: facts.callId,
      message: `The log never had the tree of ${treeSize} entries that the outcome names.`,
    }),
  );
}

/** What was still running when its lease ended is cut off; whether it ran, the outcome then leaves open. */
function requireWithinLease(verdict: OpenVerdict, { facts, place }: Outcome, faults: Faults): void {
  const { notAfter, callId } = verdict;
  const ran = facts.outcome === 'executed' || facts.outcome === 'failed';
  if (!ran || notAfter === undefined || facts.finishedAt <= notAfter + clockTolerance) return;
  const late = Math.round((facts.finishedAt - notAfter) / 1_000);
  const message = `The call ended ${late} s after its lease.`;
  faults.add({ code: 'LEASE_EXCEEDED', index: place.index, callId, message });
}

function openVerdict(
  { facts, place, statement, signer, stamp, sha256 }: Verdict,
  kind: 'allow' | 'shadow',
): OpenVerdict {
  const stated = statement.predicate['notAfter'];
  const notAfter = typeof stated === 'string' ? parseUtc(stated) : undefined;
  const { server, name } = facts.tool;
  return {
    kind,
    callId: facts.callId,
    identity: signer.identity,
    index: place.index,
    sha256,
    subject: statement.subject[0]?.sha256 ?? '',
    decidedAt: facts.decidedAt,
    stampedAt: stamp.time,
    ...(notAfter !== undefined && { notAfter }),
    ...(facts.settleBy !== undefined && { settleBy: facts.settleBy }),
    ...(name !== undefined && { tool: server === undefined ? name : `${server}/${name}` }),
  };
}

/** The verdict as the pair's check takes it. Both stand in the log that is audited. */
function asSigned(verdict: OpenVerdict, { place }: Outcome): Parameters<typeof verifyPair>[0] {
  const { kind, callId, decidedAt, settleBy, subject, index, identity, stampedAt, sha256 } = verdict;
  return {
    signer: { identity },
    stamp: { time: stampedAt },
    place: { ...place, index },
    statement: { subject: [{ name: `urn:uuid:${callId}`, sha256: subject }] },
    facts: { kind, callId, decidedAt, ...(settleBy !== undefined && { settleBy }) },
    sha256,
  };
}

function openCall({ callId, index, tool, notAfter }: OpenVerdict, lastTime: number): OpenCall {
  return {
    callId,
    index,
    ...(tool !== undefined && { tool }),
    ...(notAfter !== undefined && { notAfter: new Date(notAfter).toISOString() }),
    overdue: notAfter === undefined || notAfter + clockTolerance < lastTime,
  };
}
