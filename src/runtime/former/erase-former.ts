import type { RecordChange } from '../../gate/changes.ts';
import { endedLedger } from '../../ledger/ended-ledger.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { LogStore } from '../../ledger/store.ts';
import { callsAtOnce, scrubErased, selectCalls, type Selected, type Selection } from '../log/erase.ts';

/** What was erased from a former log and its successor does not state yet: heads under this prefix, one a call. */
const unstated = 'erased/';

/** Finds the calls of a former log: none of them still runs, since nothing is added to it. */
export async function selectFormerCalls(store: LogStore, selection: Selection): Promise<Selected> {
  const ledger: Ledger = { ...endedLedger(store), openPermits: () => Promise.resolve([]) };
  return selectCalls(ledger, selection);
}

/**
 * Erases calls of a log that has ended. It takes no statement any more, so the home's present log states what was erased. The two
 * are different files: rows go first, together with a note of what is still to be stated, so that nothing is ever said to be gone
 * that is not, and what a crash left unsaid is said by the next command that erases here.
 */
export async function eraseFormerCalls(
  store: LogStore,
  recordChange: RecordChange,
  calls: readonly string[],
): Promise<void> {
  for (let at = 0; at < calls.length; at += callsAtOnce) {
    await removeRows(store, calls.slice(at, at + callsAtOnce));
  }
  await stateErased(store, recordChange);
  await scrubErased(store);
}

async function removeRows(store: LogStore, calls: readonly string[]): Promise<void> {
  await change(store, new Map(calls.map((callId) => [unstated + callId, ''])), calls);
}

async function stateErased(store: LogStore, recordChange: RecordChange): Promise<void> {
  const keys = [...(await store.headsUnder(unstated)).keys()];
  for (let at = 0; at < keys.length; at += callsAtOnce) {
    const page = keys.slice(at, at + callsAtOnce);
    const ids = page.map((key) => key.slice(unstated.length));
    const { origin } = store.identity;
    const statement = { kind: 'erased', log: { origin }, calls: { count: ids.length, ids } };
    await recordChange({ change: statement, expects: [], sets: [] });
    await change(store, new Map(page.map((key) => [key, null])), []);
  }
}

/** Changes what is beside the log; its head stays what it is. */
async function change(
  store: LogStore,
  heads: ReadonlyMap<string, string | null>,
  erased: readonly string[],
): Promise<void> {
  const { checkpoint } = await store.head();
  const reads = { knownSize: Number.MAX_SAFE_INTEGER, heads: [], permits: [], verdicts: [] };
  await store.commit(reads, ({ head }) => ({
    head: { ...head, checkpoint: checkpoint ?? '' },
    entries: [],
    tiles: [],
    heads,
    permits: new Map(),
    side: [],
    erased,
  }));
}
