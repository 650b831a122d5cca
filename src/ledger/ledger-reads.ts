import type { Ledger } from './ledger.ts';
import { readConsistency, readInclusion } from './read-tree.ts';
import type { LogStore } from './store.ts';

/** Entries that one read returns, at most. */
const maxEntries = 1_000;

/** What a ledger answers from its store, whether anything is appended to it any more or not. */
export function ledgerReads(
  store: LogStore,
): Omit<Ledger, 'append' | 'handOver' | 'rememberTools' | 'close'> {
  return {
    heads: (keys) => store.heads(keys),
    headsUnder: (prefix) => store.headsUnder(prefix),
    entriesOfCall: (callId) => store.entriesOfCall(callId),
    entries: (from, to) => store.entries(from, Math.min(to, from + maxEntries)),
    prove: async (index, under) => readInclusion(store, under ?? (await store.head()), index),
    proveConsistency: async (oldSize, newSize) =>
      readConsistency(store, await store.head(), oldSize, newSize),
    async checkpoint() {
      const { size, checkpoint: text } = await store.head();
      return text === null ? null : { size, text };
    },
    tile: (level, index, width) => store.tile(level, index, width),
    openPermits: () => store.openPermits(),
    side: (callId) => store.side(callId),
    tools: (server) => store.tools(server),
    scrub: () => store.scrub(),
  };
}
