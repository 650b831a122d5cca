/** Where a list stands in a text. */
export interface ListPlace {
  /** The offset of its `[`. */
  readonly open: number;
  /** The offset of each element; one at least. */
  readonly starts: readonly number[];
}

/** Further elements in front, each on a line of its own where the first one is. */
export function prependItems(text: string, { open, starts }: ListPlace, items: readonly string[]): string {
  const first = starts[0] ?? open + 1;
  const before = text.slice(open + 1, first);
  const [lineStart] = /\r?\n[ \t]*$/.exec(before) ?? [];
  const gap = lineStart ?? ' ';
  return text.slice(0, first) + items.map((item) => `${item},${gap}`).join('') + text.slice(first);
}

/** The same list without its first elements; undefined where no others follow. */
export function dropFront(text: string, { open, starts }: ListPlace, count: number): string | undefined {
  const from = starts[0] ?? open + 1;
  const to = starts[count];
  return to === undefined ? undefined : text.slice(0, from) + text.slice(to);
}
