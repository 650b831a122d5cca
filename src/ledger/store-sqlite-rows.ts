import { damaged, rowReader, text } from './store-rows.ts';

/** Rows as SQLite gives them. STRICT tables hold the declared types. */
export const { headOf, entryOf, permitOf, sideRowOf, toolOf } = rowReader({ integer, name: text });

export function integer(value: unknown): number {
  if (typeof value !== 'number') throw damaged();
  return value;
}
