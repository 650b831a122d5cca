import { equalBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { SyncSigner } from '../pki/signer.ts';
import { checkpointSigner } from '../tlog/checkpoint.ts';
import { hashLength } from '../tlog/merkle.ts';
import { parseNote } from '../tlog/note.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import { noBallast } from './ballast.ts';
import type { Ballast } from './ballast.ts';
import { ledgerReads } from './ledger-reads.ts';
import type { Ledger } from './ledger.ts';
import { rolledBack } from './plan.ts';
import { extendsReleased, readEdge } from './read-tree.ts';
import type { ReleasedCheckpoints } from './released-checkpoint.ts';
import { createSequencer } from './sequencer.ts';
import type { LogHead, LogStore } from './store.ts';
import { succession } from './succession.ts';
import { nextTurn } from './turn.ts';

export interface LedgerOptions {
  readonly store: LogStore;
  /** The log's Ed25519 key. Synchronous: it signs inside the transaction. */
  readonly signer: SyncSigner;
  /** The log's name in its checkpoints, random per home. */
  readonly origin: string;
  readonly released: ReleasedCheckpoints;
  readonly ballast?: Ballast;
  /** Milliseconds that a statement may lie behind the log's last time; 5,000 unless told. */
  readonly clockTolerance?: number;
  /** Entries of one commit, at most; 256 unless told. */
  readonly maxBatch?: number;
  /** What is waited for before a batch is closed; one turn of the event loop unless told. */
  readonly turn?: () => Promise<void>;
}

/**
 * Opens a log for appending, and owns the store from then on: a refusal closes it. Refuses with LEDGER_CORRUPT a store that is
 * another log's, or whose tree is not the one that its checkpoint is signed over, and with LEDGER_ROLLED_BACK one that does
 * not extend every checkpoint released before.
 */
export async function createLedger(options: LedgerOptions): Promise<Ledger> {
  const { store, signer, origin, released } = options;
  const edge = await readTrustedEdge(options).catch(async (refusal: unknown) => {
    await store.close();
    throw refusal;
  });
  const sequencer = createSequencer({
    store,
    edge,
    released,
    ballast: options.ballast ?? noBallast,
    rules: {
      clockTolerance: options.clockTolerance ?? 5_000,
      sign: checkpointSigner(origin, signer),
      publicKey: signer.publicKey,
    },
    maxBatch: options.maxBatch ?? 256,
    turn: options.turn ?? nextTurn,
  });

  return {
    ...ledgerReads(store),
    append: (draft) => sequencer.append(draft),
    handOver: async (draft, successor) => sequencer.handOver(draft, succession(origin, signer, successor)),
    rememberTools: (records) => store.rememberTools(records),
    async close() {
      await sequencer.close();
      await store.close();
    },
  };
}

/** The tree to append to, once it is known to be this log's, whole, and no older than what was released. */
async function readTrustedEdge(options: LedgerOptions): Promise<TreeEdge> {
  const { store, released } = options;
  assertIdentity(options);
  // First what was released, then the head: other processes go on, and release only what the store already has.
  const remembered = await released.load();
  const head = await store.head();
  const edge = await readEdge(store, head);
  for (const checkpoint of remembered) {
    if (!(await extendsReleased(store, head, checkpoint))) throw rolledBack();
  }
  assertSigned(head, options);
  return edge;
}

function assertIdentity({ store: { identity }, signer, origin }: LedgerOptions): void {
  if (identity.origin !== origin || !equalBytes(identity.publicKey, signer.publicKey))
    throw new CountersignError(
      'LEDGER_CORRUPT',
      'The ledger is that of another log: its origin or its key differs.',
    );
}

/**
 * A head that this log's key did not sign was not written by a gate of this home. Ed25519 is deterministic (RFC 8032): the one
 * note that the key makes of this head is signed again and compared, which costs a hundredth of verifying it everywhere. Behind
 * the log's own line may stand those of others: the key before it, where this one took over, and witnesses.
 */
function assertSigned({ size, root, checkpoint }: LogHead, { origin, signer }: LedgerOptions): void {
  if (size === 0 && checkpoint === null) return;
  const own = root.length === hashLength && checkpointSigner(origin, signer)({ size, root });
  if (own === false || !(checkpoint === own || isCosigned(checkpoint, own)))
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger’s tree head is not signed by the log’s key.');
}

function isCosigned(checkpoint: string | null, own: string): boolean {
  return checkpoint?.startsWith(own) === true && parseNote(checkpoint) !== undefined;
}
