import { resolve } from '../../call/pointer.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { trustDomainOf } from '../agent-id.ts';
import { readDelegation, type Delegation, type DelegationRules } from './delegated-authority.ts';
import type { IssuerPreset } from './issuer-presets.ts';
import type { Device, Human } from '../principal.ts';
import { tenantOf, type Tenancy } from './tenancy.ts';
import { isSeconds } from './token-claims.ts';
import type { RefuseToken } from './token-fault.ts';

/** Values of one list that are taken, and characters of one text: they go into policy and into statements. */
const maxEntries = 1_024;
const maxText = 512;

/** A person, and what the token leaves of that person's authority. */
export interface ClaimedHuman extends Human {
  /** Absent where the token neither says who may act nor narrows anything. */
  readonly delegation?: Delegation;
}

/** Claims → human, as an issuer of this shape means them. */
export function humanReader(
  issuer: string,
  shape: IssuerPreset,
  tenancy: Tenancy,
  rules: DelegationRules = { actors: new Map(), audiences: [] },
) {
  const { places } = shape;
  return (claims: JsonObject, refuse: RefuseToken): ClaimedHuman => {
    if (shape.isProgram?.(claims) || isClient(claims) || isWorkload(claims))
      throw refuse('SUBJECT_REFUSED', 'speaks of a program, not of a person');
    if (isIdToken(claims, shape)) throw refuse('TYPE_REFUSED', 'tells an application who logged in, no more');
    const { actors, ...delegated } = readDelegation(claims, issuer, rules, refuse);
    return {
      issuer,
      subject: textAt(claims, places.subject, 'subject', refuse),
      tenant: tenantOf(claims, places.tenant, tenancy, refuse),
      roles: texts(
        [...valuesAt(claims, places.roles), ...(shape.moreRoles?.(claims) ?? [])],
        'roles',
        refuse,
      ),
      ...(!shape.leavesGroupsOut?.(claims) && {
        groups: texts(valuesAt(claims, places.groups), 'groups', refuse),
      }),
      ...loginOf(claims, shape, refuse),
      ...(actors && { act: actors }),
      binding: 'none',
      ...delegated,
    };
  };
}

/** How and when the person logged in, by way of which application, and what that may ask for. What is not told is absent. */
function loginOf(claims: JsonObject, { places }: IssuerPreset, refuse: RefuseToken): Partial<Human> {
  const authTime = resolve(claims, places.authTime);
  const issuedAt = claims['iat'];
  if (authTime !== undefined && !isSeconds(authTime))
    throw refuse('CLAIMS_INVALID', 'has no whole seconds for the time of login');
  const client = places.clientId.find((place) => resolve(claims, place) !== undefined);
  const { acr, sid } = claims;
  const scopes = readScopes(claims, refuse);
  return {
    ...(authTime !== undefined && { authTime }),
    ...(isSeconds(issuedAt) && { issuedAt }),
    ...(client !== undefined && { clientId: textAt(claims, client, 'application', refuse) }),
    ...(scopes && { scopes }),
    ...(acr !== undefined && { acr: textAt(claims, '/acr', 'kind of login', refuse) }),
    ...(claims['amr'] !== undefined && { amr: texts(valuesAt(claims, ['/amr']), 'means of login', refuse) }),
    ...(sid !== undefined && { sid: textAt(claims, '/sid', 'session', refuse) }),
  };
}

/** `scope` is one text with blanks between (RFC 8693 §4.2); `scp` is that, or a list. Undefined where there is neither. */
function readScopes({ scope, scp }: JsonObject, refuse: RefuseToken): readonly string[] | undefined {
  const claimed = scope === undefined ? scp : scope;
  if (claimed === undefined) return undefined;
  const list = typeof claimed === 'string' ? claimed.split(' ').filter((each) => each !== '') : claimed;
  if (!Array.isArray(list)) throw refuse('CLAIMS_INVALID', 'has scopes that are neither a text nor a list');
  return texts(list, 'scopes', refuse);
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
    tenant: tenantOf(claims, places.tenant, tenancy, refuse),
  });
}

/** RFC 9068 §2.2: where nobody but the client is involved, the subject is the client. */
function isClient({ sub, client_id: clientId, azp, cid }: JsonObject): boolean {
  return [clientId, azp, cid].some((client) => client !== undefined && client === sub);
}

/** A workload's own token, whatever shape its issuer is configured for. */
function isWorkload({ sub }: JsonObject): boolean {
  return (
    typeof sub === 'string' && (trustDomainOf(sub) !== undefined || sub.startsWith('system:serviceaccount:'))
  );
}

/** OpenID Connect Core §2: an ID token is for the application, and whoever took it for more would let every application act. */
function isIdToken(claims: JsonObject, { isIdToken: looksLikeOne, takesIdTokens }: IssuerPreset): boolean {
  if (takesIdTokens === true) return false;
  return claims['at_hash'] !== undefined || claims['c_hash'] !== undefined || looksLikeOne?.(claims) === true;
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
