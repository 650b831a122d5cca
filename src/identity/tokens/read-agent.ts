import type { JsonObject } from '../../call/json.ts';
import { trustDomainOf } from '../agent-id.ts';
import { programIn, type AgentPreset } from './agent-presets.ts';
import { tenantOf, type Tenancy } from './tenancy.ts';
import type { RefuseToken } from './token-fault.ts';

/** Which agent a token speaks of, and whose it is. */
export interface ClaimedAgent {
  /** As an API key names agents: see `agentIdOf`. */
  readonly name: string;
  readonly issuer: string;
  readonly tenant: string;
  readonly source: 'token' | 'jwt-svid';
}

export interface AgentIssuer {
  readonly issuer: string;
  readonly preset: AgentPreset;
  /** What the issuer calls a program → the agent’s name. Whoever is not here is no agent. */
  readonly agents: ReadonlyMap<string, string>;
}

type ReadAgent = (claims: JsonObject, refuse: RefuseToken) => ClaimedAgent;

/** Claims of a token that an issuer gave to a program → agent. */
export function agentReader({ issuer, preset, agents }: AgentIssuer, tenancy: Tenancy): ReadAgent {
  return (claims, refuse) => {
    refuseDelegated(claims, refuse);
    if (!preset.isPrograms(claims)) throw refuse('SUBJECT_REFUSED', 'is not a program’s own');
    const program = programIn(claims, preset);
    if (program === undefined) throw refuse('CLAIMS_INVALID', 'does not say which program it is of');
    const name = agents.get(program);
    if (name === undefined) throw refuse('SUBJECT_REFUSED', 'is of a program that is no agent here');
    return { name, issuer, tenant: tenantOf(claims, preset.tenant, tenancy, refuse), source: 'token' };
  };
}

/** Claims of a JWT-SVID → agent: every workload of its trust domain is one, and its API key says which of them it may be. */
export function svidReader(trustDomain: string, { tenant }: Tenancy): ReadAgent {
  return (claims, refuse) => {
    refuseDelegated(claims, refuse);
    const { sub } = claims;
    if (typeof sub !== 'string' || trustDomainOf(sub) !== trustDomain)
      throw refuse('SUBJECT_REFUSED', 'is of no workload of its trust domain');
    return { name: sub, issuer: `spiffe://${trustDomain}`, tenant, source: 'jwt-svid' };
  };
}

/** Who holds a token with an actor is that actor, and the subject is somebody else (RFC 8693 §1.1). */
function refuseDelegated({ act }: JsonObject, refuse: RefuseToken): void {
  if (act !== undefined) throw refuse('SUBJECT_REFUSED', 'was given to somebody who acts for its subject');
}
