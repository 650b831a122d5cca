/**
 * What somebody leaves an agent of what policy allows, for one task. A grant allows nothing by itself. Of a chain every one has to
 * admit a call, so that whoever hands a grant on can only leave less.
 */
export interface Grant {
  /** The claim `jti`. Whoever signed it chose it: it names counters only together with those above it, see `lineage`. */
  readonly id: string;
  /** The granter as the configuration names it; of a grant that was handed on `sha256:` and the digest of the one above. */
  readonly issuer: string;
  /** SPIFFE ID of the agent that it is for. */
  readonly subject: string;
  /** Hex SHA-256 of its compact JWS. */
  readonly sha256: string;
  /** Patterns as in policy: `files/read_*`. With none of them no tool is admitted. */
  readonly tools: readonly string[];
  /** Conditions as in policy: each has to be true. */
  readonly when: readonly string[];
  /** How many calls may be made under it, and under what was handed on of it, in its whole life. */
  readonly calls?: number;
  readonly budget?: GrantBudget;
  /** Wall milliseconds. */
  readonly expiresAt: number;
  /** What the person asked for, in their own words. Of the root alone: who hands on cannot change it. */
  readonly request?: string;
  /** Tenant, granter and the ids from the root to this one: what its counters are kept for. */
  readonly lineage: readonly string[];
}

export interface GrantBudget {
  /** What may be taken in the grant’s whole life, at most. */
  readonly limit: number;
  /** CEL: what a call takes, 0 or more. */
  readonly amount: string;
}

/** Value of `typ` (RFC 8725 §3.11): a token for something else is no grant. */
export const grantType = 'countersign-grant+jwt';

/** Signatures that are taken, of granters and of those who hand on. */
export const grantAlgorithms = ['ES256', 'EdDSA'] as const;

export const grantLimits = {
  /** Characters of a whole chain, as one compact JWS. */
  length: 32_768,
  /** Grants in a chain. */
  depth: 8,
  patterns: 256,
  conditions: 16,
  /** UTF-16 units of one condition, as in policy. */
  conditionLength: 4_096,
  requestLength: 8_192,
  lifetimeMs: 31 * 86_400_000,
  /** Granters of a home, and keys of one of them. */
  granters: 64,
  keys: 8,
} as const;

const granterName = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;

/** How a configuration may name a granter: never as a grant names the one above it. */
export function isGranterName(text: string): boolean {
  return granterName.test(text);
}

/** How a grant names the one that it was handed on from. */
export function parentName(sha256: string): string {
  return `sha256:${sha256}`;
}
