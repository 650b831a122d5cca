import type { LogEntry } from '../../ledger/ledger.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { recordedCall, type RecordedCall } from './recorded-call.ts';

export interface RecordedCallsOptions {
  /** Wall milliseconds: only calls decided from then on. */
  readonly since?: number | undefined;
  /** Entries read, of those in the log. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

type History = Pick<Ledger, 'checkpoint' | 'entries' | 'side'>;

const pageSize = 1_000;
/** Calls whose side rows are asked for together: a ledger may be a round trip away. */
const atOnce = 64;

/** The verdicts of a log in its order, a page at a time: none is held longer than it is looked at. */
export async function* recordedCalls(
  ledger: History,
  { since, onProgress }: RecordedCallsOptions = {},
): AsyncGenerator<RecordedCall, void, undefined> {
  const size = (await ledger.checkpoint())?.size ?? 0;
  for (let at = 0; at < size;) {
    const page = await ledger.entries(at, Math.min(size, at + pageSize));
    const verdicts = page.filter((entry) => isVerdict(entry) && (since === undefined || entry.time >= since));
    for (let from = 0; from < verdicts.length; from += atOnce)
      yield* await withSide(ledger, verdicts.slice(from, from + atOnce));
    at += page.length;
    onProgress?.(at, size);
    if (page.length === 0) return;
  }
}

function isVerdict({ kind, callId }: LogEntry): boolean {
  return callId !== null && (kind === 'allow' || kind === 'deny' || kind === 'shadow');
}

async function withSide(ledger: History, entries: readonly LogEntry[]): Promise<readonly RecordedCall[]> {
  const calls = entries.map(async (entry) => recordedCall(entry, await ledger.side(entry.callId ?? '')));
  return (await Promise.all(calls)).filter((call) => call !== undefined);
}
