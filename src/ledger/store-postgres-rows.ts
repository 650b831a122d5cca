import { fromUtf8 } from '../call/sha256.ts';
import { bytes, damaged, rowReader, type Row } from './store-rows.ts';

/** Rows as the driver gives them: bigint as text, bytea as bytes, and names as bytes. */
export const { headOf, entryOf, permitOf, sideRowOf, toolOf } = rowReader({ integer, name });

export function headsOf(rows: readonly Row[]): Map<string, string> {
  return new Map(rows.map((row) => [name(row['key']), name(row['value'])]));
}

export function integer(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw damaged();
  return number;
}

function name(value: unknown): string {
  return fromUtf8(bytes(value)) ?? '';
}
