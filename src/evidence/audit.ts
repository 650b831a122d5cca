import { equalBytes, hex } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { verifyEntry } from '../verify/entry.ts';
import type { VerifiedEntry } from '../verify/entry.ts';
import type { Refused } from '../verify/envelope.ts';
import type { Place } from '../verify/log-entry.ts';
import { isWithin } from '../verify/trust.ts';
import type { Trust } from '../verify/trust.ts';
import { pairCalls } from './audit-calls.ts';
import { readEntries } from './audit-entries.ts';
import type { EntryPage } from './audit-entries.ts';
import { acrossKeys, openHead } from './audit-head.ts';
import type { SignedHead } from './audit-head.ts';
import { createTally, recordOf } from './audit-report.ts';
import type { AuditReport } from './audit-report.ts';
import { followSessions } from './audit-sessions.ts';
import { followTime } from './audit-time.ts';
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
  /** A checkpoint that the auditor kept. */
  readonly since?: Uint8Array;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Entries whose signatures are checked side by side. */
const atOnce = 32;

/**
 * Replays a whole exported log: grows its tree from the leaves, holds it against the signed head and against a head that the
 * auditor kept, verifies each entry as an envelope is verified, and follows sessions, calls and time from the first entry to
 * the last. Memory is bounded but for some 150 bytes a call and a session, and what is open.
 *
 * Rejects only when there is nothing to audit: EXPORT_UNREADABLE, NOT_FOUND without a checkpoint, CONFIG_INVALID when no
 * log of the trust root signed it. Everything else is a fault in the report.
 */
export async function auditLog(source: TileSource, options: AuditOptions): Promise<AuditReport> {
  const { trust } = options;
  const head = await readHead(source, trust);
  const since = options.since && openHead(options.since, trust, 'What --since names');
  const faults = collectFaults();
  const tree = growTree(source, faults);
  const continuity = since && watchSince(since, head, tree, faults);
  const replay = startReplay(head, tree, trust, faults);

  for await (const page of readEntries(source, head.checkpoint.size, faults)) {
    await replay.page(page, () => continuity?.look());
    await tree.compareTiles();
    options.onProgress?.(tree.size, head.checkpoint.size);
  }
  // Where leaves are missing, which is a fault already, there is no tree to compare.
  if (tree.size === head.checkpoint.size) {
    await tree.comparePartialTiles();
    await tree.resolve();
    requireRoot(head, tree, faults);
  }
  const found = replay.finish();

  const { kept, counts } = faults;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const { origin, size, root } = head.checkpoint;
  return {
    ok: total === 0,
    trust: { fingerprint: trust.fingerprint, source: options.trustSource },
    log: { origin, size, rootHash: hex(root) },
    ...(continuity && { since: continuity.report() }),
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

/** The leaves alone must make the tree that was signed. */
function requireRoot({ checkpoint }: SignedHead, tree: AuditTree, faults: Faults): void {
  if (!equalBytes(tree.root, checkpoint.root)) {
    faults.add({
      code: 'ROOT_MISMATCH',
      message: 'The leaves do not make the tree that the checkpoint signs.',
    });
  }
}

interface Continuity {
  /** After each leaf. */
  look(): void;
  report(): NonNullable<AuditReport['since']>;
}

/** Holds the growing tree against the head that the auditor kept. */
function watchSince(since: SignedHead, head: SignedHead, tree: AuditTree, faults: Faults): Continuity {
  const { origin, size, root } = since.checkpoint;
  if (origin !== head.checkpoint.origin) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `What --since names is a checkpoint of another log, ${origin}.`,
    );
  }
  let continued = size === 0;
  if (size > head.checkpoint.size) {
    const message = `The head is of ${head.checkpoint.size} entries, and you hold one of ${size} by the same log.`;
    faults.add({ code: 'LOG_SHORTER', message });
  }
  return {
    look() {
      if (tree.size !== size) return;
      continued = equalBytes(tree.root, root);
      if (continued) return;
      const message =
        `With ${size} entries the log had the root ${hex(root)}, which it signed for you; ` +
        `what it shows now has ${hex(tree.root)}. The two checkpoints prove the fork.`;
      faults.add({ code: 'LOG_FORKED', message });
    },
    report: () => ({ size, rootHash: hex(root), continued }),
  };
}

interface Replay {
  /** `grown` is called after each leaf that entered the tree. */
  page(page: EntryPage, grown: () => void): Promise<void>;
  finish(): Pick<AuditReport, 'period' | 'entries' | 'sessions' | 'openCalls'>;
}

function startReplay(head: SignedHead, tree: AuditTree, trust: Trust, faults: Faults): Replay {
  const sessions = followSessions(faults);
  const calls = pairCalls(tree, faults);
  const time = followTime(faults);
  const [kinds, signers, modes, outcomes] = [createTally(), createTally(), createTally(), createTally()];
  const log = acrossKeys(head, trust);
  const { size: treeSize, root: rootHash } = head.checkpoint;
  let verified = 0;

  const see = (entry: VerifiedEntry): void => {
    const { facts, statement, signer } = entry;
    verified += 1;
    kinds.add(statement.kind ?? 'foreign');
    signers.add(signer.identity);
    if (facts !== undefined) modes.add(facts.mode ?? 'not stated');
    if (facts?.kind === 'outcome') outcomes.add(facts.outcome);
    if (entry.place.index === 0) requireGenesis(entry, faults);
    sessions.see(entry);
    calls.see(entry);
    time.see(entry);
  };

  return {
    async page({ from, leaves, records }, grown) {
      for (let start = 0; start < leaves.length; start += atOnce) {
        const batch = leaves.slice(start, start + atOnce);
        const results = await Promise.all(
          batch.map(async (leaf, i) => {
            const record = records?.[start + i];
            const place: Place = { log, index: from + start + i, treeSize, rootHash };
            return record && (await verifyEntry({ leaf, ...record }, place, trust));
          }),
        );
        for (const [i, leaf] of batch.entries()) {
          tree.append(leaf);
          grown();
          const result = results[i];
          if (result?.ok === true) see(result);
          else if (result !== undefined) addRefusal(result, from + start + i, faults);
        }
      }
    },
    finish() {
      const { period } = time;
      if (period !== undefined && !isWithin(head.log.validFor, period.last)) {
        const message =
          'The key that signed the head was not valid any more when the last entry was stamped.';
        faults.add({ code: 'LOG_KEY_EXPIRED', message });
      }
      const openCalls = calls.finish(period?.last ?? Infinity);
      return {
        ...(period && { period: { first: instant(period.first), last: instant(period.last) } }),
        entries: {
          replayed: tree.size,
          verified,
          kinds: kinds.toRecord(),
          signers: signers.toRecord(),
          modes: modes.toRecord(),
          outcomes: outcomes.toRecord(),
        },
        sessions: { opened: sessions.opened, closed: sessions.closed, open: sessions.open() },
        openCalls,
      };
    },
  };
}

function addRefusal({ failures }: Refused, index: number, faults: Faults): void {
  for (const { code, field, message } of failures) {
    faults.add({ code, index, message: field === '' ? message : `${field}: ${message}` });
  }
}

/** A log begins by saying which one it is. */
function requireGenesis({ statement, place }: VerifiedEntry, faults: Faults): void {
  const log = statement.predicate['log'];
  const stated = typeof log === 'object' && log !== null && !Array.isArray(log) ? log : {};
  const { origin, keyId } = place.log;
  if (statement.kind === 'logOpen' && stated['origin'] === origin && stated['keyId'] === hex(keyId)) return;
  faults.add({ code: 'GENESIS_WRONG', index: 0, message: 'The first entry does not open this log.' });
}

function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
