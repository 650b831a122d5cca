import { hex, sha256, utf8 } from '../../call/sha256.ts';
import type { Evidence } from '../../identity/evidence.ts';
import { issuerPresets, type IssuerPreset } from '../../identity/issuer-presets.ts';
import { createKeySet } from '../../identity/key-set.ts';
import { createNetworkMap } from '../../identity/network.ts';
import type { Human } from '../../identity/principal.ts';
import { deviceReader, humanReader, type ClaimedDevice, type Tenancy } from '../../identity/read-claims.ts';
import { createTokenVerifier, type TokenIssuer } from '../../identity/token-verifier.ts';
import type { IdentityConfig } from './identity-schema.ts';

/** How the keys of an issuer are read, wherever they are. Throws CONFIG_INVALID for what cannot be read already now. */
export type KeyLoader = (issuer: AnyIssuer) => () => Promise<Uint8Array>;

type HumanIssuer = IdentityConfig['humans'][number];
type DeviceIssuer = IdentityConfig['devices'][number];
export type AnyIssuer = HumanIssuer | DeviceIssuer;

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
  const { humans, devices, zones, trustedProxies, audience } = config;
  const version = hex(sha256(utf8(JSON.stringify(config))));
  const common = (each: AnyIssuer): Omit<TokenIssuer<never>, 'read' | 'types'> => ({
    issuer: each.issuer,
    audiences: each.audience ?? audience ?? [],
    algorithms: each.algorithms,
    maxLifetimeMs: each.maxLifetime,
    keys: createKeySet({ algorithms: each.algorithms, load: loaderOf(each) }),
  });
  return {
    ...(humans.length > 0 && {
      humans: createTokenVerifier<Human>({
        holder: 'HUMAN',
        version,
        issuers: humans.map((each) => ({ ...common(each), ...humanShape(each) })),
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
  };
}

function humanShape(each: HumanIssuer): Pick<TokenIssuer<Human>, 'types' | 'read'> {
  const preset: IssuerPreset = issuerPresets[each.preset];
  const shape = { ...preset, places: { ...preset.places, ...withoutUndefined(each.claims) } };
  return { types: each.types ?? preset.types, read: humanReader(each.issuer, shape, tenancyOf(each)) };
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
