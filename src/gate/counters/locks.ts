/** Locks by name, within this process. */
export interface Locks {
  /** Resolves once all are held; the names may repeat. What it resolves to gives them back, once. */
  acquire(names: readonly string[]): Promise<() => void>;
}

export function createLocks(): Locks {
  const last = new Map<string, Promise<void>>();

  const acquireOne = async (name: string): Promise<() => void> => {
    const before = last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    last.set(name, promise);
    await before;
    return () => {
      if (last.get(name) === promise) last.delete(name);
      resolve();
    };
  };

  return {
    async acquire(names) {
      const releases: (() => void)[] = [];
      // One order for all, so that no two wait for each other.
      for (const name of [...new Set(names)].sort()) releases.push(await acquireOne(name));
      return () => {
        for (const release of releases) release();
      };
    },
  };
}
