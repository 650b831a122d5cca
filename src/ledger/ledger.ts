import type { SignedStatement } from '../envelope/envelope.ts';
import type { StatementKind } from '../names.ts';
import type { SyncSigner } from '../pki/signer.ts';
import type { ConsistencyProof, InclusionProof, SignedHead } from '../tlog/proof.ts';

/**
 * A head is a named value that a decision may have read: the head of a session, the revocation epoch, a server's pins.
 * `record` compares and swaps every head that its decision read.
 */
export interface HeadExpectation {
  readonly key: string;
  /** The value that was read; null when there was none. */
  readonly value: string | null;
}

/** Plaintext or salt that a disclosure needs later; kept beside the log, never in it. */
export interface SideRow {
  /**
   * `action`, `params`, `asked`, `input`, `approval/ID` (a salt alone), `result/raw`, `result/normalised`, or a JSON pointer under `arguments`: `arguments/path`.
   * With `sealed:` before it, salt and value are encrypted.
   */
  readonly name: string;
  /** 16 bytes; empty when the row is sealed. */
  readonly salt: Uint8Array;
  /** Absent when policy keeps the salt only. Of a sealed row, the sealed document. */
  readonly value?: Uint8Array;
}

/** What one call to `append` makes durable, all or nothing. */
export interface EntryDraft {
  readonly signed: SignedStatement;
  /** Absent for statements that are about no call. */
  readonly callId?: string;
  /** Wall milliseconds that the statement states. Earlier than the log's last time less the tolerance: CLOCK_BEHIND. */
  readonly time: number;
  /** Every head that the decision read. If one moved, the append is refused with LEDGER_CONFLICT. */
  readonly expects: readonly HeadExpectation[];
  /** Heads to set after all of `expects` held; null removes one. */
  readonly sets: readonly { readonly key: string; readonly value: string | null }[];
  /** Opens the call's permit row, or closes it. Closing one that is not open is refused with PERMIT_INVALID. */
  readonly permit?:
    | { readonly action: 'open'; readonly instance: string; readonly notAfter: number }
    | { readonly action: 'close' };
  readonly side: readonly SideRow[];
  /** Calls whose side rows this entry removes: that they are gone, and that the log says so, become true together. */
  readonly erases?: readonly string[];
}

export interface OpenPermit {
  readonly callId: string;
  readonly instance: string;
  readonly notAfter: number;
  /** Index of the verdict's entry. */
  readonly logIndex: number;
}

export interface LogEntry {
  readonly index: number;
  readonly kind: StatementKind;
  readonly callId: string | null;
  readonly time: number;
  readonly leaf: Uint8Array;
  readonly payload: Uint8Array;
  readonly timestamp: Uint8Array;
}

/** A tool definition as a server listed it, kept so that an operator can read what they accept. */
export interface ToolRecord {
  readonly server: string;
  readonly serverDigest: string;
  readonly tool: string;
  readonly sha256: string;
  /** The definition's raw bytes. */
  readonly definition: Uint8Array;
}

/**
 * The log and what is kept with it. One writer at a time per log, across processes; nothing is released before it is
 * durable. Every method rejects with a `CountersignError` of a `LEDGER_…`, `CLOCK_BEHIND` or `PERMIT_INVALID` code.
 */
export interface Ledger {
  /** Group commit: resolves once the entry is durable and included, with the proof against that commit's checkpoint. */
  append(draft: EntryDraft): Promise<InclusionProof>;
  /**
   * Appends `draft` and hands the log to its next key, in one commit whose checkpoint both keys sign. This ledger appends nothing
   * more: KEY_ROTATED. It is opened anew with the next key.
   */
  handOver(draft: EntryDraft, successor: SyncSigner): Promise<InclusionProof>;
  heads(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** All heads whose key starts with `prefix`. */
  headsUnder(prefix: string): Promise<ReadonlyMap<string, string>>;
  entriesOfCall(callId: string): Promise<readonly LogEntry[]>;
  /** Entries `from` (inclusive) to `to` (exclusive), at most 1,000 at once. */
  entries(from: number, to: number): Promise<readonly LogEntry[]>;
  /** Proof of one entry against the newest checkpoint, or against an earlier head of this log. */
  prove(index: number, under?: SignedHead): Promise<InclusionProof>;
  /**
   * That the tree of `newSize` begins with the tree of `oldSize` ≥ 1: NOT_FOUND when the log does not have these sizes. The roots
   * are of trees that the newest checkpoint, whatever it signs, is consistent with.
   */
  proveConsistency(oldSize: number, newSize: number): Promise<ConsistencyProof>;
  /** The newest checkpoint; null while the log is empty. */
  checkpoint(): Promise<{ readonly size: number; readonly text: string } | null>;
  /** The first `width` hashes of a tile of https://c2sp.org/tlog-tiles. LEDGER_CORRUPT when the tree has fewer. */
  tile(level: number, index: number, width: number): Promise<Uint8Array>;
  openPermits(): Promise<readonly OpenPermit[]>;
  side(callId: string): Promise<readonly SideRow[]>;
  /** Makes what drafts have erased unreadable in the store's files too. LEDGER_LOCKED: ask again later. */
  scrub(): Promise<void>;
  /** Remembers definitions (idempotent; a definition seen again becomes the newest). Pins are heads, not this. */
  rememberTools(records: readonly ToolRecord[]): Promise<void>;
  /** All remembered definitions of a server name, oldest first; every server's without a name. */
  tools(server?: string): Promise<readonly ToolRecord[]>;
  close(): Promise<void>;
}
