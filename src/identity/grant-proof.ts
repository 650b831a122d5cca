import { CountersignError } from '../errors.ts';
import { agentIdOf } from './agent-id.ts';
import type { KeyHolder } from './agent-proof.ts';
import type { Proven } from './evidence.ts';
import { refuseGrant } from './grants/grant-fault.ts';
import type { GrantVerifier, VerifiedChain } from './grants/grant-verifier.ts';
import type { Credentials, Principal } from './principal.ts';

/** What is asked of grants beside the key. */
export interface GrantRules {
  readonly verifier: GrantVerifier;
  /** Agents whose calls count under a grant alone, by name or SPIFFE ID. */
  readonly requiredOf: readonly string[];
}

/**
 * What is proven, narrowed by the grant that came with it. A grant that does not hold is a refusal, never one that is left out:
 * without it the call would be allowed more.
 */
export function proveGrants(
  rules: GrantRules,
  key: KeyHolder,
  proven: Proven,
  { grant }: Credentials,
  now: number,
): Proven | Promise<Proven> {
  if (proven.refusal !== undefined) return proven;
  if (grant === undefined) return isRequired(rules, key, proven) ? { ...proven, refusal: missing } : proven;
  return narrowed(rules, key, proven, grant, now);
}

const missing = {
  code: 'GRANT_MISSING',
  message: 'This agent acts under a grant alone, and none came with the call.',
} as const;

function isRequired({ requiredOf }: GrantRules, { trustDomain }: KeyHolder, { agent }: Proven): boolean {
  return requiredOf.some((name) => agentIdOf(name, trustDomain) === agent.value.id);
}

async function narrowed(
  { verifier }: GrantRules,
  key: KeyHolder,
  proven: Proven,
  text: string,
  now: number,
): Promise<Proven> {
  try {
    const chain = await verifier.verify(text, now);
    assertIsFor(chain, key, proven);
    const { grants } = chain;
    return {
      ...proven,
      grants,
      limits: [...(proven.limits ?? []), ...grants.map(({ tools }) => ({ by: 'grant', tools }) as const)],
      expiresAt: Math.min(proven.expiresAt ?? Infinity, ...grants.map(({ expiresAt }) => expiresAt)),
    };
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    return { ...proven, refusal: { code: error.code, message: error.message } };
  }
}

/** Whoever has copied a grant of another agent, tenant or person has nothing. */
function assertIsFor(
  { grants, granter, tenant }: VerifiedChain,
  { record }: KeyHolder,
  { agent, human }: Pick<Principal, 'agent' | 'human'>,
): void {
  if (tenant !== record.tenant) throw refuseGrant('SUBJECT_REFUSED', 'is for another tenant’s agents');
  if (grants.at(-1)?.subject !== agent.value.id)
    throw refuseGrant('SUBJECT_REFUSED', 'is for another agent than the one that calls');
  const { issuer, subject } = granter.human ?? {};
  const person = human?.value;
  if (granter.human && person && (person.issuer !== issuer || person.subject !== subject))
    throw refuseGrant('SUBJECT_REFUSED', 'is of another person than the one whom the call is made for');
}
