import { resolve } from '../../call/pointer.ts';
import type { JsonObject } from '../../call/json.ts';
import { isEntraAgent } from './issuer-presets.ts';
import { tokenAlgorithms, type TokenAlgorithm } from './jwk.ts';

/** What the tokens of an issuer look like that it gives to programs. */
export interface AgentPreset {
  /** Where the program's name is: JSON pointers into the claims, the first that there is. */
  readonly subject: readonly string[];
  /** What tells apart the tenants of an issuer that has several. */
  readonly tenant?: string;
  /** Values of `typ`, `none` for a token without one. */
  readonly types: readonly string[];
  readonly algorithms: readonly TokenAlgorithm[];
  /** Whether the token is a program's own. One that a person got by way of the same program must never prove the program. */
  readonly isPrograms: (claims: JsonObject) => boolean;
  /** What the name of a program has to look like where there are others that must not be taken for it. */
  readonly names?: { readonly pattern: RegExp; readonly rule: string };
}

const accessToken = { types: ['at+jwt', 'jwt'], algorithms: ['RS256'] } as const;

export const agentPresets = {
  /** RFC 9068 §2.2: of a token in which nobody but the client is involved, the subject is the client. */
  generic: {
    ...accessToken,
    subject: ['/client_id'],
    isPrograms: ({ sub, client_id: client }) => sub === client,
  },

  /** Without the optional claim `idtyp`, a program's token is one whose subject is its own object. An agent’s own account is one too. */
  entra: {
    ...accessToken,
    subject: ['/azp', '/appid'],
    tenant: '/tid',
    isPrograms: (claims) => {
      const { idtyp, scp, sub, oid } = claims;
      const isOwn =
        idtyp === undefined ? scp === undefined && oid !== undefined && sub === oid : idtyp === 'app';
      return isOwn || isEntraAgent(claims);
    },
  },

  okta: {
    ...accessToken,
    types: ['none', 'jwt', 'at+jwt'],
    subject: ['/cid'],
    isPrograms: ({ sub, cid, uid }) => uid === undefined && sub === cid,
  },

  /** Its users are `CONNECTION|ID`, so that none is called `CLIENT@clients`. */
  auth0: {
    ...accessToken,
    subject: ['/azp', '/client_id'],
    tenant: '/org_id',
    isPrograms: ({ sub, azp, client_id: client, gty }) => {
      const program = azp ?? client;
      const isOwn = gty === undefined || gty === 'client-credentials';
      return isOwn && typeof program === 'string' && sub === `${program}@clients`;
    },
  },

  /**
   * People can choose their user name, `service-account-…` included; `client_id` is written for a client’s own login alone (its scope
   * `service_account`, which it has by default).
   */
  keycloak: {
    ...accessToken,
    subject: ['/azp'],
    isPrograms: ({ azp, client_id: client, preferred_username: name }) =>
      typeof azp === 'string' && client === azp && name === `service-account-${azp.toLowerCase()}`,
  },

  /** GitHub Actions. The name of a repository is somebody else’s once its owner has given it up; its id is not. */
  github: {
    types: ['jwt'],
    algorithms: ['RS256'],
    subject: ['/repository_id'],
    tenant: '/repository_owner_id',
    isPrograms: () => true,
    names: {
      pattern: /^[0-9]+$/,
      rule: 'must be the id of a repository, digits: its name can pass to somebody else',
    },
  },

  /** A service account of Kubernetes. One that is deleted and made again has the same name and another uid. */
  kubernetes: {
    types: ['none', 'jwt'],
    algorithms: ['RS256'],
    subject: ['/kubernetes.io/serviceaccount/uid'],
    isPrograms: ({ sub }) => typeof sub === 'string' && sub.startsWith('system:serviceaccount:'),
    names: {
      pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      rule: 'must be the uid of a service account: its name can be given again',
    },
  },

  /** JWT-SVID: its subject is the agent. RSA and ECDSA alone (JWT-SVID §2.1), `typ` is JWT, JOSE or nothing (§2.3). */
  spiffe: {
    types: ['none', 'jwt', 'jose'],
    algorithms: tokenAlgorithms.filter((name) => /^(?:RS|PS|ES)/.test(name)),
    subject: ['/sub'],
    isPrograms: () => true,
  },
} as const satisfies Readonly<Record<string, AgentPreset>>;

export type AgentPresetName = keyof typeof agentPresets;

/** What a program is called by its issuer; undefined where that is not told. */
export function programIn(claims: JsonObject, { subject }: AgentPreset): string | undefined {
  const name = subject.map((place) => resolve(claims, place)).find((value) => value !== undefined);
  return typeof name === 'string' && name !== '' && name.length <= 512 ? name : undefined;
}
