import { CountersignError, toCountersignError } from '../errors.ts';
import { apiKeyDigest, assertApiKeyShape, type ApiKeyRecord } from './api-key.ts';
import type { KeyHolder } from './agent-proof.ts';
import {
  bringsProofs,
  proveCredentials,
  proveKey,
  proveNetwork,
  type Evidence,
  type Proven,
} from './evidence.ts';
import { proveGrants } from './grant-proof.ts';
import { createGrantVerifier } from './grants/grant-verifier.ts';
import { grantersOf, type GranterSource } from './grants/granter.ts';
import {
  verifiedPrincipal,
  type Authenticator,
  type Credentials,
  type Principal,
  type ToolLimit,
} from './principal.ts';

/** Where API keys are looked up. Unreachable or unreadable means: deny. */
export interface ApiKeyStore {
  /** Every pepper in use, newest first. */
  peppers(): readonly { readonly version: number; readonly secret: Uint8Array }[];
  /** The record with exactly this digest and pepper version. */
  find(digest: string, pepperVersion: number): ApiKeyRecord | undefined;
}

export interface AuthenticatorOptions {
  readonly keys: ApiKeyStore;
  /** SPIFFE trust domain that agents are named under. */
  readonly trustDomain: string;
  /** What is believed beside the key; nothing unless told. */
  readonly evidence?: Evidence;
  /** Whose grants count; those of the evidence unless told. */
  readonly granters?: GranterSource;
}

/**
 * Authenticates by API key, and by what comes with it. The store is asked at every call, so that a revocation counts at once.
 *
 * Without a genuine key nobody is known: that throws, and is only counted. What comes with a genuine key and does not hold is a
 * principal with a refusal: its calls are denied, signed, and logged. At its first refusal no more of it is looked at, so that a
 * stolen key does not make us ask an issuer for its keys.
 */
export function createAuthenticator({
  keys,
  trustDomain,
  evidence = {},
  granters = evidence.granters ?? nobody,
}: AuthenticatorOptions): Authenticator {
  const digestOf = digestOfLatest();
  const grants = { verifier: createGrantVerifier(granters), requiredOf: evidence.grantsRequired ?? [] };
  return {
    authenticate(credentials: Credentials, now: number): Principal | Promise<Principal> {
      const record = findRecord(keys, presentedKey(credentials), digestOf);
      assertUsable(record, now);
      const key = { record, trustDomain };
      const placed = proveNetwork(evidence, record, credentials, now);
      const finish = (proven: Proven): Principal | Promise<Principal> =>
        after(proveGrants(grants, key, proven, credentials, now), (granted) => principalOf(key, granted));
      if (placed.refusal !== undefined || !bringsProofs(evidence, credentials))
        return finish({ ...proveKey(key, now), ...placed });
      return proveCredentials(evidence, key, credentials, now).then((proven) =>
        finish({ ...placed, ...proven }),
      );
    },
  };
}

const nobody: GranterSource = () => grantersOf([]);

/** A key that comes alone is looked up in one go: nothing is waited for. */
function after<T, U>(value: T | Promise<T>, use: (value: T) => U): U | Promise<U> {
  return value instanceof Promise ? value.then(use) : use(value);
}

function principalOf({ record }: KeyHolder, proven: Proven & Pick<Principal, 'network'>): Principal {
  const { expiresAt: proofsEnd = Infinity, limits = [], ...attributes } = proven;
  const keyEnds = record.notAfter === undefined ? Infinity : Date.parse(record.notAfter);
  const expiresAt = Math.min(proofsEnd, keyEnds);
  const all = [...limitsOf(record), ...limits];
  return verifiedPrincipal({
    tenant: record.tenant,
    apiKeyId: record.id,
    ...attributes,
    ...(all.length > 0 && { limits: all }),
    ...(expiresAt === Infinity ? {} : { expiresAt }),
  });
}

function limitsOf({ tools }: ApiKeyRecord): readonly ToolLimit[] {
  return tools === undefined ? [] : [{ by: 'api-key', tools }];
}

function presentedKey({ apiKey }: Credentials): string {
  if (apiKey === undefined || apiKey === '') {
    throw new CountersignError('API_KEY_MISSING', 'No API key was given.');
  }
  assertApiKeyShape(apiKey);
  return apiKey;
}

type DigestOf = typeof apiKeyDigest;

/** A gate mostly sees one key, call after call: its digest is kept. Never its record, which may be revoked at any time. */
function digestOfLatest(): DigestOf {
  let latest: { readonly key: string; readonly pepper: Uint8Array; readonly digest: string } | undefined;
  return (key, pepper) => {
    if (latest?.key !== key || latest.pepper !== pepper)
      latest = { key, pepper, digest: apiKeyDigest(key, pepper) };
    return latest.digest;
  };
}

function findRecord(keys: ApiKeyStore, key: string, digestOf: DigestOf): ApiKeyRecord {
  let record: ApiKeyRecord | undefined;
  try {
    for (const pepper of keys.peppers()) {
      // The lookup is by a keyed digest: its timing tells nothing that helps to guess a key.
      record ??= keys.find(digestOf(key, pepper.secret), pepper.version);
    }
  } catch (error) {
    throw toCountersignError(
      error,
      'API_KEY_STORE_UNREADABLE',
      'The API keys of this home could not be read.',
    );
  }
  if (!record) throw new CountersignError('API_KEY_UNKNOWN', 'The API key is not known to this home.');
  return record;
}

function assertUsable(record: ApiKeyRecord, now: number): void {
  if (record.status !== 'active') {
    throw new CountersignError('API_KEY_REVOKED', `The API key ${record.id} was revoked.`);
  }
  if (record.notAfter !== undefined && !(now < Date.parse(record.notAfter))) {
    throw new CountersignError('API_KEY_EXPIRED', `The API key ${record.id} ended at ${record.notAfter}.`);
  }
}
