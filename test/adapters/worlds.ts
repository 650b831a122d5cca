import { afterEach } from 'vitest';
import { openWorld, type World, type WorldOptions } from './world.ts';

/** Opens gates, and closes them after each test. */
export function worlds(): (options?: WorldOptions) => Promise<World> {
  const opened: World[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ close }) => close()));
  });
  return async (options) => {
    const world = await openWorld(options);
    opened.push(world);
    return world;
  };
}

/** `allow` or `deny` of each verdict, and what each outcome was, in the log's order. */
export async function outcomes({ logged }: World): Promise<readonly unknown[]> {
  return (await logged()).map(({ kind, predicate }) => (kind === 'outcome' ? predicate['outcome'] : kind));
}
