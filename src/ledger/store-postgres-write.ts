import { utf8 } from '../call/sha256.ts';
import type { OpenPermit } from './ledger.ts';
import type { Writes } from './store.ts';

/** The parameters of `writeAll`, in its order: a column each. */
export function writeValues({
  entries,
  tiles,
  heads,
  permits,
  side,
  erased,
  head,
  identity,
}: Writes): unknown[] {
  const set = [...heads].filter((pair): pair is [string, string] => pair[1] !== null);
  const removed = [...heads].flatMap(([key, value]) => (value === null ? [utf8(key)] : []));
  const opened = [...permits.values()].filter((permit): permit is OpenPermit => permit !== null);
  const closed = [...permits].flatMap(([callId, permit]) => (permit === null ? [callId] : []));
  // The statement sees the log as it was before it: what this very commit would add and erase is not added at all.
  const gone = new Set(erased);
  const goneIndexes = new Set(
    entries.flatMap(({ index, callId }) => (gone.has(callId ?? '') ? [index] : [])),
  );
  const kept = side
    .filter(({ index }) => !goneIndexes.has(index))
    .flatMap(({ index, rows }) => rows.map((row, ordinal) => ({ index, ordinal, ...row })));
  return [
    entries.map(({ index }) => index),
    entries.map(({ leafHash }) => leafHash),
    entries.map(({ kind }) => kind),
    entries.map(({ callId }) => callId),
    entries.map(({ time }) => time),
    entries.map(({ leaf }) => leaf),
    entries.map(({ payload }) => payload),
    entries.map(({ timestamp }) => timestamp),
    tiles.map(({ level }) => level),
    tiles.map(({ index }) => index),
    tiles.map(({ root }) => root),
    tiles.map(({ hashes }) => hashes),
    set.map(([key]) => utf8(key)),
    set.map(([, value]) => utf8(value)),
    removed,
    opened.map(({ callId }) => callId),
    opened.map(({ instance }) => instance),
    opened.map(({ notAfter }) => notAfter),
    opened.map(({ logIndex }) => logIndex),
    closed,
    kept.map(({ index }) => index),
    kept.map(({ ordinal }) => ordinal),
    kept.map(({ name }) => utf8(name)),
    kept.map(({ salt }) => salt),
    kept.map(({ value }) => value ?? null),
    head.size,
    head.lastTime,
    head.root,
    head.checkpoint,
    erased,
    identity?.publicKey ?? null,
  ];
}
