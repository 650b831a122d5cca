import type { StatementKind } from '../names.ts';
import type { CompletedTile } from '../tlog/tree.ts';
import type { LogEntry, OpenPermit, SideRow, ToolRecord } from './ledger.ts';

/** Whose log a store holds. A store that holds another one's is refused. */
export interface LogIdentity {
  readonly origin: string;
  /** SubjectPublicKeyInfo of the key that signs the checkpoints, DER. */
  readonly publicKey: Uint8Array;
}

/** The newest tree head. */
export interface LogHead {
  readonly size: number;
  readonly root: Uint8Array;
  /** The signed note; null while the log is empty. */
  readonly checkpoint: string | null;
  /** Wall milliseconds: the latest time that any entry states. */
  readonly lastTime: number;
}

/** An entry as a store keeps it. */
export interface StoredEntry extends LogEntry {
  readonly leafHash: Uint8Array;
}

/** What a commit has to read under the writer's lock. */
export interface CommitReads {
  /** The tree size that the caller knows. Leaf hashes from there on are read too: other processes append as well. */
  readonly knownSize: number;
  readonly heads: readonly string[];
  /** Calls whose permit is to be closed. One is opened with the call's only verdict, so it cannot be open before. */
  readonly permits: readonly string[];
  /** Calls of which it must be known whether they have a verdict already. */
  readonly verdicts: readonly string[];
}

/** What the store held when the writer's lock was taken. */
export interface Snapshot {
  /** The key that the log is signed with now: `LogIdentity.publicKey`. Another writer may have replaced it. */
  readonly publicKey: Uint8Array;
  readonly head: LogHead;
  /** Hashes of the leaves `knownSize` to `head.size`; empty if the log is shorter than the caller knows it. */
  readonly leafHashes: readonly Uint8Array[];
  readonly heads: ReadonlyMap<string, string>;
  readonly permits: ReadonlyMap<string, OpenPermit>;
  readonly verdicts: ReadonlySet<string>;
}

/** What one commit makes durable, all or nothing. */
export interface Writes {
  readonly head: LogHead & { readonly checkpoint: string };
  readonly entries: readonly StoredEntry[];
  readonly tiles: readonly CompletedTile[];
  /** Null removes the head. */
  readonly heads: ReadonlyMap<string, string | null>;
  /** By call; null closes the permit that the snapshot showed. */
  readonly permits: ReadonlyMap<string, OpenPermit | null>;
  readonly side: readonly { readonly index: number; readonly rows: readonly SideRow[] }[];
  /** Calls whose side rows are removed, those of this commit included: after `side` was written. Usually none. */
  readonly erased: readonly string[];
  /** The log's next key, of the same origin: from this commit on the store is that identity's. Usually absent. */
  readonly identity?: LogIdentity;
}

/** Statement kinds of which a call has at most one. */
export const verdictKinds = ['allow', 'deny', 'shadow'] as const satisfies readonly StatementKind[];

export function isVerdictKind(kind: StatementKind): boolean {
  return (verdictKinds as readonly StatementKind[]).includes(kind);
}

/** Side rows of one entry, at most: their ordinal is part of their key. */
export const maxSideRows = 4_096;

/**
 * The port towards whatever keeps the log. It holds no rule of the log's: those are in `plan`, once for all stores.
 * Methods reject with a `CountersignError` of a `LEDGER_…` code.
 */
export interface LogStore {
  /** Whose log this is: since the last commit of this store that changed it. */
  readonly identity: LogIdentity;
  /**
   * Takes the single writer's lock of this log (across processes), reads, calls `plan`, and makes what it returns durable
   * before resolving. `plan` runs at most once, synchronously: nothing may come between the head that was read and the
   * checkpoint that is signed over it. When `plan` throws, or returns null, nothing is written. A rejection with
   * `CommitOutcomeUnknown` says that the writes may or may not have become durable; any other, that they did not.
   */
  commit(reads: CommitReads, plan: (snapshot: Snapshot) => Writes | null): Promise<void>;

  head(): Promise<LogHead>;
  /** The first `width` hashes of a tile of C2SP tlog-tiles, concatenated. LEDGER_CORRUPT when the store has fewer. */
  tile(level: number, index: number, width: number): Promise<Uint8Array>;
  heads(keys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  headsUnder(prefix: string): Promise<ReadonlyMap<string, string>>;
  entries(from: number, to: number): Promise<readonly LogEntry[]>;
  entriesOfCall(callId: string): Promise<readonly LogEntry[]>;
  openPermits(): Promise<readonly OpenPermit[]>;
  side(callId: string): Promise<readonly SideRow[]>;
  /**
   * Makes what `Writes.erased` removed unreadable in the store's own files too, as far as it reaches them: SQLite folds and
   * truncates its WAL (deleted cells are zeroed by `secure_delete`), PostgreSQL vacuums the table of side rows. LEDGER_LOCKED
   * when others were in its way for too long: then it can be asked again.
   */
  scrub(): Promise<void>;
  /** One that is known already becomes the newest. */
  rememberTools(records: readonly ToolRecord[]): Promise<void>;
  tools(server?: string): Promise<readonly ToolRecord[]>;
  close(): Promise<void>;
}

/** The store lost sight of a commit: a connection that broke, an I/O error while committing. */
export class CommitOutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('Whether the commit became durable is not known.', { cause });
    this.name = 'CommitOutcomeUnknown';
  }
}
