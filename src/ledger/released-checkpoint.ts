/** A tree head that this log has shown to somebody. Whatever it heads must stay a prefix of the log for ever. */
export interface ReleasedCheckpoint {
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Remembers, outside the store, the newest checkpoint that was released, so that a store which was restored from a backup,
 * or which lost its tail, is noticed before a second history is signed over the first.
 */
export interface ReleasedCheckpoints {
  /** Every remembered checkpoint: the log must extend all of them. */
  load(): Promise<readonly ReleasedCheckpoint[]>;
  /** Called after each commit and before anything of it is released. Sizes only grow. */
  store(checkpoint: ReleasedCheckpoint): void | Promise<void>;
}

/** Remembers nothing beyond the process: for logs that live no longer than it does. */
export function forgetfulCheckpoints(): ReleasedCheckpoints {
  let newest: readonly ReleasedCheckpoint[] = [];
  return {
    load: () => Promise.resolve(newest),
    store(checkpoint) {
      newest = [checkpoint];
    },
  };
}
