import type { JsonObject } from '../call/json.ts';
import type { Principal } from '../identity/principal.ts';
import type { Policy } from '../policy/policy.ts';
import { couldAllow } from '../policy/visibility.ts';
import { verifiedRoots } from './decide.ts';
import { refusedByLimits } from './tool-limits.ts';

/** A tool as its server lists it, before anybody calls it. */
export interface ListedForAll {
  readonly server: string;
  readonly name: string;
  /** The server's own hints. */
  readonly annotations?: JsonObject;
}

/**
 * Which tools a principal could ever be allowed to call: what its credentials are for, and policy could allow. It hides none that some call could be allowed: what an operator has not
 * accepted yet may be accepted tomorrow.
 */
export function toolVisibility(policy: Policy): (principal: Principal) => (tool: ListedForAll) => boolean {
  return (principal) => {
    if (principal.refusal) return () => false;
    const roots = verifiedRoots(principal);
    return ({ server, name, annotations }) =>
      refusedByLimits(principal, { server, name }) === undefined &&
      [true, false].some((accepted) =>
        couldAllow(policy, {
          ...roots,
          tool: { server, name, accepted, listed: true, ...(accepted && annotations && { annotations }) },
        }),
      );
  };
}
