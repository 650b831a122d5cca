import type { VerifyCode } from '../verify/codes.ts';
import type { OpenCall } from './audit-calls.ts';
import type { KeyUse } from './audit-keys.ts';
import type { OpenSession } from './audit-sessions.ts';
import type { AuditCode, Fault } from './faults.ts';

/** What an audit found. Times are RFC 3339, digests lower-case hexadecimal. */
export interface AuditReport {
  /** No fault was found. What that means, and what not: docs/audit.md. */
  readonly ok: boolean;
  /** Digest of the trust root's canonical JSON, and whether the auditor brought it or took the one beside the log. */
  readonly trust: { readonly fingerprint: string; readonly source: 'given' | 'exported' };
  /** Digest of the declaration of compromised keys that was applied, as canonical JSON; absent when none was given. */
  readonly compromised?: string;
  readonly log: { readonly origin: string; readonly size: number; readonly rootHash: string };
  /** Where an incremental audit began, and whether this log continues that head: behind it only, entries are replayed. */
  readonly since?: {
    readonly size: number;
    readonly rootHash: string;
    readonly continued: boolean;
    /** Faults of the earlier audits, when their state was given. */
    readonly earlierFaults?: number;
    /** What cannot be judged when it was not. */
    readonly unjudged?: Unjudged;
  };
  /** What others hold: distinct heads, and how many of them are of other logs, of which this one says nothing. */
  readonly seen?: { readonly heads: number; readonly otherLogs: number };
  /** From the first stamp to the last; absent when no entry verified. */
  readonly period?: { readonly first: string; readonly last: string };
  /** All of this is of the entries that were replayed. */
  readonly entries: {
    readonly replayed: number;
    readonly verified: number;
    /** Verified ones by kind; `foreign` for statements that are not ours. */
    readonly kinds: Readonly<Record<string, number>>;
    /** Verified ones by who signed. */
    readonly signers: Readonly<Record<string, number>>;
    /** Verdicts and outcomes by mode: how much an absent entry means. */
    readonly modes: Readonly<Record<string, number>>;
    /** Outcomes by what they state. */
    readonly outcomes: Readonly<Record<string, number>>;
  };
  readonly sessions: {
    readonly opened: number;
    readonly closed: number;
    /** Not closed when the log ended: no fault, a gate may still run. */
    readonly open: readonly OpenSession[];
  };
  /** Each key of the trust root that the log relies on, from which entry on. */
  readonly keys: readonly KeyUse[];
  /** ALLOWs without an outcome. Those that are overdue are faults too. */
  readonly openCalls: readonly OpenCall[];
  readonly faults: {
    readonly total: number;
    readonly counts: Readonly<Partial<Record<AuditCode | VerifyCode, number>>>;
    /** The first 1,000. */
    readonly listed: readonly Fault[];
  };
}

/** What leans on entries that were not replayed and that nobody remembers: it may be in order or not. */
export interface Unjudged {
  /** Outcomes whose verdict stands there. */
  readonly outcomes: number;
  /** Sessions that began there. */
  readonly sessions: number;
}

/** Counts by name. */
export interface Tally {
  add(name: string): void;
  toRecord(): Readonly<Record<string, number>>;
}

export function createTally(): Tally {
  const counts = new Map<string, number>();
  return {
    add: (name) => void counts.set(name, (counts.get(name) ?? 0) + 1),
    toRecord: () => recordOf(counts),
  };
}

/** Names come from the log: none may be taken for the object's own. */
export function recordOf(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  const record = Object.create(null) as Record<string, number>;
  for (const [name, count] of counts) record[name] = count;
  return record;
}
