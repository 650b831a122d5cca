/**
 * Writes sentences for the operator. One that comes again and again, as from a server that logs to its standard
 * output, is written for the first, tenth, hundredth … time only.
 */
export function createWarner(write: (line: string) => unknown): (sentence: string) => void {
  const counts = new Map<string, number>();
  return (sentence) => {
    const count = (counts.get(sentence) ?? 0) + 1;
    counts.set(sentence, count);
    if (!Number.isInteger(Math.log10(count))) return;
    write(`countersign: ${sentence}${count > 1 ? ` (${count} times)` : ''}\n`);
  };
}
