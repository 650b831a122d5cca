import { decodeEntryBundle, entriesPath, tileWidth } from '../tlog/tile.ts';
import type { Faults } from './faults.ts';
import { decodeStatementBundle, statementsPath } from './statement-bundle.ts';
import type { StatementRecord } from './statement-bundle.ts';
import { fileLimits } from './tile-source.ts';
import type { TileSource } from './tile-source.ts';

/** Entries that follow each other, as the files hold them: nothing of them is checked. */
export interface EntryPage {
  readonly from: number;
  readonly leaves: readonly Uint8Array[];
  /** As many as leaves; undefined when their file is missing or malformed. */
  readonly records: readonly StatementRecord[] | undefined;
}

/**
 * The pages of a log of `size` entries from entry `start` on, one at a time, the next one read ahead. Ends early, with a fault,
 * where leaves are missing: nothing behind them can be shown.
 */
export async function* readEntries(
  source: TileSource,
  start: number,
  size: number,
  faults: Faults,
): AsyncGenerator<EntryPage, void, undefined> {
  const firstPage = Math.floor(start / tileWidth) * tileWidth;
  let next = readPage(source, firstPage, size);
  for (let page = firstPage; page < size; page += tileWidth) {
    const { leaves, records } = await next;
    next = readPage(source, page + tileWidth, size);
    const from = Math.max(start, page);
    // Whoever stops before awaiting it has no use for its refusal.
    next.catch(() => undefined);
    if (leaves.value === undefined) {
      faults.add({ code: leaves.code, index: from, message: leaves.message });
      return;
    }
    if (records.value === undefined) {
      faults.add({ code: records.code, index: from, message: records.message });
    }
    const skipped = from - page;
    yield { from, leaves: leaves.value.slice(skipped), records: records.value?.slice(skipped) };
  }
}

/** A bundle as it should be, or why there is none. */
type Bundle<T> =
  | { readonly value: readonly T[] }
  | { readonly value: undefined; readonly code: 'FILE_MISSING' | 'FILE_MALFORMED'; readonly message: string };

interface RawPage {
  readonly leaves: Bundle<Uint8Array>;
  readonly records: Bundle<StatementRecord>;
}

async function readPage(source: TileSource, from: number, size: number): Promise<RawPage> {
  if (from >= size) return { leaves: { value: [] }, records: { value: [] } };
  const read = <T>(
    path: (index: number, width?: number) => string,
    most: number,
    decode: (bytes: Uint8Array) => readonly T[] | undefined,
  ): Promise<Bundle<T>> =>
    readBundle(source, from / tileWidth, Math.min(tileWidth, size - from), path, most, decode);
  const [leaves, records] = await Promise.all([
    read(entriesPath, fileLimits.entries, decodeEntryBundle),
    read(statementsPath, fileLimits.statements, decodeStatementBundle),
  ]);
  return { leaves, records };
}

/** The first `width` of a bundle: once a bundle is full, its partial ones may be gone. */
async function readBundle<T>(
  source: TileSource,
  index: number,
  width: number,
  path: (index: number, width?: number) => string,
  most: number,
  decode: (bytes: Uint8Array) => readonly T[] | undefined,
): Promise<Bundle<T>> {
  const name = path(index, width);
  let bytes = await source.read(name, most);
  const exact = bytes !== undefined || width === tileWidth;
  bytes ??= exact ? undefined : await source.read(path(index), most);
  if (bytes === undefined) {
    return { value: undefined, code: 'FILE_MISSING', message: `There is no ${name}.` };
  }
  const all = decode(bytes);
  if (all === undefined || (exact ? all.length !== width : all.length < width)) {
    return {
      value: undefined,
      code: 'FILE_MALFORMED',
      message: `${name} is not a bundle of ${width} entries.`,
    };
  }
  return { value: all.slice(0, width) };
}
