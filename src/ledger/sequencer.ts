import { equalBytes } from '../call/sha256.ts';
import { CountersignError, toCountersignError } from '../errors.ts';
import type { InclusionProof } from '../tlog/proof.ts';
import { proveAppended } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { Ballast } from './ballast.ts';
import type { EntryDraft } from './ledger.ts';
import { planBatch, readsOf } from './plan.ts';
import type { Plan, PlanRules } from './plan.ts';
import { prepare } from './prepare.ts';
import type { Prepared } from './prepare.ts';
import type { ReleasedCheckpoints } from './released-checkpoint.ts';
import { CommitOutcomeUnknown } from './store.ts';
import type { LogStore } from './store.ts';
import { rotated } from './succession.ts';
import type { Succession } from './succession.ts';

export interface SequencerOptions {
  readonly store: LogStore;
  /** The tree that the released checkpoints and the store agree on. */
  readonly edge: TreeEdge;
  readonly released: ReleasedCheckpoints;
  readonly ballast: Ballast;
  readonly rules: PlanRules;
  /** Entries of one commit, at most. */
  readonly maxBatch: number;
  /** Waits until what is ready to join a batch has joined. */
  readonly turn: () => Promise<void>;
}

export interface Sequencer {
  append(draft: EntryDraft): Promise<InclusionProof>;
  /** Appends in a commit of its own that hands the log to its next key. Nothing is appended with this one afterwards. */
  handOver(draft: EntryDraft, handover: Succession): Promise<InclusionProof>;
  /** Refuses further drafts; resolves when all that were waiting are settled. */
  close(): Promise<void>;
}

interface Waiting extends Prepared {
  /** The draft that tells of it is alone in its batch. */
  readonly handover?: Succession;
  readonly resolve: (proof: InclusionProof) => void;
  readonly reject: (error: CountersignError) => void;
}

/** Group commit: drafts that arrive while a commit is in flight form the next batch. No timer. */
export function createSequencer(options: SequencerOptions): Sequencer {
  const { store, released, ballast, rules, maxBatch, turn } = options;
  const queue: Waiting[] = [];
  let edge = options.edge;
  let running: Promise<void> | null = null;
  let closed = false;
  let halted: CountersignError | null = null;

  const run = async (): Promise<void> => {
    do {
      await turn();
      await settleBatch(queue.splice(0, batchLength(queue, maxBatch)));
    } while (queue.length > 0);
    running = null;
  };

  const settleBatch = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      if (halted !== null) throw halted;
      await commitBatch(refuseWhenShort(batch));
    } catch (thrown) {
      const failure = failureOf(thrown);
      const last = failure.code === 'LEDGER_FULL' ? await settleFull(batch, failure) : failure;
      // Those that are settled already do not hear it.
      if (last !== null) rejectAll(batch, last);
    }
  };

  /** Without its ballast the ledger takes only what ends a call that runs already. */
  const refuseWhenShort = (batch: readonly Waiting[]): readonly Waiting[] => {
    if (batch.every(closesPermit) || ballast.held() || ballast.restore()) return batch;
    const full = new CountersignError(
      'LEDGER_FULL',
      'The space that is left is kept for the outcomes of what runs already.',
    );
    rejectAll(
      batch.filter((item) => !closesPermit(item)),
      full,
    );
    return batch.filter(closesPermit);
  };

  /** Records the outcomes of a batch in the space kept for them. Returns why even those could not be, or null. */
  const settleFull = async (
    batch: readonly Waiting[],
    full: CountersignError,
  ): Promise<CountersignError | null> => {
    rejectAll(
      batch.filter((item) => !closesPermit(item)),
      full,
    );
    const closing = batch.filter(closesPermit);
    try {
      if (closing.length > 0) ballast.release();
      await commitBatch(closing);
      return null;
    } catch (thrown) {
      return failureOf(thrown);
    }
  };

  const commitBatch = async (batch: readonly Waiting[]): Promise<void> => {
    if (batch.length === 0) return;
    const plan = await commitPlan(batch);
    // Nothing in memory changes, and nothing is released, before this point: what failed until here left no trace.
    edge = plan.after;
    const head = plan.writes?.head;
    if (plan.writes?.identity !== undefined) halted = rotated();
    if (head !== undefined) await released.store({ size: head.size, root: head.root });
    settle(batch, plan);
  };

  const commitPlan = async (batch: readonly Waiting[]): Promise<Plan> => {
    let plan: Plan | undefined;
    try {
      await store.commit(readsOf(edge.size, batch), (snapshot) => {
        plan = planBatch(edge, snapshot, batch, rules, batch[0]?.handover);
        return plan.writes;
      });
    } catch (thrown) {
      if (!(thrown instanceof CommitOutcomeUnknown) || plan === undefined) throw thrown;
      if (!(await becameDurable(plan))) throw thrown.cause;
    }
    if (plan === undefined) {
      throw new CountersignError('LEDGER_UNAVAILABLE', 'The store committed nothing and said nothing.');
    }
    return plan;
  };

  /**
   * After a commit whose outcome is unknown, looks for its leaves under the writer's lock, so that a transaction that still
   * hangs somewhere has ended. Until this is known nothing else is signed: a batch is all that is in flight.
   */
  const becameDurable = async (plan: Plan): Promise<boolean> => {
    let found = false;
    const reads = { knownSize: plan.before.size, heads: [], permits: [], verdicts: [] };
    await store.commit(reads, ({ leafHashes }) => {
      found = plan.accepted.every(({ leafHash }, i) => {
        const stored = leafHashes[i];
        return stored !== undefined && equalBytes(stored, leafHash);
      });
      return null;
    });
    return found;
  };

  const failureOf = (thrown: unknown): CountersignError => {
    const cause = thrown instanceof CommitOutcomeUnknown ? thrown.cause : thrown;
    const error = toCountersignError(cause, 'LEDGER_UNAVAILABLE', 'The ledger could not be written.');
    // Whoever went on after this would sign a second history.
    if (final.includes(error.code)) halted = error;
    return error;
  };

  const enqueue = (draft: EntryDraft, handover?: Succession): Promise<InclusionProof> =>
    new Promise((resolve, reject) => {
      if (closed) throw new CountersignError('LEDGER_UNAVAILABLE', 'The ledger is closed.');
      queue.push({ ...prepare(draft), ...(handover && { handover }), resolve, reject });
      running ??= run();
    });

  return {
    append: (draft) => enqueue(draft),
    handOver: (draft, handover) => enqueue(draft, handover),
    async close() {
      closed = true;
      await running;
    },
  };
}

/** What ends an opened ledger for good. */
const final: readonly string[] = ['LEDGER_ROLLED_BACK', 'LEDGER_COPIED', 'KEY_ROTATED'];

/** How many of the queue go into the next commit. */
function batchLength(queue: readonly Waiting[], most: number): number {
  const alone = queue.findIndex(({ handover }) => handover !== undefined);
  if (alone === 0) return 1;
  return alone < 0 ? most : Math.min(most, alone);
}

function settle(batch: readonly Waiting[], plan: Plan): void {
  const { before, after, accepted, refused, writes } = plan;
  const proofOf = proveAppended(
    before,
    accepted.map(({ leafHash }) => leafHash),
    after,
  );
  let offset = 0;
  for (const item of batch) {
    const refusal = refused.get(item);
    if (refusal !== undefined) item.reject(refusal);
    else if (writes !== null) {
      const { size: treeSize, root: rootHash, checkpoint } = writes.head;
      const hashes = proofOf(offset);
      item.resolve({ logIndex: before.size + offset, treeSize, rootHash, hashes, checkpoint });
      offset++;
    }
  }
}

function rejectAll(batch: readonly Waiting[], error: CountersignError): void {
  for (const { reject } of batch) reject(error);
}

function closesPermit({ draft }: Waiting): boolean {
  return draft.permit?.action === 'close';
}
