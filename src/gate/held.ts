import type { Held } from './counters/counters.ts';

/** What one draft holds until it is durable, or refused. */
export interface Holding extends Held {
  release(): void;
}

export function createHolding(): Holding {
  const releases: (() => void)[] = [];
  return {
    keep: (release) => void releases.push(release),
    release() {
      for (const release of releases.splice(0)) release();
    },
  };
}
