import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { readClaims, readCompactJws, type UnverifiedToken } from '../tokens/compact-jws.ts';
import { refuseGrant } from './grant-fault.ts';
import { grantLimits, parentName, type Grant } from './grant.ts';
import { readGrant, type GrantClaims } from './read-grant.ts';

/** One grant of a chain as it is written. Its signature is not checked yet. */
export interface UnverifiedGrant {
  /** Its compact JWS. */
  readonly jws: string;
  readonly header: UnverifiedToken;
  readonly claims: GrantClaims;
  readonly grant: Grant;
}

/**
 * A chain, the root first, from the one string that it is: each grant carries the one that it was handed on from. Each names that
 * one by its digest, and is of the same tenant. Throws GRANT_INVALID, GRANT_FOREIGN.
 */
export function readChain(text: string): readonly UnverifiedGrant[] {
  const links: Link[] = [];
  for (let jws: string | undefined = text; jws !== undefined; jws = links[0]?.claims.parent) {
    if (links.length === grantLimits.depth)
      throw refuseGrant('MALFORMED', `was handed on more often than ${grantLimits.depth - 1} times`);
    links.unshift(readLink(jws));
  }
  let above: UnverifiedGrant | undefined;
  return links.map((link) => (above = linked(link, above)));
}

interface Link extends Omit<UnverifiedGrant, 'grant'> {
  readonly sha256: string;
}

function readLink(jws: string): Link {
  const header = readCompactJws(jws, refuseGrant, grantLimits.length);
  const claims = readGrant(readClaims(header, refuseGrant));
  return { jws, header, claims, sha256: hex(sha256(utf8(jws))) };
}

function linked({ sha256, ...link }: Link, above: UnverifiedGrant | undefined): UnverifiedGrant {
  const { id, issuer, subject, tenant, tools, when, calls, budget, expiresAt, request } = link.claims;
  if (above !== undefined && issuer !== parentName(above.grant.sha256))
    throw refuseGrant('CLAIMS_INVALID', 'was not handed on from the one that it carries');
  if (above !== undefined && tenant !== above.claims.tenant)
    throw refuseGrant('SUBJECT_REFUSED', 'was handed on to another tenant');
  return {
    ...link,
    grant: {
      ...{ id, issuer, subject, sha256, tools, when, expiresAt },
      ...(calls !== undefined && { calls }),
      ...(budget && { budget }),
      ...(request !== undefined && above === undefined && { request }),
      lineage: [...(above?.grant.lineage ?? [tenant, issuer]), id],
    },
  };
}
