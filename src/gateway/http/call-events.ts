import type { ReasonCode } from '../../names.ts';

/** What an entry of the log says of a call, to those who made it: nothing of its arguments or result. */
export interface CallEvent {
  /** Of the entry in the log. */
  readonly index: number;
  readonly kind: 'allow' | 'deny' | 'shadow' | 'outcome';
  readonly callId: string;
  /** `SERVER/TOOL`, as policy calls it. */
  readonly tool: string;
  readonly verdict: 'ALLOW' | 'DENY';
  /** Why; of an outcome, why there is no result. */
  readonly code?: ReasonCode | 'RULE_ALLOWS';
  /** Of an outcome: executed, failed, aborted or unknown. */
  readonly outcome?: string;
  /** RFC 3339, UTC: as the entry states it. */
  readonly time: string;
}

/** The log as a reader of events follows it. */
export interface CallEventSource {
  /** Entries that are durable now. */
  size(): Promise<number>;
  /** Resolves to the size once it is larger than `size`; rejects when `signal` is aborted. */
  grown(size: number, signal: AbortSignal): Promise<number>;
  /** Those of calls under this API key among the entries `from` (inclusive) to `to` (exclusive), at most `page` of them. */
  read(from: number, to: number, apiKeyId: string): Promise<readonly CallEvent[]>;
  /** How many entries are read at once. */
  readonly page: number;
}
