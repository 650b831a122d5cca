import { readFileSync } from 'node:fs';
import { equalBytes, hex } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { logKeysOf } from '../../evidence/audit-head.ts';
import { exportLog } from '../../evidence/export.ts';
import type { Exported } from '../../evidence/export.ts';
import type { LogEntry } from '../../ledger/ledger.ts';
import { openCheckpoint } from '../../tlog/checkpoint.ts';
import type { ParsedCheckpoint } from '../../tlog/checkpoint.ts';
import type { ConsistencyProof, InclusionProof, SignedHead } from '../../tlog/proof.ts';
import { loadTrust } from '../../verify/trust.ts';
import type { Home } from '../home/open-home.ts';
import { writeTileFiles } from './tile-files.ts';
import type { OpenedHome } from '../home/with-home.ts';

/** Writes the home's log to a folder, or adds to it what is new: up to the newest checkpoint, or to another head. */
export async function exportHome(
  { layout }: Home,
  { ledger }: Pick<OpenedHome, 'ledger'>,
  directory: string,
  onProgress: (done: number, total: number) => void,
  head?: SignedHead,
): Promise<Exported> {
  const trustedRoot = Uint8Array.from(readFileSync(layout.trustedRoot));
  const logKeys = logKeysOf(await loadTrust(trustedRoot));
  const log = {
    entries: ledger.entries,
    checkpoint: () =>
      head ? Promise.resolve({ size: head.size, text: head.checkpoint }) : ledger.checkpoint(),
  };
  return exportLog(log, writeTileFiles(directory), { logKeys, trustedRoot, onProgress });
}

/** Proves a call's verdict, or its outcome, against the newest checkpoint, or another head: NOT_FOUND when there is none. */
export async function proveCall(
  { ledger }: Pick<OpenedHome, 'ledger'>,
  callId: string,
  which: 'verdict' | 'outcome',
  under?: SignedHead,
): Promise<{ readonly entry: LogEntry; readonly proof: InclusionProof }> {
  const entries = await ledger.entriesOfCall(callId);
  const entry = entries.find(({ kind }) => (kind === 'outcome') === (which === 'outcome'));
  if (entry === undefined) {
    throw new CountersignError('NOT_FOUND', `The log has no ${which} of call ${callId}.`);
  }
  return { entry, proof: await ledger.prove(entry.index, under) };
}

/** A tree of the log: how many entries it has, or a checkpoint that was kept, the text of the note. */
export type NamedTree = { readonly size: number } | { readonly checkpoint: string };

/**
 * The proof that `newer` begins with `older`. LOG_FORKED when this log signed a checkpoint that its tree does not continue;
 * CONFIG_INVALID for a checkpoint that it did not sign.
 */
export async function proveConsistent(
  { layout }: Home,
  { ledger }: Pick<OpenedHome, 'ledger'>,
  older: NamedTree,
  newer: NamedTree,
): Promise<ConsistencyProof> {
  const keys = logKeysOf(await loadTrust(Uint8Array.from(readFileSync(layout.trustedRoot))));
  const open = (tree: NamedTree): ParsedCheckpoint | undefined => {
    if ('size' in tree) return undefined;
    for (const key of keys) {
      const checkpoint = openCheckpoint(tree.checkpoint, key);
      if (checkpoint !== undefined) return checkpoint;
    }
    throw new CountersignError('CONFIG_INVALID', 'This is no checkpoint that this log signed.');
  };
  const [from, to] = [open(older), open(newer)];
  const sizeOf = (tree: NamedTree, checkpoint: ParsedCheckpoint | undefined): number =>
    checkpoint?.size ?? ('size' in tree ? tree.size : 0);
  const proof = await ledger.proveConsistency(sizeOf(older, from), sizeOf(newer, to));
  requireRoot(from, proof.oldRoot);
  requireRoot(to, proof.newRoot);
  return proof;
}

function requireRoot(checkpoint: ParsedCheckpoint | undefined, root: Uint8Array): void {
  if (checkpoint === undefined || equalBytes(checkpoint.root, root)) return;
  throw new CountersignError(
    'LOG_FORKED',
    `The log’s key signed two trees of ${checkpoint.size} entries: ${hex(checkpoint.root)} in the checkpoint, ` +
      `and ${hex(root)} in the log. Keep the checkpoint.`,
  );
}
