import { equalBytes, sha256 } from '../../call/sha256.ts';
import { pae } from '../../envelope/dsse.ts';
import { parseLeafBody } from '../../envelope/leaf-body.ts';
import { CountersignError } from '../../errors.ts';
import type { LogEntry } from '../../ledger/ledger.ts';
import type { LogHead, LogStore } from '../../ledger/store.ts';
import { dssePayloadType } from '../../names.ts';
import { openCheckpoint } from '../../tlog/checkpoint.ts';
import { leafHash } from '../../tlog/merkle.ts';
import { tileWidth } from '../../tlog/tile.ts';
import { appendLeaves, emptyEdge, partialTiles, rootOf } from '../../tlog/tree.ts';
import type { TreeEdge } from '../../tlog/tree.ts';
import type { VerifierKey } from '../../tlog/vkey.ts';

export interface CheckOptions {
  /** The keys that the log signs, or signed, its heads with. */
  readonly logKeys: readonly VerifierKey[];
  /** Every entry in its order, its statement held against its leaf; nothing is certain before the check has ended. */
  readonly see?: (entry: LogEntry) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

const pageSize = 4 * tileWidth;

/**
 * Reads a whole ledger and holds everything that the log is made of against its signed head: leaves, statements, and the tiles
 * that proofs are made of. LEDGER_CORRUPT. What is beside the log (salts, plaintext, heads, remembered tools) nobody signed.
 */
export async function checkLedger(store: LogStore, options: CheckOptions): Promise<LogHead> {
  const head = await store.head();
  assertSigned(store, head, options.logKeys);
  let edge = emptyEdge;
  while (edge.size < head.size) {
    const to = Math.min(edge.size + pageSize, head.size);
    const entries = await store.entries(edge.size, to);
    if (entries.length !== to - edge.size) throw damaged('entries are missing');
    for (const entry of entries) {
      assertStatement(entry);
      options.see?.(entry);
    }
    edge = await grow(store, edge, entries);
    options.onProgress?.(edge.size, head.size);
  }
  for (const { level, index, width, hashes } of partialTiles(edge)) {
    if (!equalBytes(await store.tile(level, index, width), hashes)) throw damaged('its tiles are others');
  }
  if (!equalBytes(rootOf(edge), head.root)) throw damaged('its leaves do not make the tree that was signed');
  return head;
}

async function grow(store: LogStore, edge: TreeEdge, entries: readonly LogEntry[]): Promise<TreeEdge> {
  const grown = appendLeaves(
    edge,
    entries.map(({ leaf }) => leafHash(leaf)),
  );
  for (const { level, index, hashes } of grown.tiles) {
    if (!equalBytes(await store.tile(level, index, tileWidth), hashes)) throw damaged('its tiles are others');
  }
  return grown.edge;
}

function assertSigned(
  { identity }: LogStore,
  { size, root, checkpoint }: LogHead,
  logKeys: readonly VerifierKey[],
): void {
  const own = logKeys.filter(({ name }) => name === identity.origin);
  const opened = own.map((key) => openCheckpoint(checkpoint ?? '', key)).find((found) => found !== undefined);
  if (opened === undefined) throw damaged(`its head is not signed by the log ${identity.origin}`);
  if (opened.size !== size || !equalBytes(opened.root, root)) throw damaged('its head is of another tree');
}

/** The leaf holds the digest of the signed bytes, so what hangs from the tree's head includes every statement. */
function assertStatement({ index, leaf, payload }: LogEntry): void {
  const stated = parseLeafBody(leaf)?.paeSha256;
  if (stated === undefined || !equalBytes(stated, sha256(pae(dssePayloadType, payload))))
    throw damaged(`entry ${index} is not about its statement`);
}

function damaged(why: string): CountersignError {
  return new CountersignError('LEDGER_CORRUPT', `This is not a whole ledger: ${why}.`);
}
