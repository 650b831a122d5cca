import { hex } from '../../call/sha256.ts';
import { apiKeyDigest, newApiKey, type ApiKeyRecord } from '../../identity/api-key.ts';
import type { Pepper } from './api-key-records.ts';

/** What a key is for. */
export type ApiKeyScope = Pick<ApiKeyRecord, 'tenant' | 'agents' | 'tools' | 'cidrs' | 'notAfter'>;

export interface MintedKey {
  /** The key itself: shown once, and stored nowhere. */
  readonly apiKey: string;
  readonly record: ApiKeyRecord;
}

/** A new key and its record, which nobody has stored yet. */
export function mintApiKey(scope: ApiKeyScope, pepper: Pepper, now: number): MintedKey {
  const apiKey = newApiKey();
  return {
    apiKey,
    record: {
      id: `key-${hex(crypto.getRandomValues(new Uint8Array(6)))}`,
      digest: apiKeyDigest(apiKey, pepper.secret),
      pepperVersion: pepper.version,
      ...scopeOf(scope),
      status: 'active',
      createdAt: new Date(now).toISOString(),
    },
  };
}

/** The scope alone, of whatever has one. */
export function scopeOf({ tenant, agents, tools, cidrs, notAfter }: ApiKeyScope): ApiKeyScope {
  return {
    tenant,
    agents,
    ...(tools !== undefined && { tools }),
    ...(cidrs !== undefined && { cidrs }),
    ...(notAfter !== undefined && { notAfter }),
  };
}
