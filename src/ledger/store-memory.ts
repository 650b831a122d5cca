import { concatBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { emptyRoot } from '../tlog/merkle.ts';
import { tileWidth } from '../tlog/tile.ts';
import type { CompletedTile } from '../tlog/tree.ts';
import type { LogEntry, OpenPermit, SideRow, ToolRecord } from './ledger.ts';
import { isVerdictKind } from './store.ts';
import type { CommitReads, LogHead, LogIdentity, LogStore, Snapshot, Writes } from './store.ts';

/** Keeps the log in memory: for tests, and for logs that may be lost with their process. */
export function memoryStore(created: LogIdentity): LogStore {
  let identity = created;
  let head: LogHead = { size: 0, root: emptyRoot, checkpoint: null, lastTime: 0 };
  const entries: LogEntry[] = [];
  const byCall = new Map<string, LogEntry[]>();
  const leafHashes: Uint8Array[] = [];
  const tiles = new Map<string, CompletedTile>();
  const heads = new Map<string, string>();
  const permits = new Map<string, OpenPermit>();
  const side = new Map<number, readonly SideRow[]>();
  const tools: ToolRecord[] = [];

  const entriesOf = (callId: string): readonly LogEntry[] => byCall.get(callId) ?? [];

  const pick = <T>(from: ReadonlyMap<string, T>, keys: readonly string[]): Map<string, T> =>
    new Map(
      keys.flatMap((key) => {
        const value = from.get(key);
        return value === undefined ? [] : [[key, value]];
      }),
    );

  const snapshotOf = (reads: CommitReads): Snapshot => ({
    publicKey: identity.publicKey,
    head,
    leafHashes: leafHashes.slice(reads.knownSize),
    heads: pick(heads, reads.heads),
    permits: pick(permits, reads.permits),
    verdicts: new Set(
      reads.verdicts.filter((callId) => entriesOf(callId).some(({ kind }) => isVerdictKind(kind))),
    ),
  });

  const write = (writes: Writes): void => {
    for (const { leafHash, ...entry } of writes.entries) {
      entries.push(entry);
      if (entry.callId !== null) byCall.set(entry.callId, [...entriesOf(entry.callId), entry]);
      leafHashes.push(leafHash);
    }
    for (const tile of writes.tiles) tiles.set(`${tile.level}/${tile.index}`, tile);
    for (const [key, value] of writes.heads) replace(heads, key, value);
    for (const [callId, permit] of writes.permits) replace(permits, callId, permit);
    for (const { index, rows } of writes.side) side.set(index, rows);
    for (const callId of writes.erased) for (const { index } of entriesOf(callId)) side.delete(index);
    head = writes.head;
    identity = writes.identity ?? identity;
  };

  return {
    get identity() {
      return identity;
    },
    commit: async (reads, plan) => {
      const writes = plan(snapshotOf(reads));
      if (writes !== null) write(writes);
    },
    head: async () => head,
    tile: async (level, index, width) => {
      const from = index * tileWidth;
      const hashes = Array.from({ length: width }, (_, i) => {
        const hash = level === 0 ? leafHashes[from + i] : tiles.get(`${level - 1}/${from + i}`)?.root;
        if (hash === undefined) throw new CountersignError('LEDGER_CORRUPT', 'A Merkle tile is not there.');
        return hash;
      });
      return concatBytes(...hashes);
    },
    heads: async (keys) => pick(heads, keys),
    headsUnder: async (prefix) => new Map([...heads].filter(([key]) => key.startsWith(prefix))),
    entries: async (from, to) => entries.slice(Math.max(0, from), Math.max(0, to)),
    entriesOfCall: async (callId) => entriesOf(callId),
    openPermits: async () => [...permits.values()],
    side: async (callId) => entriesOf(callId).flatMap(({ index }) => side.get(index) ?? []),
    scrub: async () => undefined,
    rememberTools: async (records) => {
      for (const record of records) {
        const known = tools.findIndex((other) => isSameTool(other, record));
        if (known >= 0) tools.splice(known, 1);
        tools.push(record);
      }
    },
    tools: async (server) => tools.filter((record) => server === undefined || record.server === server),
    close: async () => undefined,
  };
}

function replace<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key);
  else map.set(key, value);
}

function isSameTool(a: ToolRecord, b: ToolRecord): boolean {
  return (
    a.server === b.server && a.serverDigest === b.serverDigest && a.tool === b.tool && a.sha256 === b.sha256
  );
}
