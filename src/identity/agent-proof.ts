import { CountersignError } from '../errors.ts';
import { agentIdOf } from './agent-id.ts';
import { attribute } from './attribute.ts';
import type { ApiKeyRecord } from './api-key.ts';
import type { VerifiedCertificate } from './possession/possession.ts';
import type { Agent, Attribute } from './principal.ts';
import type { ClaimedAgent } from './tokens/read-agent.ts';
import type { VerifiedToken } from './tokens/token-verifier.ts';

/** An API key, and the trust domain whose agents it names by their last segment. */
export interface KeyHolder {
  readonly record: ApiKeyRecord;
  readonly trustDomain: string;
}

/** What says which agent calls, beside the key. */
export interface AgentProofs {
  readonly certificate?: VerifiedCertificate | undefined;
  readonly token?: VerifiedToken<ClaimedAgent> | undefined;
}

/**
 * The one agent that certificate, token and key agree on. A key of one agent speaks for it alone; of several, something has to say
 * which.
 *
 * @throws CountersignError `AGENT_TENANT_REFUSED`, `AGENTS_DIFFER`, `AGENT_REFUSED`, `AGENT_PROOF_MISSING`
 */
export function provenAgent(key: KeyHolder, proofs: AgentProofs, now: number): Attribute<Agent> {
  const proven = agentOfCertificate(key, proofs, now) ?? agentOfToken(key, proofs, now);
  if (proven === undefined) return requireVerified(agentOfKey(key, now));
  if (!agentsOf(key).includes(proven.value.id)) throw refused('AGENT_REFUSED');
  return proven;
}

/** The agent that a key names first: verified where it names no other. */
export function agentOfKey(key: KeyHolder, now: number): Attribute<Agent> {
  const [first, ...others] = agentsOf(key);
  const issuer = `spiffe://${key.trustDomain}`;
  const isKnown = first !== undefined && others.length === 0;
  return attribute({ id: first ?? issuer, issuer, binding: 'none' }, 'api-key', now, isKnown);
}

function requireVerified(agent: Attribute<Agent>): Attribute<Agent> {
  if (!agent.verified) throw refused('AGENT_PROOF_MISSING');
  return agent;
}

function agentOfCertificate(
  { record, trustDomain }: KeyHolder,
  { certificate, token }: AgentProofs,
  now: number,
): Attribute<Agent> | undefined {
  if (certificate?.holder.kind !== 'agent') return undefined;
  const { id, issuer, tenant } = certificate.holder;
  if (tenant !== undefined && tenant !== record.tenant) throw refused('AGENT_TENANT_REFUSED');
  if (token !== undefined) {
    assertTenant(token, record);
    if (agentIdOf(token.value.name, trustDomain) !== id) throw refused('AGENTS_DIFFER');
  }
  return attribute({ id, issuer, binding: 'mtls' }, 'certificate', now);
}

function agentOfToken(
  { record, trustDomain }: KeyHolder,
  { token }: AgentProofs,
  now: number,
): Attribute<Agent> | undefined {
  if (token === undefined) return undefined;
  assertTenant(token, record);
  const { name, issuer, source } = token.value;
  return attribute({ id: agentIdOf(name, trustDomain), issuer, binding: token.binding }, source, now);
}

function assertTenant({ value }: VerifiedToken<ClaimedAgent>, { tenant }: ApiKeyRecord): void {
  if (value.tenant !== tenant) throw refused('AGENT_TENANT_REFUSED');
}

function agentsOf({ record, trustDomain }: KeyHolder): readonly string[] {
  return [...new Set(record.agents.map((name) => agentIdOf(name, trustDomain)))];
}

const refusals = {
  AGENT_TENANT_REFUSED: 'The agent belongs to another tenant than the API key.',
  AGENTS_DIFFER: 'The certificate and the token are of two different agents.',
  AGENT_REFUSED: 'The API key is not for the agent that calls.',
  AGENT_PROOF_MISSING: 'The API key is for several agents, and nothing proves which of them calls.',
} as const;

function refused(code: keyof typeof refusals): CountersignError {
  return new CountersignError(code, refusals[code]);
}
