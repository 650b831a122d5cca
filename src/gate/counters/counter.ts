/** A count or a sum that calls take from, kept in the ledger for all gates together. */
export interface CounterDemand {
  /** What it is kept for, and whom: the head's name is its digest. */
  readonly key: string;
  /** What may be taken in any `window`, at most. */
  readonly limit: number;
  /** Milliseconds; Infinity for as long as there is a ledger. */
  readonly window: number;
  /** What this call takes: 0 or more. */
  readonly amount: number;
  readonly code: 'RATE_EXCEEDED' | 'BUDGET_EXCEEDED';
  /** The rule that demands it; absent of a grant’s. */
  readonly rule?: string;
  /** For the sentence that refuses: `3 calls an hour`. */
  readonly what: string;
}
