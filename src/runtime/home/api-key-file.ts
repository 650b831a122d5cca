import { readFileSync, statSync } from 'node:fs';
import { CountersignError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../identity/api-key.ts';
import type { ApiKeyStore } from '../../identity/authenticate.ts';
import { fromBase64 } from '../../call/sha256.ts';

/** The two files: peppers are secret, records hold digests only. Both are 0600. */
export interface ApiKeyFiles {
  readonly peppers: string;
  readonly keys: string;
}

interface PepperFile {
  readonly peppers: readonly { readonly version: number; readonly secret: string }[];
}

interface KeyFile {
  readonly keys: readonly ApiKeyRecord[];
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
    if (loaded?.stamp !== stamp) loaded = { stamp, records: recordsIn(readJson(files.keys) as KeyFile) };
    return loaded.records;
  };

  return {
    peppers: () => peppers,
    find: (digest, pepperVersion) => records().get(recordKey(digest, pepperVersion)),
  };
}

/** What both files hold. */
export function readApiKeyFiles(files: ApiKeyFiles): {
  readonly peppers: readonly { readonly version: number; readonly secret: Uint8Array }[];
  readonly keys: readonly ApiKeyRecord[];
} {
  return {
    peppers: (readJson(files.peppers) as PepperFile).peppers.map((pepper) =>
      decodePepper(files.peppers, pepper),
    ),
    keys: (readJson(files.keys) as KeyFile).keys,
  };
}

function decodePepper(path: string, { version, secret }: PepperFile['peppers'][number]) {
  const bytes = fromBase64(secret);
  if (!bytes)
    throw new CountersignError('API_KEY_STORE_UNREADABLE', `${path} holds a pepper that is not base64.`);
  return { version, secret: bytes };
}

function recordsIn(file: KeyFile): ReadonlyMap<string, ApiKeyRecord> {
  return new Map(file.keys.map((record) => [recordKey(record.digest, record.pepperVersion), record]));
}

function recordKey(digest: string, pepperVersion: number): string {
  return `${pepperVersion} ${digest}`;
}

function stampOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw new CountersignError('API_KEY_STORE_UNREADABLE', `${path} cannot be read as JSON.`, {
      cause: error,
    });
  }
}
