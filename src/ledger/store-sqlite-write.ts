import { integer } from './store-sqlite-rows.ts';
import { sideStride } from './store-sqlite-schema.ts';
import type { Statements } from './store-sqlite-statements.ts';
import type { Writes } from './store.ts';

/** Writes a whole batch inside the transaction that is open. */
export function writeAll(
  sql: Statements,
  { entries, tiles, heads, permits, side, erased, head, identity }: Writes,
): void {
  for (const { index, leafHash, kind, callId, time, leaf, payload, timestamp } of entries)
    sql.addEntry.run(index, leafHash, kind, callId, time, leaf, payload, timestamp);
  for (const { level, index, root, hashes } of tiles) sql.addTile.run(level, index, root, hashes);
  for (const [key, value] of heads) {
    if (value === null) sql.removeHeadOf.run(key);
    else sql.setHeadOf.run(key, value);
  }
  for (const [callId, permit] of permits) {
    if (permit === null) sql.closePermit.run(callId);
    else sql.openPermit.run(callId, permit.instance, permit.notAfter, permit.logIndex);
  }
  for (const { index, rows } of side) {
    for (const [ordinal, { name, salt, value }] of rows.entries())
      sql.addSide.run(index * sideStride + ordinal, name, salt, value ?? null);
  }
  for (const callId of erased) {
    for (const row of sql.indexesOfCall.all(callId)) {
      const from = integer(row['idx']) * sideStride;
      sql.removeSide.run(from, from + sideStride);
    }
  }
  if (identity !== undefined) sql.setPublicKey.run(identity.publicKey);
  sql.setHead.run(head.size, head.lastTime, head.root, head.checkpoint);
}
