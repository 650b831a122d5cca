import { equalBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { appendLeaves, rootOf } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import { draftView } from './draft-view.ts';
import type { EntryDraft } from './ledger.ts';
import type { Prepared } from './prepare.ts';
import { isVerdictKind } from './store.ts';
import type { CommitReads, Snapshot, StoredEntry, Writes } from './store.ts';
import { rotated } from './succession.ts';
import type { Succession } from './succession.ts';

export interface PlanRules {
  /** Milliseconds that a statement may lie behind the log's last time. */
  readonly clockTolerance: number;
  /** The signed note over a tree head; synchronous. */
  readonly sign: (head: { readonly size: number; readonly root: Uint8Array }) => string;
  /** SubjectPublicKeyInfo of the key behind `sign`. */
  readonly publicKey: Uint8Array;
}

/** What a commit will do to the log, computed under the writer's lock. */
export interface Plan {
  /** The tree that was found, and the tree after `accepted`. */
  readonly before: TreeEdge;
  readonly after: TreeEdge;
  readonly accepted: readonly Prepared[];
  readonly refused: ReadonlyMap<Prepared, CountersignError>;
  /** Null when every draft was refused. */
  readonly writes: Writes | null;
}

/** What has to be read before the batch can be planned. */
export function readsOf(knownSize: number, batch: readonly Prepared[]): CommitReads {
  const calls = (wanted: (draft: EntryDraft) => boolean): string[] =>
    batch.flatMap(({ draft }) => (draft.callId !== undefined && wanted(draft) ? [draft.callId] : []));
  return {
    knownSize,
    heads: [...new Set(batch.flatMap(({ draft }) => draft.expects.map(({ key }) => key)))],
    permits: [...new Set(calls(({ permit }) => permit?.action === 'close'))],
    verdicts: [...new Set(calls(({ signed }) => isVerdictKind(signed.kind)))],
  };
}

/**
 * Decides which drafts of the batch hold, in their order, each on top of those before it; a refused one leaves no trace.
 * LEDGER_ROLLED_BACK when the log is not a continuation of `known`, KEY_ROTATED when another key signs it by now. With
 * `handover` the log's key changes in this commit.
 */
export function planBatch(
  known: TreeEdge,
  snapshot: Snapshot,
  batch: readonly Prepared[],
  rules: PlanRules,
  handover?: Succession,
): Plan {
  // A gate that still has the old key must not put its signature on top of the new one's.
  if (!equalBytes(snapshot.publicKey, rules.publicKey)) throw rotated();
  const before = catchUp(known, snapshot);
  const view = draftView(snapshot, rules.clockTolerance);
  const accepted: Prepared[] = [];
  const refused = new Map<Prepared, CountersignError>();
  for (const item of batch) {
    const refusal = view.refusal(item.draft);
    if (refusal !== null) {
      refused.set(item, refusal);
      continue;
    }
    view.apply(item.draft, before.size + accepted.length);
    accepted.push(item);
  }
  if (accepted.length === 0) return { before, after: before, accepted, refused, writes: null };

  const { edge: after, tiles } = appendLeaves(
    before,
    accepted.map(({ leafHash }) => leafHash),
  );
  const root = rootOf(after);
  const head = {
    size: after.size,
    root,
    checkpoint: (handover ?? rules).sign({ size: after.size, root }),
    lastTime: view.lastTime(),
  };
  const writes: Writes = {
    head,
    entries: accepted.map((item, offset) => entryOf(item, before.size + offset)),
    tiles,
    heads: view.heads(),
    permits: view.permits(),
    side: accepted.flatMap(({ draft: { side } }, offset) =>
      side.length === 0 ? [] : [{ index: before.size + offset, rows: side }],
    ),
    erased: accepted.flatMap(({ draft: { erases } }) => erases ?? []),
    ...(handover && { identity: handover.identity }),
  };
  return { before, after, accepted, refused, writes };
}

/**
 * The tree that the store holds, if it continues the one that this process knows and has released checkpoints of. A file
 * that was put back from a backup under a running gate ends here, before anything is signed over it.
 */
export function catchUp(known: TreeEdge, { head, leafHashes }: Snapshot): TreeEdge {
  if (head.size < known.size) throw rolledBack();
  const { edge } = appendLeaves(known, leafHashes);
  if (edge.size !== head.size || !equalBytes(rootOf(edge), head.root)) throw rolledBack();
  return edge;
}

export function rolledBack(): CountersignError {
  return new CountersignError(
    'LEDGER_ROLLED_BACK',
    'The ledger is not a continuation of the checkpoint that was released last: it was restored from a copy, or lost its end. ' +
      'To go on with it, as another log that cites it: countersign log restore --in-place',
  );
}

function entryOf({ draft: { signed, callId, time }, leafHash }: Prepared, index: number): StoredEntry {
  const { kind, leaf, payload, timestamp } = signed;
  return { index, kind, callId: callId ?? null, time, leafHash, leaf, payload, timestamp };
}
