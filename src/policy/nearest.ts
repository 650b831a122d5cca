/** Names longer than this are nobody's slip of the pen. */
const maxLength = 64;

/**
 * The name that was probably meant: of `candidates` the one that the fewest slips (a letter too many, missing, wrong or swapped
 * with its neighbour) turn `name` into, and at most one slip for each three letters. Of several as near, one that differs in
 * case alone, then the first in the order of code units. Undefined when none is near, or when `name` is one of them.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > maxLength) return undefined;
  let best: { readonly candidate: string; readonly slips: number } | undefined;
  for (const candidate of candidates) {
    if (candidate === name) return undefined;
    const slips = slipsBetween(name, candidate);
    if (slips > allowedSlips(name, candidate)) continue;
    if (best === undefined || slips < best.slips || (slips === best.slips && candidate < best.candidate))
      best = { candidate, slips };
  }
  return best?.candidate;
}

/** For the middle of a sentence: ` (did you mean X?)`, or nothing. */
export function didYouMean(suggested: string | undefined): string {
  return suggested === undefined ? '' : ` (did you mean ${suggested}?)`;
}

function allowedSlips(name: string, candidate: string): number {
  return Math.max(1, Math.floor(Math.min(name.length, candidate.length) / 3));
}

/** Half a slip for another case: nearer than any other letter. */
function slipsBetween(name: string, candidate: string): number {
  if (candidate.length > maxLength || Math.abs(name.length - candidate.length) > maxLength / 3)
    return Infinity;
  if (name === '' || candidate === '') return Infinity;
  if (name.toLowerCase() === candidate.toLowerCase()) return 0.5;
  return editDistance(Array.from(name), Array.from(candidate));
}

/** Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours. */
function editDistance(from: readonly string[], to: readonly string[]): number {
  let twoBefore: number[] = [];
  let before = [...to.keys(), to.length];
  for (const [row, letter] of from.entries()) {
    const current = [row + 1];
    for (const [column, other] of to.entries()) {
      const replaced = at(before, column) + (letter === other ? 0 : 1);
      const isSwap = row > 0 && column > 0 && letter === to[column - 1] && from[row - 1] === other;
      const swapped = isSwap ? at(twoBefore, column - 1) + 1 : Infinity;
      current.push(Math.min(replaced, swapped, at(before, column + 1) + 1, at(current, column) + 1));
    }
    twoBefore = before;
    before = current;
  }
  return at(before, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
