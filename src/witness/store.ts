import type { VerifierKey } from '../tlog/vkey.ts';
import type { Fork } from './fork.ts';

/** A checkpoint that this witness cosigned. */
export interface Cosigned {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The signed note with the lines of the log's trusted keys, and no others. */
  readonly note: string;
  /** When it was cosigned last, POSIX seconds, as the cosignature states it. */
  readonly time: number;
}

/** What a witness knows of one log, as far as one checkpoint of it is concerned. */
export interface LogState {
  /** The largest one that was cosigned. */
  readonly latest: Cosigned | null;
  /** The one of the checkpoint's own size, if it is among those that are still remembered. */
  readonly sameSize: Cosigned | null;
  /** Suspicions that are kept against a tree of this size. */
  readonly suspected: readonly Fork[];
}

/** What is to be written, all of it or nothing. */
export interface Changes {
  /** The new state of the log. Suspicions against its size are settled with it: they are removed, or are in `forks`. */
  readonly cosigned?: Cosigned;
  /** Evidence to keep. The same one twice is kept once. */
  readonly forks: readonly Fork[];
}

/** What answering a request needs of a store. */
export interface WitnessStore {
  /** The keys whose checkpoints of this origin count; none when the log is not witnessed. */
  logKeys(origin: string): readonly VerifierKey[] | Promise<readonly VerifierKey[]>;
  /**
   * Shows `decide` the state and writes what it wants changed, as one step: no other request, of this process or of another,
   * comes in between. When this returns, the changes are durable; when it throws, nothing may be said to anybody.
   */
  step<T extends Changes>(origin: string, size: number, decide: (state: LogState) => T): T | Promise<T>;
}

/** A log in the books of a witness. */
export interface WitnessedLog {
  readonly origin: string;
  /** None: the log was removed, and is remembered so that it cannot come back with another history. */
  readonly keys: readonly VerifierKey[];
  readonly latest: Cosigned | null;
  readonly forks: ForkCounts;
}

/** How much evidence there is against a log, kept or only counted. */
export interface ForkCounts {
  readonly proven: number;
  readonly unproven: number;
  /** How many more were seen when there was no room left. */
  readonly dropped: number;
}

/** What the operator of a witness does with its books. */
export interface WitnessBooks extends WitnessStore {
  logs(): readonly WitnessedLog[];
  /** False when it was there already. */
  addKey(origin: string, key: VerifierKey): boolean;
  /** False when it was not there. What was cosigned of the log stays. */
  removeKey(origin: string, key: VerifierKey): boolean;
  /** The oldest first. */
  forks(): readonly Fork[];
}

/** Cosigned checkpoints that are remembered of each log: a fork below the newest one is recognised at these sizes. */
export const rememberedCheckpoints = 1_024;

/**
 * Pieces of evidence kept of each log. Proofs can only be made with the log's key, suspicions by whoever has one of its
 * checkpoints: they are counted apart, so that nobody can crowd out a proof.
 */
export const maxKept = { proven: 64, unproven: 16 } as const;
