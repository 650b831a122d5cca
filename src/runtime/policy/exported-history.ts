import { fromBase64, fromUtf8, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { openHead } from '../../evidence/audit-head.ts';
import { decodeStatementBundle, statementsPath } from '../../evidence/statement-bundle.ts';
import { checkpointPath, fileLimits, trustRootPath, type TileSource } from '../../evidence/tile-source.ts';
import { sealedName } from '../../gate/sealed-row.ts';
import type { Ledger, LogEntry, SideRow } from '../../ledger/ledger.ts';
import { predicateTypes, type StatementKind } from '../../names.ts';
import { tileWidth } from '../../tlog/tile.ts';
import { loadTrust } from '../../verify/trust.ts';

/**
 * An exported log as a history to replay. It holds no inputs: `openings` is what `disclose --field input` printed, a line each. The
 * head must be signed by a log of the trust root beside it; its entries are held against nothing else: `audit` does that.
 */
export function exportedHistory(
  source: TileSource,
  openings: string | undefined,
): Pick<Ledger, 'checkpoint' | 'entries' | 'side'> {
  const rows = rowsOf(openings ?? '');
  let size: Promise<number> | undefined;
  const known = (): Promise<number> => (size ??= sizeOf(source));
  return {
    checkpoint: async () => ({ size: await known(), text: '' }),
    entries: async (from, to) => bundleFrom(source, from, to, await known()),
    side: (callId) => Promise.resolve(rows.get(callId) ?? []),
  };
}

async function sizeOf(source: TileSource): Promise<number> {
  const checkpoint = await required(source, checkpointPath, fileLimits.checkpoint);
  const trust = await loadTrust(await required(source, trustRootPath, fileLimits.trustRoot));
  return openHead(checkpoint, trust, 'The log’s checkpoint').checkpoint.size;
}

async function required(source: TileSource, path: string, most: number): Promise<Uint8Array> {
  const bytes = await source.read(path, most);
  if (bytes !== undefined) return bytes;
  throw new CountersignError('NOT_FOUND', `There is no exported log: no ${path}.`);
}

/** The entries of the one bundle that `from` is in. */
async function bundleFrom(
  source: TileSource,
  from: number,
  to: number,
  size: number,
): Promise<readonly LogEntry[]> {
  const index = Math.floor(from / tileWidth);
  const start = index * tileWidth;
  const width = Math.min(tileWidth, size - start);
  const bytes =
    (await source.read(statementsPath(index, width), fileLimits.statements)) ??
    (await source.read(statementsPath(index), fileLimits.statements));
  const records = bytes && decodeStatementBundle(bytes);
  if (records === undefined || records.length < width)
    throw new CountersignError(
      'EXPORT_UNREADABLE',
      `${statementsPath(index, width)} is missing, or no bundle of statements.`,
    );
  return records
    .slice(from - start, Math.min(to - start, width))
    .map(({ payload, timestamp }, at) => entryOf(payload, timestamp, from + at));
}

const kinds = Object.keys(predicateTypes) as StatementKind[];
const none = new Uint8Array();

interface Read {
  readonly predicateType?: unknown;
  readonly predicate?: { readonly callId?: unknown; readonly decidedAt?: unknown };
}

function entryOf(payload: Uint8Array, timestamp: Uint8Array, index: number): LogEntry {
  const { predicateType, predicate } = (parsed(fromUtf8(payload) ?? '') ?? {}) as Read;
  const { callId, decidedAt } = predicate ?? {};
  const time = Date.parse(String(decidedAt));
  return {
    index,
    // Whatever is no verdict is passed over alike.
    kind: kinds.find((kind) => predicateTypes[kind] === predicateType) ?? 'change',
    callId: typeof callId === 'string' ? callId : null,
    time: Number.isNaN(time) ? 0 : time,
    leaf: none,
    payload,
    timestamp,
  };
}

/** Openings of the field `input`, by call; others are passed over. */
function rowsOf(openings: string): ReadonlyMap<string, readonly SideRow[]> {
  const lines = openings.split('\n').filter((line) => line.trim() !== '');
  return new Map(lines.map(rowOf).filter((row) => row !== undefined));
}

interface InputOpening {
  readonly callId?: unknown;
  readonly field?: unknown;
  readonly salt?: unknown;
  readonly value?: unknown;
  readonly sealed?: unknown;
}

function rowOf(line: string, at: number): readonly [string, readonly SideRow[]] | undefined {
  const opening = parsed(line);
  if (typeof opening !== 'object' || opening === null || Array.isArray(opening))
    throw new CountersignError('CONFIG_INVALID', `Line ${at + 1} of the openings is no opening.`);
  const { callId, field, salt, value, sealed } = opening as InputOpening;
  if (typeof callId !== 'string' || field !== 'input') return undefined;
  if (sealed !== undefined) return [callId, [{ name: sealedName('input'), salt: none }]];
  if (typeof value !== 'string') return undefined;
  return [callId, [{ name: 'input', salt: fromBase64(String(salt)) ?? none, value: utf8(value) }]];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
