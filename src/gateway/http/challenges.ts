import type { ReasonCode } from '../../names.ts';

/** What a challenge tells whoever could log in, beside why it was given. */
export interface ChallengeTerms {
  /** URL of the metadata that say where to log in (RFC 9728 §5.1). */
  readonly metadata: string;
  /** What to ask for there. */
  readonly scopes: readonly string[];
  /** Signatures that proofs of possession may have (RFC 9449 §7.1); none where they are not taken. */
  readonly proofAlgorithms: readonly string[];
}

/** Nothing was brought, and RFC 6750 §3.1 then tells no error; or the token is good, and its proof is not. */
const withoutError: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'API_KEY_MISSING',
  'HUMAN_MISSING',
  'HUMAN_TOKEN_PROOF_INVALID',
  'HUMAN_TOKEN_PROOF_REPLAYED',
  'HUMAN_TOKEN_UNBOUND',
]);

/** RFC 9449 §7.1. */
const proofErrors: Readonly<Partial<Record<ReasonCode, string>>> = {
  HUMAN_TOKEN_PROOF_INVALID: 'invalid_dpop_proof',
  HUMAN_TOKEN_PROOF_REPLAYED: 'invalid_dpop_proof',
  HUMAN_TOKEN_UNBOUND: 'invalid_token',
};

/**
 * `WWW-Authenticate` of a refusal (RFC 6750 §3). `Bearer` comes first, also where `DPoP` is what it is about: clients were seen to
 * read the first challenge alone, and what they look for is where to log in.
 */
export function challengeOf(code: ReasonCode, terms?: ChallengeTerms): string {
  const error = code === 'DELEGATION_TOOL_REFUSED' ? 'insufficient_scope' : 'invalid_token';
  const bearer = [
    'Bearer realm="countersign"',
    ...(withoutError.has(code) ? [] : [`error="${error}"`]),
    ...(terms && terms.scopes.length > 0 ? [`scope="${terms.scopes.join(' ')}"`] : []),
    ...(terms ? [`resource_metadata="${terms.metadata}"`] : []),
  ];
  const proofError = proofErrors[code];
  if (proofError === undefined) return bearer.join(', ');
  const algorithms = terms?.proofAlgorithms ?? [];
  const told = algorithms.length > 0 ? [`algs="${algorithms.join(' ')}"`] : [];
  return `${bearer.join(', ')}, DPoP ${[`error="${proofError}"`, ...told].join(', ')}`;
}

/**
 * Whether logging in, again or at all, could mend it: what came of a person does not hold, or nobody came where one is needed and
 * `isOffered` says that there is a place to log in.
 */
export function asksForLogin(code: ReasonCode, isOffered: boolean): boolean {
  if (code === 'HUMAN_MISSING') return isOffered;
  return (
    code === 'HUMAN_REVOKED' ||
    code === 'SESSION_REVOKED' ||
    (code.startsWith('HUMAN_TOKEN_') && code !== 'HUMAN_TOKEN_KEYS_UNAVAILABLE')
  );
}
