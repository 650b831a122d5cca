/**
 * Space that is held back so that what already runs can be recorded when the disk is full: released for outcomes alone,
 * and made again before the next permit.
 */
export interface Ballast {
  /** Whether the space is held. Shared by all processes of a ledger, so it is asked anew each time. */
  held(): boolean;
  release(): void;
  /** Tries to hold the space again; false while there is not enough. */
  restore(): boolean;
}

/** For stores whose space is somebody else's concern. */
export const noBallast: Ballast = { held: () => true, release: () => undefined, restore: () => true };
