import { hex } from '../call/sha256.ts';
import type { VerifierKey } from '../tlog/vkey.ts';
import { formatVkey } from '../tlog/vkey.ts';
import { refusedTree } from './fork.ts';
import type { Fork } from './fork.ts';
import { maxKept, rememberedCheckpoints } from './store.ts';
import type { Changes, Cosigned, WitnessBooks } from './store.ts';

interface LogBook {
  readonly keys: Map<string, VerifierKey>;
  /** By size, ascending: a log only grows. */
  readonly cosigned: Map<number, Cosigned>;
  /** By the tree that was refused. */
  readonly proven: Map<string, Fork>;
  readonly unproven: Map<string, Fork>;
  dropped: number;
}

/** The books of a witness that forgets all when it ends: for tests. A real one must never forget what it cosigned. */
export function createMemoryWitnessStore(): WitnessBooks {
  const books = new Map<string, LogBook>();
  const open = (origin: string): LogBook => {
    const book = books.get(origin) ?? {
      keys: new Map(),
      cosigned: new Map(),
      proven: new Map(),
      unproven: new Map(),
      dropped: 0,
    };
    books.set(origin, book);
    return book;
  };
  return {
    logKeys: (origin) => [...(books.get(origin)?.keys.values() ?? [])],
    step(origin, size, decide) {
      const book = open(origin);
      const decided = decide({
        latest: latestOf(book),
        sameSize: book.cosigned.get(size) ?? null,
        suspected: suspicionsOf(book, size),
      });
      apply(book, decided);
      return decided;
    },
    logs: () =>
      [...books]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([origin, book]) => {
          const forks = { proven: book.proven.size, unproven: book.unproven.size, dropped: book.dropped };
          return { origin, keys: [...book.keys.values()], latest: latestOf(book), forks };
        }),
    addKey(origin, key) {
      const { keys } = open(origin);
      const isNew = !keys.has(formatVkey(key));
      keys.set(formatVkey(key), key);
      return isNew;
    },
    removeKey: (origin, key) => books.get(origin)?.keys.delete(formatVkey(key)) ?? false,
    forks: () =>
      [...books.values()]
        .flatMap(({ proven, unproven }) => [...proven.values(), ...unproven.values()])
        .toSorted((a, b) => a.seenAt - b.seenAt),
  };
}

function latestOf({ cosigned }: LogBook): Cosigned | null {
  return [...cosigned.values()].at(-1) ?? null;
}

function suspicionsOf({ unproven }: LogBook, size: number): readonly Fork[] {
  return [...unproven.values()].filter((fork) => refusedTree(fork).size === size);
}

function apply(book: LogBook, { cosigned, forks }: Changes): void {
  if (cosigned !== undefined) {
    book.cosigned.set(cosigned.size, cosigned);
    const [oldest] = book.cosigned.keys();
    if (oldest !== undefined && book.cosigned.size > rememberedCheckpoints) book.cosigned.delete(oldest);
    for (const fork of suspicionsOf(book, cosigned.size)) book.unproven.delete(treeKey(fork));
  }
  for (const fork of forks) keep(book, fork);
}

function keep(book: LogBook, fork: Fork): void {
  const key = treeKey(fork);
  const weight = fork.kind === 'unproven' ? 'unproven' : 'proven';
  if (book.proven.has(key) || book[weight].has(key)) return;
  if (book[weight].size >= maxKept[weight]) {
    book.dropped += 1;
    return;
  }
  book[weight].set(key, fork);
  // What is proven is no longer a suspicion.
  if (weight === 'proven') book.unproven.delete(key);
}

function treeKey(fork: Fork): string {
  const { size, root } = refusedTree(fork);
  return `${size} ${hex(root)}`;
}
