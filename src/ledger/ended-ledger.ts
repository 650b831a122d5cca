import { CountersignError } from '../errors.ts';
import type { Ledger } from './ledger.ts';
import { readConsistency, readInclusion } from './read-tree.ts';
import type { LogStore } from './store.ts';

/** Entries that one read returns, at most. */
const maxEntries = 1_000;

/** A log that has ended, to be read: what would append to it is refused with LEDGER_READ_ONLY. */
export function endedLedger(store: LogStore): Ledger {
  const refuse = (): Promise<never> =>
    Promise.reject(new CountersignError('LEDGER_READ_ONLY', 'This log has ended: nothing is added to it.'));
  return {
    append: refuse,
    handOver: refuse,
    rememberTools: refuse,
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
    close: () => store.close(),
  };
}
