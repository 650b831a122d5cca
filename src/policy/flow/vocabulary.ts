/** Words as numbers: texts are kept, and looked through, as those. */
export class Vocabulary {
  readonly #numbers = new Map<string, number>();
  readonly #words: string[] = [];
  readonly #limit: number;
  #length = 0;
  #inUse = 0;

  /** It is full when its words take so much together, and twice what is in use: it then says so, and goes on. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#words.length;
  }

  get isFull(): boolean {
    return this.#length > Math.max(this.#limit, 2 * this.#inUse);
  }

  /** Numbers anew the words that are in use, and forgets the others. */
  renumber(texts: readonly Int32Array[]): Int32Array[] {
    const kept = texts.map((numbers) => Array.from(numbers, (number) => this.#words[number] ?? ''));
    this.#numbers.clear();
    this.#words.length = 0;
    this.#length = 0;
    const renumbered = kept.map((words) => this.numbersOf(words));
    this.#inUse = this.#length;
    return renumbered;
  }

  /** Words that are new get a number. */
  numbersOf(words: readonly string[]): Int32Array {
    const numbers = new Int32Array(words.length);
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? '';
      let number = this.#numbers.get(word);
      if (number === undefined) {
        number = this.#words.push(word) - 1;
        this.#numbers.set(word, number);
        this.#length += word.length + 32;
      }
      numbers[at] = number;
    }
    return numbers;
  }

  /** Undefined when one of them was never seen. */
  known(words: readonly string[]): number[] | undefined {
    const numbers: number[] = [];
    for (const word of words) {
      const number = this.#numbers.get(word);
      if (number === undefined) return undefined;
      numbers.push(number);
    }
    return numbers;
  }
}
