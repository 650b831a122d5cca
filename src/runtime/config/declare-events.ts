import { createKeySet } from '../../identity/tokens/key-set.ts';
import type { EventTransmitter } from '../../identity/events/security-event.ts';
import type { KeyLoader } from './declare-identity.ts';
import type { IdentityConfig } from './identity-schema.ts';

/** Who may tell of events. Throws CONFIG_INVALID for keys that cannot be read already now. */
export function declareEvents(
  config: IdentityConfig | undefined,
  loaderOf: KeyLoader,
): readonly EventTransmitter[] {
  return (config?.events ?? []).map((each) => ({
    issuer: each.issuer,
    algorithms: each.algorithms,
    keys: createKeySet({ algorithms: each.algorithms, load: loaderOf(each) }),
    audiences: each.audience ?? config?.audience ?? [],
    subjects: each.subjects ?? [each.issuer],
    devices: each.devices,
    ...(each.authorization !== undefined && { authorization: each.authorization }),
  }));
}

/**
 * Milliseconds for which the end of a session is remembered: as long as the longest token lives that counts here, and an hour, as a
 * clock may go wrong.
 */
export function sessionEndsKeptMs(config: IdentityConfig | undefined): number {
  return Math.max(0, ...(config?.humans ?? []).map(({ maxLifetime }) => maxLifetime)) + 3_600_000;
}
