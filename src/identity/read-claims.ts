import { resolve } from '../call/pointer.ts';
import type { Json, JsonObject } from '../call/json.ts';
import type { ClaimPlaces, IssuerPreset } from './issuer-presets.ts';
import type { Device, Human } from './principal.ts';
import { isSeconds } from './token-claims.ts';
import type { RefuseToken } from './token-fault.ts';

/** Whose people or devices an issuer speaks of. */
export interface Tenancy {
  /** The one tenant of everything that it issues, when no claim tells tenants apart. */
  readonly tenant: string;
  /** What the claim for the tenant says → the tenant. A value that is not here is nobody's. */
  readonly tenants?: ReadonlyMap<string, string>;
}

/** Values of one list that are taken, and characters of one text: they go into policy and into statements. */
const maxEntries = 1_024;
const maxText = 512;

/** Claims → human, as an issuer of this shape means them. */
export function humanReader(issuer: string, shape: IssuerPreset, tenancy: Tenancy) {
  const { places } = shape;
  return (claims: JsonObject, refuse: RefuseToken): Human => {
    if (shape.isProgram?.(claims) || isClient(claims))
      throw refuse('SUBJECT_REFUSED', 'speaks of a program, not of a person');
    const authTime = resolve(claims, places.authTime);
    if (authTime !== undefined && !isSeconds(authTime))
      throw refuse('CLAIMS_INVALID', 'has no whole seconds for the time of login');
    return {
      issuer,
      subject: textAt(claims, places.subject, 'subject', refuse),
      tenant: tenantOf(claims, places, tenancy, refuse),
      roles: texts(
        [...valuesAt(claims, places.roles), ...(shape.moreRoles?.(claims) ?? [])],
        'roles',
        refuse,
      ),
      ...(!shape.leavesGroupsOut?.(claims) && {
        groups: texts(valuesAt(claims, places.groups), 'groups', refuse),
      }),
      ...(authTime !== undefined && { authTime }),
      binding: 'none',
    };
  };
}

/** Where a posture token says what, beside `sub`, which is the device. */
export interface DevicePlaces {
  readonly trust: string;
  readonly tenant?: string;
}

/** A device and whose it is. */
export interface ClaimedDevice extends Device {
  readonly tenant: string;
}

/** Claims → device. */
export function deviceReader(places: DevicePlaces, tenancy: Tenancy) {
  return (claims: JsonObject, refuse: RefuseToken): ClaimedDevice => ({
    id: textAt(claims, '/sub', 'device', refuse),
    trust: textAt(claims, places.trust, 'trust', refuse),
    tenant: tenantOf(claims, places, tenancy, refuse),
  });
}

/** RFC 9068 §2.2: where nobody but the client is involved, the subject is the client. */
function isClient({ sub, client_id: clientId, azp, cid }: JsonObject): boolean {
  return [clientId, azp, cid].some((client) => client !== undefined && client === sub);
}

function tenantOf(
  claims: JsonObject,
  places: Pick<ClaimPlaces, 'tenant'>,
  { tenant, tenants }: Tenancy,
  refuse: RefuseToken,
): string {
  if (tenants === undefined) return tenant;
  const claimed = places.tenant === undefined ? undefined : resolve(claims, places.tenant);
  const known = typeof claimed === 'string' ? tenants.get(claimed) : undefined;
  if (known === undefined)
    throw refuse('SUBJECT_REFUSED', 'belongs to no tenant that its issuer is configured for');
  return known;
}

function textAt(claims: JsonObject, place: string, what: string, refuse: RefuseToken): string {
  const value = resolve(claims, place);
  if (!isText(value) || value === '')
    throw refuse('CLAIMS_INVALID', `has no text for the ${what} at ${place}`);
  return value;
}

function valuesAt(claims: JsonObject, at: readonly string[]): readonly Json[] {
  return at.flatMap((place) => resolve(claims, place) ?? []);
}

/** Each once, in the order of the claims: an issuer that names none of somebody's says that there are none. */
function texts(values: readonly Json[], what: string, refuse: RefuseToken): readonly string[] {
  if (values.length > maxEntries || !values.every(isText))
    throw refuse('CLAIMS_INVALID', `has ${what} that are no list of texts, or too many of them`);
  return [...new Set(values)];
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length <= maxText;
}
