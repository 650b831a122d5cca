import { afterEach } from 'vitest';
import type { Decision, PolicyInput } from '../../../src/policy/policy.ts';
import { allowEverything } from '../../gate/harness.ts';
import { openWorld, type World } from '../world.ts';

/** Opens gates, and closes them after each test. */
export function worlds(): (decide?: (input: PolicyInput) => Decision) => Promise<World> {
  const opened: World[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(({ close }) => close()));
  });
  return async (decide = allowEverything) => {
    const world = await openWorld({ decide });
    opened.push(world);
    return world;
  };
}

export function needsApproval(): Decision {
  return {
    verdict: 'DENY',
    code: 'APPROVAL_REQUIRED',
    rule: 'ask',
    message: 'A person has to approve this.',
    controls: [],
  };
}

export async function outcomes({ logged }: World): Promise<readonly unknown[]> {
  return (await logged()).map(({ kind, predicate }) => (kind === 'outcome' ? predicate['outcome'] : kind));
}
