import { hex, sha256, utf8 } from '../../call/sha256.ts';
import { agentPresets } from '../../identity/tokens/agent-presets.ts';
import { createProofVerifier } from '../../identity/possession/dpop.ts';
import type { Evidence } from '../../identity/evidence.ts';
import { grantersOf } from '../../identity/grants/granter.ts';
import { issuerPresets, type IssuerPreset } from '../../identity/tokens/issuer-presets.ts';
import { createKeySet } from '../../identity/tokens/key-set.ts';
import { createNetworkMap } from '../../identity/network.ts';
import { agentReader, svidReader, type ClaimedAgent } from '../../identity/tokens/read-agent.ts';
import {
  deviceReader,
  humanReader,
  type ClaimedDevice,
  type ClaimedHuman,
} from '../../identity/tokens/read-claims.ts';
import type { Tenancy } from '../../identity/tokens/tenancy.ts';
import { createTokenVerifier, type TokenIssuer } from '../../identity/tokens/token-verifier.ts';
import type { IdentityConfig } from './identity-schema.ts';

/** How the keys of an issuer are read, wherever they are. Throws CONFIG_INVALID for what cannot be read already now. */
export type KeyLoader = (issuer: PublishedKeys) => () => Promise<Uint8Array>;

/** Who signs, and where its keys are. */
export type PublishedKeys = Pick<AnyIssuer, 'issuer' | 'keys' | 'algorithms'>;

type HumanIssuer = IdentityConfig['humans'][number];
type AgentIssuer = IdentityConfig['agents'][number];
type DeviceIssuer = IdentityConfig['devices'][number];
export type AnyIssuer = HumanIssuer | AgentIssuer | DeviceIssuer;

/** One for the process: a configuration that is read again must not forget which proofs were used. */
const proofs = createProofVerifier();

/** The tenant of a home's API keys, unless somebody has said otherwise. */
const defaultTenant = 'default';

/**
 * Compiles the section `identity`. A configuration without it still knows where a socket ends, for keys that count from some
 * networks alone.
 *
 * @throws CountersignError `CONFIG_INVALID`
 */
export function declareIdentity(config: IdentityConfig | undefined, loaderOf: KeyLoader): Evidence {
  if (config === undefined) return { network: createNetworkMap({ zones: new Map(), trustedProxies: [] }) };
  const { humans, agents, devices, zones, trustedProxies, audience } = config;
  const version = hex(sha256(utf8(JSON.stringify(config))));
  const granters = grantersOf(config.granters);
  const common = (each: AnyIssuer) => ({
    issuer: each.issuer,
    audiences: each.audience ?? audience ?? [],
    algorithms: each.algorithms,
    maxLifetimeMs: each.maxLifetime,
    keys: createKeySet({ algorithms: each.algorithms, load: loaderOf(each) }),
  });
  return {
    ...(agents.length > 0 && {
      agents: createTokenVerifier<ClaimedAgent>({
        holder: 'AGENT',
        version,
        proofs,
        issuers: agents.map((each) => ({ ...common(each), ...agentShape(each) })),
      }),
    }),
    ...(humans.length > 0 && {
      humans: createTokenVerifier<ClaimedHuman>({
        holder: 'HUMAN',
        version,
        proofs,
        issuers: humans.map((each) => {
          const shared = common(each);
          return { ...shared, ...humanShape(each, shared.audiences) };
        }),
      }),
    }),
    ...(devices.length > 0 && {
      devices: createTokenVerifier<ClaimedDevice>({
        holder: 'DEVICE',
        version,
        issuers: devices.map((each) => ({
          ...common(each),
          types: each.types ?? issuerPresets.generic.types,
          read: deviceReader(withoutUndefined(each.claims), tenancyOf(each)),
        })),
      }),
    }),
    network: createNetworkMap({ zones: new Map(Object.entries(zones)), trustedProxies }),
    granters: () => granters,
    grantsRequired: config.grantsRequired,
  };
}

type Shape<T> = Pick<TokenIssuer<T>, 'types' | 'read' | 'trustDomain' | 'mayOmitIssuedAt'>;

function humanShape(each: HumanIssuer, audiences: readonly string[]): Shape<ClaimedHuman> {
  const preset: IssuerPreset = issuerPresets[each.preset];
  const shape = { ...preset, places: { ...preset.places, ...withoutUndefined(each.claims) } };
  const rules = { actors: new Map(Object.entries(each.actors)), audiences };
  return { types: each.types ?? preset.types, read: humanReader(each.issuer, shape, tenancyOf(each), rules) };
}

function agentShape(each: AgentIssuer): Shape<ClaimedAgent> {
  const preset = agentPresets[each.preset];
  const types = each.types ?? preset.types;
  const { trustDomain, issuer } = each;
  if (trustDomain !== undefined)
    return { types, trustDomain, mayOmitIssuedAt: true, read: svidReader(trustDomain, tenancyOf(each)) };
  const agents = new Map(Object.entries(each.agents));
  return { types, read: agentReader({ issuer, preset, agents }, tenancyOf(each)) };
}

function tenancyOf({ tenant, tenants }: AnyIssuer): Tenancy {
  return {
    tenant: tenant ?? defaultTenant,
    ...(tenants && { tenants: new Map(Object.entries(tenants)) }),
  };
}

/** What was not said must not hide what the preset says. */
function withoutUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
