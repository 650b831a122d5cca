import { CountersignError } from '../../errors.ts';
import type { Grant } from '../../identity/grants/grant.ts';
import { createGrantVerifier, verifyLinks } from '../../identity/grants/grant-verifier.ts';
import type { GranterSource } from '../../identity/grants/granter.ts';
import { readChain } from '../../identity/grants/read-chain.ts';

/** One grant of a chain, and whether it may be handed on. */
export interface ShownGrant extends Grant {
  readonly tenant: string;
  readonly mayBeHandedOn: boolean;
}

export interface ShownChain {
  /** The root first. */
  readonly grants: readonly ShownGrant[];
  /** Why it does not count here and now; absent where it does. */
  readonly refused?: CountersignError;
}

/**
 * What a chain says, and whether it counts by these granters. Without them only what was handed on is checked: the root may be
 * anybody’s. Rejects for what is no chain. `now` is wall milliseconds.
 */
export async function showGrant(
  text: string,
  granters: GranterSource | undefined,
  now: number,
): Promise<ShownChain> {
  const links = readChain(text);
  const grants = links.map(({ grant, claims: { tenant, holder } }) => ({
    ...{ ...grant, tenant },
    mayBeHandedOn: holder !== undefined,
  }));
  try {
    if (granters !== undefined) await createGrantVerifier(granters).verify(text, now);
    else {
      const [root] = links;
      await verifyLinks(links.slice(1), root?.claims.holder === undefined ? [] : [root.claims.holder]);
    }
    return { grants };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { grants, refused: error };
  }
}
