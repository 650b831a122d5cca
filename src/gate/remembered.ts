import { CountersignError } from '../errors.ts';

/** Answers that are kept, so that who asks the same again gets the very same answer. */
export interface Remembered<T> {
  /**
   * The answer to `question` of this asker under `id`; made by `make` when it is the first. Who asks at the same time shares one.
   * CALL_ID_REUSED when another question was asked under the id. An answer that `keep` does not hold for, or that fails, is
   * forgotten.
   */
  answer(asked: Asked, make: () => Promise<T>, keep: (answer: T) => boolean): Promise<T>;
  /** Whether a question was asked under the id and its answer is kept. */
  has(asked: Pick<Asked, 'asker' | 'id'>): boolean;
}

export interface Asked {
  /** Whose: askers do not push out each other's answers. */
  readonly asker: string;
  readonly id: string;
  /** Digest of everything that the answer depends on. */
  readonly question: string;
}

interface Kept<T> {
  readonly question: string;
  readonly answer: Promise<T>;
}

/** `perAsker`: how many answers of one are kept, the newest. */
export function rememberAnswers<T>(perAsker: number): Remembered<T> {
  const askers = new Map<string, Map<string, Kept<T>>>();

  const keptOf = (asker: string): Map<string, Kept<T>> => {
    const kept = askers.get(asker) ?? new Map<string, Kept<T>>();
    askers.set(asker, kept);
    return kept;
  };

  return {
    has: ({ asker, id }) => askers.get(asker)?.has(id) ?? false,
    async answer({ asker, id, question }, make, keep) {
      const kept = keptOf(asker);
      const before = kept.get(id);
      if (before && before.question !== question) throw reused();
      if (before) return before.answer;
      const entry: Kept<T> = { question, answer: make() };
      kept.set(id, entry);
      const [oldest] = kept.keys();
      if (kept.size > perAsker && oldest !== undefined) kept.delete(oldest);
      let worth = false;
      try {
        const answer = await entry.answer;
        worth = keep(answer);
        return answer;
      } finally {
        if (!worth && kept.get(id) === entry) kept.delete(id);
        if (kept.size === 0) askers.delete(asker);
      }
    },
  };
}

function reused(): CountersignError {
  return new CountersignError(
    'CALL_ID_REUSED',
    'Something else was asked under this call id before: every call has an id of its own.',
  );
}
