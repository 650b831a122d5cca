import { bytes, kind, text } from './store-rows.ts';
import { headOf, permitOf } from './store-sqlite-rows.ts';
import type { Statements } from './store-sqlite-statements.ts';
import { isVerdictKind } from './store.ts';
import type { CommitReads, Snapshot } from './store.ts';

/** What a commit reads under the writer's lock. */
export function readSnapshot(sql: Statements, reads: CommitReads): Snapshot {
  const row = sql.headToExtend.get();
  const head = headOf(row);
  return {
    publicKey: bytes(row?.['public_key']),
    head,
    leafHashes:
      head.size > reads.knownSize
        ? sql.leafHashes.all(reads.knownSize, head.size).map((row) => bytes(row['hash']))
        : [],
    heads: readEach(reads.heads, (key) => {
      const row = sql.headOf.get(key);
      return row === undefined ? null : text(row['value']);
    }),
    permits: readEach(reads.permits, (callId) => {
      const row = sql.permit.get(callId);
      return row === undefined ? null : permitOf(row);
    }),
    verdicts: new Set(
      reads.verdicts.filter((callId) =>
        sql.kindsOfCall.all(callId).some(({ kind: name }) => isVerdictKind(kind(name))),
      ),
    ),
  };
}

function readEach<T>(keys: readonly string[], read: (key: string) => T | null): Map<string, T> {
  const found = new Map<string, T>();
  for (const key of keys) {
    const value = read(key);
    if (value !== null) found.set(key, value);
  }
  return found;
}
