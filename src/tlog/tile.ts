import { CountersignError } from '../errors.ts';

/** Levels of the Merkle tree that one tile spans. */
export const tileHeight = 8;

/** Hashes of a full tile, and entries of a full bundle. */
export const tileWidth = 256;

/** A tile of hashes. `width` below 256 is a partial tile, named for the tree size that it belongs to. */
export interface TileRef {
  /** 0 to 63. */
  readonly level: number;
  readonly index: number;
  /** 1 to 256. */
  readonly width: number;
}

/** The entries under a level-0 tile. */
export type EntriesRef = Omit<TileRef, 'level'>;

export type TilePath = ({ readonly kind: 'hashes' } & TileRef) | ({ readonly kind: 'entries' } & EntriesRef);

/** `tile/<L>/<N>[.p/<W>]` of https://c2sp.org/tlog-tiles; full unless `width` says otherwise. */
export function tilePath(level: number, index: number, width: number = tileWidth): string {
  if (!Number.isInteger(level) || level < 0 || level > 63) {
    throw new CountersignError('INTERNAL', 'A tile level is 0 to 63.');
  }
  return `tile/${level}/${indexPath(index)}${widthSuffix(width)}`;
}

/** `tile/entries/<N>[.p/<W>]`. */
export function entriesPath(index: number, width: number = tileWidth): string {
  return `tile/entries/${indexPath(index)}${widthSuffix(width)}`;
}

const pathPattern = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Reads back what the two functions above write, and nothing else: undefined for any other spelling. */
export function parseTilePath(path: string): TilePath | undefined {
  const match = pathPattern.exec(path);
  const [, level, digits, partial] = match ?? [];
  // The longest index, 2^53 - 1, has six groups; a longer path needs no second look.
  if (level === undefined || digits === undefined || digits.length > 6 * 5) return undefined;
  const index = Number(digits.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? tileWidth : Number(partial);
  // Writing it again refuses leading groups of zeroes; `.p/256` is not how a full tile is called.
  if (!Number.isSafeInteger(index) || indexPath(index) !== digits) return undefined;
  if (width > tileWidth || (partial !== undefined && width === tileWidth)) return undefined;
  if (level === 'entries') return { kind: 'entries', index, width };
  return Number(level) > 63 ? undefined : { kind: 'hashes', level: Number(level), index, width };
}

/** 1234067 → `x001/x234/067`. */
function indexPath(index: number): string {
  if (!Number.isSafeInteger(index) || index < 0) {
    throw new CountersignError('INTERNAL', 'A tile index is a non-negative safe integer.');
  }
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  return padded.replaceAll(/[0-9]{3}(?!$)/g, 'x$&/');
}

function widthSuffix(width: number): string {
  if (!Number.isInteger(width) || width < 1 || width > tileWidth) {
    throw new CountersignError('INTERNAL', 'A tile width is 1 to 256.');
  }
  return width === tileWidth ? '' : `.p/${width}`;
}

/** The longest entry that a bundle's 16-bit length can name. */
export const maxEntryLength = 0xffff;

/**
 * Up to 256 entries as one bundle: each behind its big-endian 16-bit length (https://c2sp.org/tlog-tiles). TOO_LARGE for an
 * entry of more than 65,535 bytes.
 */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0 || entries.length > tileWidth) {
    throw new CountersignError('INTERNAL', 'An entry bundle holds 1 to 256 entries.');
  }
  if (entries.some((entry) => entry.length > maxEntryLength)) {
    throw new CountersignError('TOO_LARGE', `A log entry has at most ${maxEntryLength} bytes.`);
  }
  const bundle = new Uint8Array(entries.reduce((total, entry) => total + 2 + entry.length, 0));
  let offset = 0;
  for (const entry of entries) {
    bundle[offset] = entry.length >> 8;
    bundle[offset + 1] = entry.length & 0xff;
    bundle.set(entry, offset + 2);
    offset += 2 + entry.length;
  }
  return bundle;
}

/**
 * The entries of a bundle, as views into it. Undefined unless it is exactly 1 to 256 of them: nothing cut off, nothing
 * behind. How many there should be, the caller knows from the tile's width.
 */
export function decodeEntryBundle(bundle: Uint8Array): readonly Uint8Array[] | undefined {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bundle.length) {
    if (entries.length === tileWidth || offset + 2 > bundle.length) return undefined;
    const start = offset + 2;
    const end = start + view.getUint16(offset);
    if (end > bundle.length) return undefined;
    entries.push(bundle.subarray(start, end));
    offset = end;
  }
  return entries.length === 0 ? undefined : entries;
}
