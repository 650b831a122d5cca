import { CountersignError } from '../../errors.ts';
import { stateApiKeyChange, stateApiKeyRevocation } from './api-key-change.ts';
import { readApiKeyFiles, writeApiKeys } from './api-key-file.ts';
import { asApiKeyWriter } from './api-key-lock.ts';
import { mintApiKey, scopeOf, type ApiKeyScope, type MintedKey } from './api-key-mint.ts';
import type { Pepper, StoredApiKey } from './api-key-records.ts';
import type { HomeLayout } from './home-layout.ts';
import type { Home } from './open-home.ts';

/**
 * API keys of a home. The file decides which keys count, the log states what was done, and a crash can come between the two. The
 * order of each verb is the one whose crash is harmless:
 *
 * - A key is stated before it works. A crash leaves a statement of a key that no file has and nobody was shown: the command ended
 *   without printing one, and is given again. The other way round there would be a key that works and is in no log.
 * - A rotation is stated before it happens, for the same reason. A crash leaves the old key as it was: the file gets the new key
 *   and the old one's end in one write, so never one without the other.
 * - A revocation happens before it is stated: a log that is full, locked or kept elsewhere must not keep a stolen key alive. A
 *   crash leaves a key that is dead and a log that does not know; the same command again states it.
 */

/** Where a change stops in a test of crashes. Nothing else gives one. */
export type AfterStep = (step: 'stated' | 'written') => void;

const nothing: AfterStep = () => undefined;

/** `stated` is false where the log is kept by a Worker, which learns of keys through its secrets. */
export interface IssuedKey extends MintedKey {
  readonly stated: boolean;
}

export interface RotatedKey extends IssuedKey {
  /** The key that was there, with its end. */
  readonly replaced: StoredApiKey & { readonly notAfter: string };
}

export interface RevokedKey {
  readonly record: StoredApiKey;
  readonly stated: boolean;
}

export type ApiKeyState = 'active' | 'ending' | 'expired' | 'revoked';

/** The records of a home, in the order in which they were made. API_KEY_STORE_UNREADABLE. */
export function listApiKeys(layout: HomeLayout): readonly StoredApiKey[] {
  return readAll(layout).keys;
}

/** `ending`: it was rotated, and still counts. `now` is wall milliseconds. */
export function apiKeyState({ status, notAfter, successor }: StoredApiKey, now: number): ApiKeyState {
  if (status === 'revoked') return 'revoked';
  if (notAfter !== undefined && !(now < Date.parse(notAfter))) return 'expired';
  return successor === undefined ? 'active' : 'ending';
}

/** Makes a key of this scope. The scope was checked with `api-key-scope.ts`. */
export function createApiKey(home: Home, scope: ApiKeyScope, after: AfterStep = nothing): Promise<IssuedKey> {
  return asApiKeyWriter(home.layout, async () => {
    const { keys, newest } = readAll(home.layout);
    const minted = mintApiKey(scope, newest, Date.now());
    const stated = await stateApiKeyChange(home, { kind: 'api-key-created', key: minted.record });
    after('stated');
    writeApiKeys(home.layout.apiKeys, [...keys, minted.record]);
    after('written');
    return { ...minted, stated };
  });
}

export interface Rotation {
  readonly id: string;
  /** How long the old key goes on, at most: milliseconds. */
  readonly overlap: number;
  /** The end of the new one, RFC 3339; unless told it lives as long as the old one was made to live. */
  readonly notAfter?: string;
}

/**
 * Makes a key of the same scope, and ends the old one with the overlap, never later than it would have ended. NOT_FOUND;
 * API_KEY_REVOKED and API_KEY_EXPIRED for a key that has nothing to hand on; USAGE for one that has done so.
 */
export function rotateApiKey(
  home: Home,
  rotation: Rotation,
  after: AfterStep = nothing,
): Promise<RotatedKey> {
  return asApiKeyWriter(home.layout, async () => {
    const { keys, newest } = readAll(home.layout);
    const now = Date.now();
    const old = keyNamed(keys, rotation.id);
    assertRotates(old, now);
    const minted = mintApiKey(successorScope(old, rotation, now), newest, now);
    const replaced = { ...old, notAfter: earlier(old, now + rotation.overlap), successor: minted.record.id };
    const change = { kind: 'api-key-rotated', key: replaced, successor: minted.record } as const;
    const stated = await stateApiKeyChange(home, change);
    after('stated');
    writeApiKeys(home.layout.apiKeys, [...keys.map((key) => (key === old ? replaced : key)), minted.record]);
    after('written');
    return { ...minted, replaced, stated };
  });
}

/**
 * Takes a key back, and states it. Again it changes nothing, but for stating what a crash or a log that failed left unsaid.
 * NOT_FOUND; what the log refuses, with the key revoked all the same.
 */
export async function revokeApiKey(home: Home, id: string, after: AfterStep = nothing): Promise<RevokedKey> {
  const record = await markRevoked(home.layout, id);
  after('written');
  return { record, stated: await stateRevocation(home, record) };
}

/** The file's half of a revocation: from the next call on, every gate of this home refuses the key. NOT_FOUND. */
export function markRevoked(layout: HomeLayout, id: string): Promise<StoredApiKey> {
  return asApiKeyWriter(layout, () => {
    const { keys } = readAll(layout);
    const found = keyNamed(keys, id);
    const revoked = { ...found, status: 'revoked' } as const;
    if (found.status !== 'revoked')
      writeApiKeys(
        layout.apiKeys,
        keys.map((key) => (key === found ? revoked : key)),
      );
    return Promise.resolve(revoked);
  });
}

/** The log's half: what ends calls that run, and the statement. */
async function stateRevocation(home: Home, key: StoredApiKey): Promise<boolean> {
  try {
    return await stateApiKeyRevocation(home, key);
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    const message = `${key.id} is revoked, and the log does not state it yet: ${error.message} Then say it again: countersign key revoke ${key.id}`;
    throw new CountersignError(error.code, message, { cause: error });
  }
}

interface Everything {
  readonly keys: readonly StoredApiKey[];
  /** The pepper of new keys. */
  readonly newest: Pepper;
}

function readAll({ peppers: pepperFile, apiKeys }: HomeLayout): Everything {
  const { peppers, keys } = readApiKeyFiles({ peppers: pepperFile, keys: apiKeys });
  const [newest] = peppers;
  if (newest === undefined)
    throw new CountersignError('API_KEY_STORE_UNREADABLE', `${pepperFile} holds no pepper.`);
  return { keys, newest };
}

function keyNamed(keys: readonly StoredApiKey[], id: string): StoredApiKey {
  const found = keys.find((key) => key.id === id);
  if (found === undefined)
    throw new CountersignError(
      'NOT_FOUND',
      'This home has no API key with that id. See: countersign key list',
    );
  return found;
}

function assertRotates(key: StoredApiKey, now: number): void {
  const { id, successor } = key;
  const another = 'Make another one: countersign key create';
  switch (apiKeyState(key, now)) {
    case 'revoked':
      throw new CountersignError('API_KEY_REVOKED', `${id} was revoked: it has no successor. ${another}`);
    case 'expired':
      throw new CountersignError('API_KEY_EXPIRED', `${id} has ended: it has no successor. ${another}`);
    case 'ending':
      throw new CountersignError('USAGE', `${id} was rotated already: rotate its successor, ${successor}.`);
    case 'active':
  }
}

function successorScope(old: StoredApiKey, { notAfter: told }: Rotation, now: number): ApiKeyScope {
  const { notAfter, createdAt } = old;
  const life = notAfter === undefined ? undefined : Date.parse(notAfter) - Date.parse(createdAt);
  const end = told ?? (life === undefined ? undefined : new Date(now + life).toISOString());
  return scopeOf({ ...old, ...(end !== undefined && { notAfter: end }) });
}

function earlier({ notAfter }: StoredApiKey, end: number): string {
  return new Date(Math.min(end, notAfter === undefined ? Infinity : Date.parse(notAfter))).toISOString();
}
