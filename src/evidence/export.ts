import { concatBytes, equalBytes, fromUtf8, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { openCheckpoint } from '../tlog/checkpoint.ts';
import type { ParsedCheckpoint } from '../tlog/checkpoint.ts';
import { leafHash } from '../tlog/merkle.ts';
import { encodeEntryBundle, entriesPath, tilePath, tileWidth } from '../tlog/tile.ts';
import { appendLeaves, emptyEdge, partialTiles, rootOf } from '../tlog/tree.ts';
import type { TreeEdge } from '../tlog/tree.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import { edgeFromTiles, tilesForEdge } from '../tlog/tiled-tree.ts';
import { encodeStatementBundle, statementsPath } from './statement-bundle.ts';
import type { StatementRecord } from './statement-bundle.ts';
import { checkpointPath, fileLimits, trustRootPath } from './tile-source.ts';
import type { TileSink, TileSource } from './tile-source.ts';

/** The log that is exported: a ledger is one. */
export interface ExportedLog {
  checkpoint(): Promise<{ readonly size: number; readonly text: string } | null>;
  /** Entries `from` (inclusive) to `to` (exclusive), in their order. */
  entries(from: number, to: number): Promise<readonly (StatementRecord & { readonly leaf: Uint8Array })[]>;
}

export interface ExportOptions {
  /** The keys that the log signs its heads with, and its name in them. */
  readonly logKeys: readonly VerifierKey[];
  readonly trustedRoot: Uint8Array;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Exported {
  /** Entries that the export held before. */
  readonly before: number;
  readonly size: number;
}

/**
 * Writes the log as a static C2SP tlog-tiles tree, with statements, timestamps and trust root beside it. An export that is
 * there is extended, once its tree was seen to be the beginning of this log's. The checkpoint is written last: whoever reads
 * meanwhile, or after a crash, has a whole older tree.
 *
 * EXPORT_FOREIGN when another log's export is there, EXPORT_DAMAGED when its tiles are not those of its checkpoint,
 * LEDGER_ROLLED_BACK when it is ahead of the log, or shows another history of it.
 */
export async function exportLog(log: ExportedLog, sink: TileSink, options: ExportOptions): Promise<Exported> {
  const newest = await log.checkpoint();
  const head = newest === null ? undefined : openWith(newest.text, options.logKeys);
  if (newest === null || head === undefined) {
    throw new CountersignError('NOT_FOUND', 'The log has no signed head yet: there is nothing to export.');
  }
  const before = await readExported(sink, options);
  if (before !== undefined && before.size > head.size) throw otherHistory();
  // A file of the same name that is not ours stays: nobody said that this folder is an export.
  if (before === undefined) await refuseForeignTrustRoot(sink, options.trustedRoot);

  const written = await writeTree(log, sink, { before, head, ...options });
  await sink.write(trustRootPath, options.trustedRoot);
  // Two exports at a time write the same tiles; the longer one's head stays.
  const meanwhile = await readExported(sink, options);
  if (meanwhile === undefined || meanwhile.size <= head.size) {
    await sink.write(checkpointPath, utf8(newest.text));
  }
  for (const path of written) await sink.removePartials(path);
  return { before: before?.size ?? 0, size: head.size };
}

function openWith(text: string, keys: readonly VerifierKey[]): ParsedCheckpoint | undefined {
  return keys.map((key) => openCheckpoint(text, key)).find((opened) => opened !== undefined);
}

/** The head of the export that is there; undefined when there is none. */
async function readExported(
  sink: TileSource,
  { logKeys }: ExportOptions,
): Promise<ParsedCheckpoint | undefined> {
  const bytes = await sink.read(checkpointPath, fileLimits.checkpoint);
  if (bytes === undefined) return undefined;
  const head = openWith(fromUtf8(bytes) ?? '', logKeys);
  if (head !== undefined) return head;
  throw new CountersignError('EXPORT_FOREIGN', 'There is a checkpoint that this log did not sign.');
}

async function refuseForeignTrustRoot(sink: TileSource, ours: Uint8Array): Promise<void> {
  const theirs = await sink.read(trustRootPath, fileLimits.trustRoot);
  if (theirs !== undefined && !equalBytes(theirs, ours)) {
    throw new CountersignError(
      'EXPORT_FOREIGN',
      `There is a ${trustRootPath} that is not this log’s, and no export: choose another folder.`,
    );
  }
}

interface Heads extends ExportOptions {
  readonly before: ParsedCheckpoint | undefined;
  readonly head: ParsedCheckpoint;
}

/** Writes everything from the last unfinished bundle on. Returns the paths that became full tiles. */
async function writeTree(log: ExportedLog, sink: TileSink, heads: Heads): Promise<readonly string[]> {
  const { before, head, onProgress } = heads;
  const full: string[] = [];
  const start = Math.floor((before?.size ?? 0) / tileWidth) * tileWidth;
  let edge = await readEdge(sink, start);
  if (before?.size === start) requireSame(edge, before);
  for (let from = start; from < head.size; from += tileWidth) {
    const to = Math.min(from + tileWidth, head.size);
    const entries = await log.entries(from, to);
    if (entries.length !== to - from) throw corrupt();
    const hashes = entries.map(({ leaf }) => leafHash(leaf));
    // The tree that was exported must be the beginning of this one, before anything is written over it.
    if (before !== undefined && from < before.size && before.size <= to) {
      requireSame(appendLeaves(edge, hashes.slice(0, before.size - from)).edge, before);
    }
    const { edge: grown, tiles } = appendLeaves(edge, hashes);
    edge = grown;
    const index = from / tileWidth;
    const width = entries.length;
    await sink.write(entriesPath(index, width), encodeEntryBundle(entries.map(({ leaf }) => leaf)));
    await sink.write(statementsPath(index, width), encodeStatementBundle(entries));
    for (const tile of tiles) await sink.write(tilePath(tile.level, tile.index), tile.hashes);
    full.push(...tiles.map((tile) => tilePath(tile.level, tile.index)));
    if (width === tileWidth) full.push(entriesPath(index), statementsPath(index));
    onProgress?.(to, head.size);
  }
  if (!equalBytes(rootOf(edge), head.root)) throw corrupt();
  for (const tile of partialTiles(edge)) {
    await sink.write(tilePath(tile.level, tile.index, tile.width), tile.hashes);
  }
  return full;
}

/** The right edge of the exported tree of `size` leaves, a multiple of 256. */
async function readEdge(sink: TileSource, size: number): Promise<TreeEdge> {
  if (size === 0) return emptyEdge;
  const tiles = new Map<string, Uint8Array>();
  for (const { level, index, width } of tilesForEdge(size)) {
    const tile =
      (await sink.read(tilePath(level, index, width), fileLimits.tile)) ??
      (await sink.read(tilePath(level, index), fileLimits.tile));
    if (tile === undefined || tile.length < width * 32 || tile.length % 32 !== 0) throw damaged();
    tiles.set(`${level}/${index}`, tile);
  }
  return edgeFromTiles(size, (level, index) => tiles.get(`${level}/${index}`) ?? concatBytes());
}

/** The export's own tiles and this log's leaves must lead to the head that the export is under. */
function requireSame(edge: TreeEdge, before: ParsedCheckpoint): void {
  if (!equalBytes(rootOf(edge), before.root)) throw damaged();
}

function damaged(): CountersignError {
  return new CountersignError(
    'EXPORT_DAMAGED',
    'The tiles that are there are not those of their checkpoint, or not of this log: export into an empty folder.',
  );
}

function otherHistory(): CountersignError {
  return new CountersignError(
    'LEDGER_ROLLED_BACK',
    'The export is ahead of the log: the ledger was set back, or has lost its end.',
  );
}

function corrupt(): CountersignError {
  return new CountersignError(
    'LEDGER_CORRUPT',
    'The ledger’s entries are not those that its head is signed over.',
  );
}
