import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { JsonObject } from '../../call/json.ts';
import type { ApiKeyRecord } from '../../identity/api-key.ts';
import type { ApiKeyStore } from '../../identity/authenticate.ts';
import { syncDirectory } from '../../ledger/sync-directory-node.ts';
import { parseStore, readApiKeys, readPeppers, type Pepper, type StoredApiKey } from './api-key-records.ts';

/** The two files: peppers are secret, records hold digests only. Both are 0600. */
export interface ApiKeyFiles {
  readonly peppers: string;
  readonly keys: string;
}

interface Loaded {
  readonly stamp: string;
  readonly records: ReadonlyMap<string, ApiKeyRecord>;
}

/**
 * API keys in a file. The file's stamp is looked at on every call, so that an edit (a revocation) counts at once, and
 * a file that is gone or unreadable denies at once.
 */
export function openApiKeyFile(files: ApiKeyFiles): ApiKeyStore {
  const { peppers } = readApiKeyFiles(files);
  let loaded: Loaded | undefined;

  const records = (): Loaded['records'] => {
    const stamp = stampOf(files.keys);
    if (loaded?.stamp !== stamp) loaded = { stamp, records: byDigest(readKeys(files.keys)) };
    return loaded.records;
  };

  return {
    peppers: () => peppers,
    find: (digest, pepperVersion) => records().get(recordKey(digest, pepperVersion)),
  };
}

/** What both files hold, the newest pepper first. */
export function readApiKeyFiles(files: ApiKeyFiles): {
  readonly peppers: readonly Pepper[];
  readonly keys: readonly StoredApiKey[];
} {
  return { peppers: readPeppers(files.peppers, readStore(files.peppers)), keys: readKeys(files.keys) };
}

/**
 * Puts these records in the place of those that are there: whole, durable, and only then seen. Whoever writes holds the lock of
 * `api-key-lock.ts`; a gate reads without it, and sees the old file or the new one.
 */
export function writeApiKeys(path: string, keys: readonly StoredApiKey[]): void {
  const text = `${JSON.stringify({ keys }, null, 2)}\n`;
  // What could not be read again would deny every call of the home.
  readApiKeys(path, parseStore(path, utf8(text)));
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(draft, path);
  syncDirectory(path);
}

function readKeys(path: string): readonly StoredApiKey[] {
  return readApiKeys(path, readStore(path));
}

function byDigest(keys: readonly ApiKeyRecord[]): Loaded['records'] {
  return new Map(keys.map((record) => [recordKey(record.digest, record.pepperVersion), record]));
}

function recordKey(digest: string, pepperVersion: number): string {
  return `${pepperVersion} ${digest}`;
}

function stampOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function readStore(path: string): JsonObject {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new CountersignError('API_KEY_STORE_UNREADABLE', `${path} cannot be read.`, { cause: error });
  }
  return parseStore(path, bytes);
}
