import type { CallEvent, CallEventSource } from '../../gateway/http/call-events.ts';
import type { Ledger, LogEntry } from '../../ledger/ledger.ts';
import { apiKeyIdOf, callStatementOf, type CallStatement } from './call-statement.ts';

export interface LogEventsOptions {
  readonly ledger: Pick<Ledger, 'checkpoint' | 'entries' | 'entriesOfCall'>;
  /** Milliseconds between two looks at the log's head while somebody waits; 250 unless told. */
  readonly every?: number;
}

/** An event, and who may see it; undefined for an entry that is about no call. */
type Known = { readonly apiKeyId: string | undefined; readonly event: CallEvent } | undefined;

const page = 256;
/** Entries that are kept: enough that readers who are at the head read each entry of the log once together. */
const keptEntries = 4_096;

/**
 * Reads a ledger as its readers of events see it. The head is looked at, rather than announced by the gate: other gateways
 * write to the same log.
 */
export function createLogEvents({ ledger, every = 250 }: LogEventsOptions): CallEventSource {
  const kept = new Map<number, Known>();
  const waiting = new Set<(size: number) => void>();
  let isLooking = false;
  let lookedAt = -Infinity;

  const size = async (): Promise<number> => (await ledger.checkpoint())?.size ?? 0;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    while (waiting.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, lookedAt + every - performance.now())));
      lookedAt = performance.now();
      // A log that cannot be read for a moment is looked at again: readers lose nothing.
      const newest = await size().catch(() => 0);
      for (const tell of [...waiting]) tell(newest);
    }
    isLooking = false;
  };

  const known = async (entry: LogEntry): Promise<Known> => {
    if (kept.has(entry.index)) return kept.get(entry.index);
    const found = await readEntry(ledger, entry);
    kept.set(entry.index, found);
    const [oldest = 0] = kept.keys();
    if (kept.size > keptEntries) kept.delete(oldest);
    return found;
  };

  return {
    page,
    size,
    grown(than, signal) {
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(tell);
          signal.removeEventListener('abort', onAbort);
        };
        const onAbort = (): void => {
          leave();
          reject(signal.reason as Error);
        };
        const tell = (newest: number): void => {
          if (newest <= than) return;
          leave();
          resolve(newest);
        };
        if (signal.aborted) return onAbort();
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.add(tell);
        void look();
      });
    },
    async read(from, to, apiKeyId) {
      const indexes = Array.from({ length: to - from }, (_, i) => from + i);
      const all = indexes.every((index) => kept.has(index))
        ? indexes.map((index) => kept.get(index))
        : await inOrder(await ledger.entries(from, to), known);
      return all.flatMap((one) => (one?.apiKeyId === apiKeyId ? [one.event] : []));
    },
  };
}

async function inOrder<T, R>(items: readonly T[], step: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const item of items) done.push(await step(item));
  return done;
}

async function readEntry(ledger: Pick<Ledger, 'entriesOfCall'>, entry: LogEntry): Promise<Known> {
  const { kind, callId } = entry;
  if (callId === null || !(kind === 'allow' || kind === 'deny' || kind === 'shadow' || kind === 'outcome'))
    return undefined;
  const verdict = kind === 'outcome' ? await verdictOf(ledger, callId) : entry;
  if (verdict === undefined) return undefined;
  const statement = callStatementOf(entry);
  const { tool, verdict: decided } = kind === 'outcome' ? callStatementOf(verdict) : statement;
  return {
    apiKeyId: apiKeyIdOf(verdict),
    event: {
      index: entry.index,
      kind,
      callId,
      tool: `${tool?.server ?? ''}/${tool?.name ?? ''}`,
      verdict: decided === 'ALLOW' ? 'ALLOW' : 'DENY',
      ...(statement.reason?.code === undefined ? {} : { code: statement.reason.code }),
      ...(kind === 'outcome' ? { outcome: statement.outcome ?? 'unknown' } : {}),
      time: timeOf(statement, entry),
    },
  };
}

/** An outcome names nobody: whose it is, its verdict says. */
async function verdictOf(
  ledger: Pick<Ledger, 'entriesOfCall'>,
  callId: string,
): Promise<LogEntry | undefined> {
  return (await ledger.entriesOfCall(callId)).find(({ kind }) => kind !== 'outcome');
}

function timeOf({ decidedAt, finishedAt }: CallStatement, { time }: LogEntry): string {
  return decidedAt ?? finishedAt ?? new Date(time).toISOString();
}
