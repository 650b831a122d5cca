import { fromUtf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { Ledger, LogEntry } from '../../ledger/ledger.ts';

/** Which calls are to be erased: those named, or all that meet every condition. */
export interface Selection {
  readonly callIds?: readonly string[];
  /** Wall milliseconds: decided before. */
  readonly before?: number;
  readonly tool?: { readonly server: string; readonly name: string };
}

export interface Selected {
  /** Calls of which the side store holds something. */
  readonly calls: readonly string[];
  /** Calls that still run: their outcome would bring what is to go. They are left out. */
  readonly running: readonly string[];
}

/** Finds the calls. NOT_FOUND when one that is named is not in the log. */
export async function selectCalls(ledger: Ledger, selection: Selection): Promise<Selected> {
  const found =
    selection.callIds === undefined
      ? await searchCalls(ledger, selection)
      : await namedCalls(ledger, selection.callIds);
  const open = new Set((await ledger.openPermits()).map(({ callId }) => callId));
  const calls: string[] = [];
  for (const callId of found) {
    if (!open.has(callId) && (await ledger.side(callId)).length > 0) calls.push(callId);
  }
  return { calls, running: found.filter((callId) => open.has(callId)) };
}

async function namedCalls(ledger: Ledger, callIds: readonly string[]): Promise<readonly string[]> {
  for (const callId of callIds) {
    if ((await ledger.entriesOfCall(callId)).length === 0)
      throw new CountersignError('NOT_FOUND', `The log has no call ${callId}.`);
  }
  return [...new Set(callIds)];
}

const pageSize = 1_000;

async function searchCalls(ledger: Ledger, { before, tool }: Selection): Promise<readonly string[]> {
  const found: string[] = [];
  const size = (await ledger.checkpoint())?.size ?? 0;
  for (let at = 0; at < size;) {
    const page = await ledger.entries(at, Math.min(size, at + pageSize));
    for (const entry of page) {
      const { callId, kind, time } = entry;
      if (callId === null || kind === 'outcome') continue;
      if (before !== undefined && time >= before) continue;
      if (tool === undefined || isOfTool(entry, tool)) found.push(callId);
    }
    at += page.length;
  }
  return found;
}

function isOfTool({ payload }: LogEntry, tool: NonNullable<Selection['tool']>): boolean {
  const { predicate } = JSON.parse(fromUtf8(payload) ?? '{}') as {
    predicate?: { tool?: { server?: string; name?: string } };
  };
  return predicate?.tool?.server === tool.server && predicate.tool.name === tool.name;
}

/** Calls of one statement: it names them, and its commit keeps other gates waiting for as long as it erases. */
export const callsAtOnce = 256;

/**
 * Erases, and says so in the log: each statement names the calls whose rows its own commit removes, so that neither can be true
 * without the other. At last the bytes are made to leave the store's files; LEDGER_LOCKED when that could not be done yet.
 */
export async function eraseCalls(
  ledger: Ledger,
  recordChange: RecordChange,
  calls: readonly string[],
): Promise<void> {
  for (let at = 0; at < calls.length; at += callsAtOnce) {
    const erases = calls.slice(at, at + callsAtOnce);
    await recordChange({
      change: { kind: 'erased', calls: { count: erases.length, ids: [...erases] } },
      expects: [],
      sets: [],
      erases,
    });
  }
  await scrubErased(ledger);
}

/** Makes the bytes of what was erased leave the store's files. */
export async function scrubErased(store: Pick<Ledger, 'scrub'>): Promise<void> {
  try {
    await store.scrub();
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code !== 'LEDGER_LOCKED') throw error;
    throw new CountersignError(
      'LEDGER_LOCKED',
      'The calls are erased, and the log says so, but bytes of them may still be in the ledger’s files, as another process was reading: run the same command again.',
      { cause: error },
    );
  }
}
