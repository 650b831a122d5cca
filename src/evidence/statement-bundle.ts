import { CountersignError } from '../errors.ts';
import { entriesPath, tileWidth } from '../tlog/tile.ts';

/** What an audit needs of an entry and the tree does not hold. */
export interface StatementRecord {
  /** The statement's bytes, as they were signed. */
  readonly payload: Uint8Array;
  /** `TimeStampResp`, DER. */
  readonly timestamp: Uint8Array;
}

/** `tile/statements/<N>[.p/<W>]`: named as the entry bundle with the same entries. */
export function statementsPath(index: number, width: number = tileWidth): string {
  return entriesPath(index, width).replace('/entries/', '/statements/');
}

const payloadHead = 4;
const timestampHead = 2;

/**
 * Up to 256 records, in the order of the entries: the payload behind its big-endian 32-bit length, then the timestamp behind
 * its 16-bit length. TOO_LARGE for a timestamp of more than 65,535 bytes.
 */
export function encodeStatementBundle(records: readonly StatementRecord[]): Uint8Array {
  const bundle = new Uint8Array(
    records.reduce(
      (total, { payload, timestamp }) =>
        total + payloadHead + payload.length + timestampHead + timestamp.length,
      0,
    ),
  );
  const view = new DataView(bundle.buffer);
  let at = 0;
  for (const { payload, timestamp } of records) {
    if (timestamp.length > 0xffff || payload.length > 0xffffffff) {
      throw new CountersignError('TOO_LARGE', 'A statement bundle has no room for this statement.');
    }
    view.setUint32(at, payload.length);
    bundle.set(payload, at + payloadHead);
    at += payloadHead + payload.length;
    view.setUint16(at, timestamp.length);
    bundle.set(timestamp, at + timestampHead);
    at += timestampHead + timestamp.length;
  }
  return bundle;
}

/** The records of a bundle, as views into it. Undefined unless it is exactly 1 to 256 of them. */
export function decodeStatementBundle(bundle: Uint8Array): readonly StatementRecord[] | undefined {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const records: StatementRecord[] = [];
  let at = 0;
  /** The bytes behind a length at `at`, and `at` behind them. */
  const take = (head: number, length: (offset: number) => number): Uint8Array | undefined => {
    if (at + head > bundle.length) return undefined;
    const start = at + head;
    const end = start + length(at);
    if (end > bundle.length) return undefined;
    at = end;
    return bundle.subarray(start, end);
  };
  while (at < bundle.length) {
    const payload = take(payloadHead, (offset) => view.getUint32(offset));
    const timestamp = payload && take(timestampHead, (offset) => view.getUint16(offset));
    if (payload === undefined || timestamp === undefined || records.length === tileWidth) return undefined;
    records.push({ payload, timestamp });
  }
  return records.length === 0 ? undefined : records;
}
