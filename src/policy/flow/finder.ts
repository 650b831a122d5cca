/**
 * Finds many sequences of words in texts in one pass (Aho and Corasick), so that the time is linear in the sequences and the texts
 * together whatever either is made of. A word is a number.
 */
export class Finder {
  /** `node * radix + word` → the node that follows. Node 0 is the root. */
  readonly #next = new Map<number, number>();
  readonly #radix: number;
  readonly #fail: number[] = [0];
  /** What ends at a node, and the next node on its chain of suffixes at which something ends. */
  readonly #ending: (number[] | undefined)[] = [undefined];
  readonly #shorter: number[] = [0];

  /** Sequences, none of them empty, of words from 0 to `words - 1`. */
  constructor(sequences: readonly (readonly number[])[], words: number) {
    this.#radix = words + 1;
    const edges: { readonly from: number; readonly word: number; readonly to: number }[][] = [[]];
    sequences.forEach((sequence, which) => {
      let node = 0;
      for (const word of sequence) {
        let to = this.#next.get(node * this.#radix + word);
        if (to === undefined) {
          to = this.#fail.push(0) - 1;
          edges.push([]);
          edges[node]?.push({ from: node, word, to });
          this.#next.set(node * this.#radix + word, to);
        }
        node = to;
      }
      (this.#ending[node] ??= []).push(which);
    });
    this.#link(edges);
  }

  /** Breadth first: the suffix of a node is nearer to the root than the node. */
  #link(
    edges: readonly (readonly { readonly from: number; readonly word: number; readonly to: number }[])[],
  ): void {
    const queue = [...(edges[0] ?? [])];
    for (let head = 0; head < queue.length; head += 1) {
      const { from, word, to } = queue[head] as (typeof queue)[number];
      const suffix = from === 0 ? 0 : this.#step(this.#fail[from] ?? 0, word);
      this.#fail[to] = suffix;
      this.#shorter[to] = this.#ending[suffix] === undefined ? (this.#shorter[suffix] ?? 0) : suffix;
      for (const edge of edges[to] ?? []) queue.push(edge);
    }
  }

  #step(from: number, word: number): number {
    for (let node = from; ; node = this.#fail[node] ?? 0) {
      const next = this.#next.get(node * this.#radix + word);
      if (next !== undefined) return next;
      if (node === 0) return 0;
    }
  }

  /** The numbers of the sequences that are in any of the texts. Each is found once, so the chains cost no more than they are long. */
  foundIn(texts: Iterable<Int32Array>): ReadonlySet<number> {
    const found = new Set<number>();
    const visited = new Set<number>();
    for (const text of texts) {
      let node = 0;
      for (const word of text) {
        node = this.#step(node, word);
        for (let end = node; end !== 0 && !visited.has(end); end = this.#shorter[end] ?? 0) {
          visited.add(end);
          for (const which of this.#ending[end] ?? []) found.add(which);
        }
      }
    }
    return found;
  }
}
