import { equalBytes, hex, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { emptyEdge } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { Compromised } from '../verify/last-trusted.ts';
import type { Trust } from '../verify/trust.ts';
import { watchCompromised } from './audit-compromised.ts';
import type { CompromiseAudit } from './audit-compromised.ts';
import { readEntries } from './audit-entries.ts';
import { openHead } from './audit-head.ts';
import type { SignedHead } from './audit-head.ts';
import { readHeld, watchHeld } from './audit-held.ts';
import type { HeldFile } from './audit-held.ts';
import { startReplay } from './audit-replay.ts';
import type { Replay } from './audit-replay.ts';
import { recordOf } from './audit-report.ts';
import type { AuditReport } from './audit-report.ts';
import { startBehind } from './audit-start.ts';
import { encodeAuditState, parseAuditState } from './audit-state.ts';
import type { AuditState } from './audit-state.ts';
import { growTree } from './audit-tree.ts';
import type { AuditTree } from './audit-tree.ts';
import { collectFaults } from './faults.ts';
import type { Faults } from './faults.ts';
import { checkpointPath, fileLimits } from './tile-source.ts';
import type { TileSource } from './tile-source.ts';

export interface AuditOptions {
  readonly trust: Trust;
  /** Whether the auditor brought the trust root, or took the one beside the log. */
  readonly trustSource: 'given' | 'exported';
  /** A checkpoint that the auditor kept: only entries behind it are replayed, and what leans on older ones is not judged. */
  readonly since?: Uint8Array;
  /** What `onState` gave at the end of an earlier audit: only newer entries are replayed, and all of them are judged. */
  readonly state?: Uint8Array;
  /** What others hold: checkpoints and envelopes, each of which must stand in a beginning of this log. */
  readonly seen?: readonly HeldFile[];
  /** Keys that somebody else may hold. Entries that were audited before are judged anew: not with `since` or `state`. */
  readonly compromised?: Compromised;
  /** Entries replayed, of those that are to be. */
  readonly onProgress?: (done: number, total: number) => void;
  /**
   * Called at the end with what the next audit goes on from. Not called when the leaves were not shown to be those of the
   * signed head, when statements were missing, or after `since` alone: then nobody knows what came before.
   */
  readonly onState?: (state: Uint8Array) => void;
}

/**
 * Replays an exported log, whole or from where an earlier audit ended: grows its tree from the leaves, holds it against the
 * signed head and against what the auditor and others have kept, verifies each entry as an envelope is verified, and follows
 * sessions, calls, keys and time. Memory is bounded but for some 30 bytes a call and a session, and what is open.
 *
 * Rejects only when there is nothing to audit: EXPORT_UNREADABLE, NOT_FOUND without a checkpoint, CONFIG_INVALID when no
 * log of the trust root signed it, or for an input of the auditor's that is not what it should be. Everything else is a
 * fault in the report.
 */
export async function auditLog(source: TileSource, options: AuditOptions): Promise<AuditReport> {
  const { trust, onProgress, onState } = options;
  const head = await readHead(source, trust);
  const others = await readHeld(options.seen ?? [], trust);
  const earlier = readEarlier(options);
  const faults = collectFaults();
  const compromise = watchCompromised(options.compromised, head, faults);

  const start = earlier ? await startBehind(source, earlier.head, head, faults) : emptyEdge;
  const tree = growTree(source, faults, { from: start ?? emptyEdge });
  const held = watchHeld(others, head.checkpoint, tree, faults);
  held.look();
  // Behind a tree that the log does not continue, the old state says nothing of what follows, and nothing is replayed.
  const [from, memory] = start ? [start.size, earlier?.state] : [head.checkpoint.size, undefined];
  const replay = startReplay({
    trust,
    compromised: options.compromised,
    compromise,
    head,
    tree,
    held,
    faults,
    from,
    memory,
  });
  const isWhole =
    start !== undefined && (await replayAll(source, { head, tree, replay, compromise, faults, onProgress }));
  const found = replay.finish();

  const { kept, counts } = faults;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const isBlind = earlier !== undefined && earlier.state === undefined;
  if (isWhole && !isBlind) {
    const before = earlier?.state?.faults ?? 0;
    onState?.(encodeAuditState({ checkpoint: head.text, faults: before + total, ...replay.memory() }));
  }
  const { origin, size, root } = head.checkpoint;
  return {
    ok: total === 0,
    trust: { fingerprint: trust.fingerprint, source: options.trustSource },
    log: { origin, size, rootHash: hex(root) },
    ...(options.compromised && { compromised: options.compromised.fingerprint }),
    ...(earlier && { since: sinceOf(earlier, start, replay) }),
    ...(others.length > 0 && { seen: held.report() }),
    ...found,
    faults: { total, counts: recordOf(counts), listed: kept },
  };
}

async function readHead(source: TileSource, trust: Trust): Promise<SignedHead> {
  const bytes = await source.read(checkpointPath, fileLimits.checkpoint);
  if (bytes === undefined)
    throw new CountersignError('NOT_FOUND', 'There is no exported log: no checkpoint.');
  return openHead(bytes, trust, 'The log’s checkpoint');
}

/** Where an earlier audit ended. */
interface Earlier {
  readonly head: SignedHead;
  readonly state: AuditState | undefined;
}

function readEarlier({ since, state, trust, compromised }: AuditOptions): Earlier | undefined {
  if (compromised !== undefined && (since ?? state) !== undefined) {
    throw new CountersignError(
      'CONFIG_INVALID',
      'What a compromised key signed may have been audited before it was known: audit the whole log.',
    );
  }
  if (since !== undefined && state !== undefined) {
    throw new CountersignError(
      'CONFIG_INVALID',
      'An audit goes on from a checkpoint or from a state, not both.',
    );
  }
  if (state !== undefined) {
    const parsed = parseAuditState(state);
    return { head: openHead(utf8(parsed.checkpoint), trust, 'The checkpoint in the state'), state: parsed };
  }
  return since && { head: openHead(since, trust, 'What --since names'), state: undefined };
}

interface Parts {
  readonly head: SignedHead;
  readonly tree: AuditTree;
  readonly replay: Replay;
  readonly compromise: CompromiseAudit;
  readonly faults: Faults;
  readonly onProgress: AuditOptions['onProgress'];
}

/** Whether every leaf was there, with its statement, and they make the tree that was signed. */
async function replayAll(
  source: TileSource,
  { head, tree, replay, compromise, faults, onProgress }: Parts,
): Promise<boolean> {
  const { size, root } = head.checkpoint;
  const from = tree.size;
  for await (const page of readEntries(source, from, size, faults)) {
    await replay.page(page);
    await tree.compareTiles();
    onProgress?.(tree.size - from, size - from);
  }
  // Where leaves are missing, which is a fault already, there is no tree to compare.
  if (tree.size !== size) return false;
  await tree.comparePartialTiles();
  compromise.finish(tree);
  await tree.resolve();
  if (!equalBytes(tree.root, root)) {
    const message = 'The leaves do not make the tree that the checkpoint signs.';
    faults.add({ code: 'ROOT_MISMATCH', message });
    return false;
  }
  return !faults.counts.has('FILE_MISSING') && !faults.counts.has('FILE_MALFORMED');
}

function sinceOf(
  { head, state }: Earlier,
  start: TreeEdge | undefined,
  replay: Replay,
): NonNullable<AuditReport['since']> {
  const { size, root } = head.checkpoint;
  return {
    size,
    rootHash: hex(root),
    continued: start !== undefined,
    ...(state === undefined ? { unjudged: replay.unjudged } : { earlierFaults: state.faults }),
  };
}
