import { CountersignError } from '../../errors.ts';
import type { ApiKeyRecord } from '../../identity/api-key.ts';
import type { ApiKeyStore } from '../../identity/authenticate.ts';
import type { ObjectStorage } from '../../ledger/store-durable-object-sql.ts';
import type { WorkerSecrets } from './secrets.ts';

/**
 * API keys as the Worker's secret lists them. There is one object, so there is no cache elsewhere that could know a key for longer:
 * another secret is another version of the Worker, and starts the object anew. A rollback to an earlier version brings its secrets
 * back, though: so the object remembers what was ever revoked, and that stays revoked.
 */
export function openApiKeys(
  storage: ObjectStorage,
  { peppers, keys }: WorkerSecrets['apiKeys'],
): ApiKeyStore {
  const records = new Map(keys.map((record) => [recordKey(record.digest, record.pepperVersion), record]));
  const revoked = rememberRevoked(storage, keys);
  return {
    peppers: () => peppers,
    find(digest, pepperVersion) {
      const record = records.get(recordKey(digest, pepperVersion));
      return record && revoked.has(record.id) ? { ...record, status: 'revoked' } : record;
    },
  };
}

/** What is not known to be active is revoked. */
function rememberRevoked(storage: ObjectStorage, keys: readonly ApiKeyRecord[]): ReadonlySet<string> {
  storage.sql.exec('CREATE TABLE IF NOT EXISTS revoked_keys (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID');
  for (const { id, status } of keys) {
    if (status !== 'active') storage.sql.exec('INSERT OR IGNORE INTO revoked_keys (id) VALUES (?)', id);
  }
  const rows = storage.sql.exec('SELECT id FROM revoked_keys').toArray();
  return new Set(
    rows.map(({ id }) => {
      if (typeof id === 'string') return id;
      throw new CountersignError('LEDGER_CORRUPT', 'The object remembers a revoked key that has no id.');
    }),
  );
}

function recordKey(digest: string, pepperVersion: number): string {
  return `${pepperVersion} ${digest}`;
}
