import { CountersignError } from '../errors.ts';
import { agentIdOf } from './agent-id.ts';
import type { KeyHolder } from './agent-proof.ts';
import { attribute } from './attribute.ts';
import type { Agent, Attribute, Binding, Human } from './principal.ts';
import type { ClaimedHuman } from './tokens/read-claims.ts';
import type { VerifiedToken } from './tokens/token-verifier.ts';

/**
 * The person of a token, if that is of the key's tenant and lets this agent act.
 *
 * @throws CountersignError `HUMAN_TENANT_REFUSED`, `ACTOR_REFUSED`
 */
export function provenHuman(
  { record, trustDomain }: KeyHolder,
  { value, binding }: VerifiedToken<ClaimedHuman>,
  agent: Agent,
  now: number,
): Attribute<Human> {
  if (value.tenant !== record.tenant) throw refused('HUMAN_TENANT_REFUSED');
  const { actor } = value.delegation ?? {};
  if (actor === 'nobody' || (actor && agentIdOf(actor.name, trustDomain) !== agent.id))
    throw refused('ACTOR_REFUSED');
  return attribute(humanOf(value, binding), 'token', now);
}

function humanOf(claimed: ClaimedHuman, binding: Binding): Human {
  if (claimed.delegation === undefined && claimed.binding === binding) return claimed;
  const { delegation: _, ...human } = claimed;
  return { ...human, binding };
}

const refusals = {
  HUMAN_TENANT_REFUSED: 'The human belongs to another tenant than the API key.',
  ACTOR_REFUSED: 'The human’s token is for another agent to act with than the one that calls.',
} as const;

function refused(code: keyof typeof refusals): CountersignError {
  return new CountersignError(code, refusals[code]);
}
