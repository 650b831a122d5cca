import { fromHex } from '../call/sha256.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import { clockTolerance } from '../verify/limits.ts';
import { verifyPair } from '../verify/pair.ts';
import type { OutcomeFacts, VerdictFacts } from '../verify/predicates.ts';
import { parseUtc } from '../verify/rfc3339.ts';
import type { AuditTree } from './audit-tree.ts';
import type { Faults } from './faults.ts';
import { ownText } from './own-text.ts';

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

/** Pairs verdicts and outcomes: one verdict a call, one outcome an ALLOW, each outcome after its verdict. */
export interface CallAudit {
  /** Every verified entry, in the log's order, once its leaf is in the tree. */
  see(entry: VerifiedEntry): void;
  /** What is still open at the end of the log, whose last time is `lastTime`; also the faults that only show then. */
  finish(lastTime: number): readonly OpenCall[];
}

type Verdict = VerifiedEntry & { readonly facts: VerdictFacts };
type Outcome = VerifiedEntry & { readonly facts: OutcomeFacts };

/** Calls are kept whole while they are open; of one that ended, only how. */
type Ended = 'denied' | 'settled';

export function pairCalls(tree: AuditTree, faults: Faults): CallAudit {
  const open = new Map<string, Verdict>();
  const ended = new Map<string, Ended>();
  const early = new Map<string, Outcome>();

  const seeVerdict = (verdict: Verdict): void => {
    const { callId, kind } = verdict.facts;
    const { index } = verdict.place;
    if (open.has(callId) || ended.has(callId)) {
      faults.add({ code: 'CALL_DUPLICATE', index, callId, message: 'The call has a second verdict.' });
      return;
    }
    const outcome = early.get(callId);
    if (outcome !== undefined) {
      const message = `Its outcome stands before it, at entry ${outcome.place.index}.`;
      faults.add({ code: 'OUTCOME_BEFORE_VERDICT', index, callId, message });
      early.delete(callId);
      ended.set(ownText(callId), 'settled');
    } else if (kind === 'deny') {
      ended.set(ownText(callId), 'denied');
    } else {
      open.set(callId, verdict);
    }
  };

  const seeOutcome = (outcome: Outcome): void => {
    const { callId } = outcome.facts;
    const { index } = outcome.place;
    const verdict = open.get(callId);
    if (verdict !== undefined) {
      for (const { code, message } of verifyPair(verdict, outcome)) {
        faults.add({ code, index, callId, message });
      }
      requireTree(tree, outcome, faults);
      open.delete(callId);
      ended.set(ownText(callId), 'settled');
      return;
    }
    const before = ended.get(callId) ?? (early.has(callId) ? 'settled' : undefined);
    if (before === undefined) early.set(callId, outcome);
    else if (before === 'settled') {
      faults.add({ code: 'OUTCOME_DUPLICATE', index, callId, message: 'The call has a second outcome.' });
    } else {
      faults.add({ code: 'OUTCOME_WITHOUT_ALLOW', index, callId, message: 'A denied call has an outcome.' });
    }
  };

  return {
    see(entry) {
      const { facts } = entry;
      if (facts === undefined) return;
      if (facts.kind === 'outcome') seeOutcome({ ...entry, facts });
      else seeVerdict({ ...entry, facts });
    },
    finish(lastTime) {
      for (const [callId, { place }] of early) {
        const message = 'The log has no ALLOW of this call.';
        faults.add({ code: 'OUTCOME_WITHOUT_ALLOW', index: place.index, callId, message });
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

function openCall({ facts, place, statement }: Verdict, lastTime: number): OpenCall {
  const stated = statement.predicate['notAfter'];
  const notAfter = typeof stated === 'string' ? parseUtc(stated) : undefined;
  const { server, name } = facts.tool;
  return {
    callId: facts.callId,
    index: place.index,
    ...(name !== undefined && { tool: server === undefined ? name : `${server}/${name}` }),
    ...(notAfter !== undefined && { notAfter: new Date(notAfter).toISOString() }),
    overdue: notAfter === undefined || notAfter + clockTolerance < lastTime,
  };
}
