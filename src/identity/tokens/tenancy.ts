import { resolve } from '../../call/pointer.ts';
import type { JsonObject } from '../../call/json.ts';
import type { RefuseToken } from './token-fault.ts';

/** Whose people, agents or devices an issuer speaks of. */
export interface Tenancy {
  /** The one tenant of everything that it issues, when no claim tells tenants apart. */
  readonly tenant: string;
  /** What the claim for the tenant says → the tenant. A value that is not here is nobody's. */
  readonly tenants?: ReadonlyMap<string, string>;
}

/** The tenant of a token, whose claim for it is at this place. */
export function tenantOf(
  claims: JsonObject,
  place: string | undefined,
  { tenant, tenants }: Tenancy,
  refuse: RefuseToken,
): string {
  if (tenants === undefined) return tenant;
  const claimed = place === undefined ? undefined : resolve(claims, place);
  const known = typeof claimed === 'string' ? tenants.get(claimed) : undefined;
  if (known === undefined)
    throw refuse('SUBJECT_REFUSED', 'belongs to no tenant that its issuer is configured for');
  return known;
}
