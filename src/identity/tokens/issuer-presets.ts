import { resolve } from '../../call/pointer.ts';
import type { Json, JsonObject } from '../../call/json.ts';

/** Where an issuer's tokens say what: JSON pointers into the claims. */
export interface ClaimPlaces {
  readonly subject: string;
  /** Lists of texts, or one text each. */
  readonly roles: readonly string[];
  readonly groups: readonly string[];
  /** Seconds since 1970. */
  readonly authTime: string;
  /** The application that the token was issued to: the first of these that there is. */
  readonly clientId: readonly string[];
  /** What tells apart the tenants of an issuer that has several. */
  readonly tenant?: string;
}

export interface IssuerPreset {
  readonly places: ClaimPlaces;
  /** Values of `typ`, `none` for a token without one. */
  readonly types: readonly string[];
  /** Roles that are not a list at one place. */
  readonly moreRoles?: (claims: JsonObject) => readonly Json[];
  /** Whether the token leaves out groups that the person is in. */
  readonly leavesGroupsOut?: (claims: JsonObject) => boolean;
  /** Whether the token is a program's, which must never count as a person. */
  readonly isProgram?: (claims: JsonObject) => boolean;
  /**
   * Whether the token is one that tells an application who logged in, and is not for calling anybody; that it has no hash of an access
   * token or of a code is asked of every preset but one of such tokens.
   */
  readonly isIdToken?: (claims: JsonObject) => boolean;
  readonly takesIdTokens?: boolean;
  /** Everybody's issuer: without a list of tenants each of its accounts would be let in. */
  readonly needsTenants?: boolean;
}

const places: ClaimPlaces = {
  subject: '/sub',
  roles: ['/roles'],
  groups: ['/groups'],
  authTime: '/auth_time',
  clientId: ['/client_id', '/azp'],
};
/** An access token by RFC 9068 says so; an issuer that does not is named as a preset, or its types are configured. */
const types = ['at+jwt', 'jwt'];

/** Shapes of tokens that are known, by the name that a configuration calls them. */
export const issuerPresets = {
  generic: { places, types },

  /** Microsoft Entra ID, v2.0: `sub` is another one for each application, `oid` is the person's. */
  entra: {
    places: { ...places, subject: '/oid', tenant: '/tid', clientId: ['/azp', '/appid'] },
    types,
    leavesGroupsOut: (claims) =>
      claims['hasgroups'] !== undefined || resolve(claims, '/_claim_names/groups') !== undefined,
    isProgram: (claims) =>
      claims['idtyp'] === 'app' || claims['sub'] === claims['oid'] || isEntraAgent(claims),
    // Every access token that a person got has scopes; where an application calls itself, its ID tokens have the same audience.
    isIdToken: ({ scp }) => scp === undefined,
  },

  /** Okta, custom authorization server: its access tokens have no `typ`; `sub` is a name that can change, `uid` is not. */
  okta: {
    places: { ...places, subject: '/uid', clientId: ['/cid'] },
    types: ['none', 'jwt', 'at+jwt'],
  },

  auth0: {
    places: { ...places, roles: ['/permissions'], tenant: '/org_id', clientId: ['/azp', '/client_id'] },
    types,
    // In the profile of RFC 9068 there is no `gty`; a person is `CONNECTION|ID`.
    isProgram: ({ gty, sub }) =>
      gty === 'client-credentials' || (typeof sub === 'string' && sub.endsWith('@clients')),
  },

  /** Keycloak: the realm's roles by their name, those of a client as `CLIENT/ROLE`. */
  keycloak: {
    places: { ...places, roles: ['/realm_access/roles'], clientId: ['/azp'] },
    types,
    moreRoles: clientRoles,
    isProgram: ({ preferred_username: name }) =>
      typeof name === 'string' && name.startsWith('service-account-'),
    // The header of all its tokens says JWT, and the claim `typ` says which they are.
    isIdToken: ({ typ }) => typ === 'ID' || typ === 'Refresh' || typ === 'Offline',
  },

  /** Google's ID tokens. Anybody can have an account there: `hd` says whose Workspace it belongs to. */
  google: {
    places: { ...places, roles: [], groups: [], tenant: '/hd', clientId: ['/azp'] },
    types: ['jwt'],
    takesIdTokens: true,
    needsTenants: true,
  },
} as const satisfies Readonly<Record<string, IssuerPreset>>;

export type IssuerPresetName = keyof typeof issuerPresets;

/** Entra Agent ID: 13 among the facets of a subject is the agent's own account. */
export function isEntraAgent({ xms_sub_fct: facets }: JsonObject): boolean {
  const list = typeof facets === 'string' ? facets.split(' ') : Array.isArray(facets) ? facets : [facets];
  return list.some((facet) => facet === 13 || facet === '13');
}

function clientRoles(claims: JsonObject): readonly Json[] {
  const clients = claims['resource_access'];
  if (typeof clients !== 'object' || clients === null || Array.isArray(clients)) return [];
  return Object.keys(clients).flatMap((client) => {
    const roles = clients[client] === undefined ? undefined : resolve(clients[client], '/roles');
    return Array.isArray(roles)
      ? roles.map((role) => (typeof role === 'string' ? `${client}/${role}` : role))
      : [];
  });
}
