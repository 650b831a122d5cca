import type { JsonObject } from '../../call/json.ts';
import { actorName, readActors, readMayAct } from './actor.ts';
import { readToolLimit } from './authorization-details.ts';
import type { Actor, ToolLimit } from '../principal.ts';
import type { RefuseToken } from './token-fault.ts';

/** How an issuer's words on delegation are meant. */
export interface DelegationRules {
  /** What the issuer calls an agent in `act` and `may_act` → the agent's name, see `agentIdOf`. */
  readonly actors: ReadonlyMap<string, string>;
  /** What the issuer calls us: places that an entry of `authorization_details` can be for. */
  readonly audiences: readonly string[];
}

/** What a person's token leaves of that person's authority. */
export interface Delegation {
  /** The one agent that may act; `nobody` for one that is none of ours. Absent where the token does not say. */
  readonly actor?: { readonly name: string } | 'nobody';
  readonly limit?: ToolLimit;
}

/**
 * Reads who acts (`act`), else who may (`may_act`), and what is left for them to do (`authorization_details`). All three have to be well
 * formed, whichever of them counts.
 */
export function readDelegation(
  claims: JsonObject,
  issuer: string,
  { actors, audiences }: DelegationRules,
  refuse: RefuseToken,
): { readonly actors?: readonly Actor[]; readonly delegation?: Delegation } {
  const chain = readActors(claims, refuse);
  const mayAct = readMayAct(claims, refuse);
  const limit = readToolLimit(claims, audiences, refuse);
  const current = chain?.[0] ?? mayAct;
  if (current === undefined && limit === undefined) return {};
  const name = current && actorName(current, { issuer, actors });
  return {
    ...(chain && { actors: chain }),
    delegation: {
      ...(current && { actor: name === undefined ? 'nobody' : { name } }),
      ...(limit && { limit }),
    },
  };
}
