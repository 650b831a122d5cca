import { apiKeyDigest, newApiKey, type ApiKeyRecord } from '../../src/identity/api-key.ts';
import { createAuthenticator } from '../../src/identity/authenticate.ts';
import type { Evidence } from '../../src/identity/evidence.ts';
import type { Authenticator } from '../../src/identity/principal.ts';

const pepper = new Uint8Array(32);

/** The one key that there is, of the agent `planner` unless the changes say otherwise. */
export const apiKey = newApiKey();

export function authenticatorOfOneKey(
  evidence: Evidence,
  changes: Partial<ApiKeyRecord> = {},
): Authenticator {
  const record: ApiKeyRecord = {
    id: 'key-1',
    digest: apiKeyDigest(apiKey, pepper),
    pepperVersion: 1,
    tenant: 'default',
    agents: ['planner'],
    status: 'active',
    createdAt: '2026-01-01T00:00:00Z',
    ...changes,
  };
  const keys = { peppers: () => [{ version: 1, secret: pepper }], find: () => record };
  return createAuthenticator({ keys, trustDomain: 'plant.test', evidence });
}
