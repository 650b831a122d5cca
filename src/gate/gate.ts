import type { Call, ToolStanding } from '../call/call.ts';
import type { HeadExpectation } from '../ledger/ledger.ts';
import type { Credentials, Principal } from '../identity/principal.ts';
import type { ReasonCode } from '../names.ts';
import type { Execution, Target } from '../targets/target.ts';
import type { Reported } from './reported.ts';

/** Salts for the caller, so that whoever holds call and result can open the commitments. Base64. */
export interface Openings {
  readonly params: string;
  readonly action: string;
  /** JSON pointer of each declared argument → salt. */
  readonly arguments: Readonly<Record<string, string>>;
  /** Of the params as the caller sent them, where policy changed the arguments. */
  readonly asked?: string;
  /** Of the documents that were approved, by the approval's id. */
  readonly approvals?: Readonly<Record<string, string>>;
  readonly result?: { readonly raw: string; readonly normalised: string };
}

/** What goes back inline with the result: bundles as JSON text, ready to be spliced. */
export interface CallEnvelopes {
  readonly verdict: string;
  readonly outcome?: string;
  readonly openings: Openings;
}

export interface Denial {
  readonly code: ReasonCode;
  readonly rule?: string;
  /** For the model: what was refused and why; nothing about how to change policy. */
  readonly message: string;
  /** Whether the same call could succeed later without anybody changing anything. */
  readonly retryable: boolean;
}

export type CallResult =
  | {
      readonly kind: 'denied';
      readonly denial: Denial;
      readonly envelopes?: CallEnvelopes;
      /** The call as it would have run: rules may have changed its arguments. Absent where nothing was decided. */
      readonly decided?: Call;
    }
  | {
      readonly kind: 'done';
      readonly execution: Execution;
      readonly envelopes: CallEnvelopes;
      /**
       * Of an execution that is pending: aborted once the gate itself has ended and settled the call, because who asked for it may
       * nothing any more. Whoever can, cancels it where it runs.
       */
      readonly until?: AbortSignal;
    }
  /** It ran or may have run, and its outcome could not be recorded: OUTCOME_UNRECORDED. */
  | { readonly kind: 'unrecorded'; readonly denial: Denial; readonly envelopes: CallEnvelopes };

/** What a caller gets that carries its call out itself: worth nothing but to say, once, what came of it. */
export interface DelegatedPermit {
  /** 256 random bits, base64url: bound to API key, call id, the digest of the params and `settleBy`. Told once, kept nowhere. */
  readonly handle: string;
  /** Wall milliseconds by which the caller has to have reported. After it the call is settled as unknown. */
  readonly settleBy: number;
}

/** What a caller asks for beside the call. */
export interface DelegationTerms {
  /** Milliseconds; a minute unless told. What is more than the gate gives is cut to that. */
  readonly settleWithin?: number;
}

export type Delegated =
  | { readonly kind: 'denied'; readonly denial: Denial; readonly envelopes?: CallEnvelopes }
  | { readonly kind: 'delegated'; readonly permit: DelegatedPermit; readonly envelopes: CallEnvelopes };

export type ReportResult =
  | { readonly kind: 'done'; readonly envelopes: CallEnvelopes }
  /** The outcome could not be recorded yet: OUTCOME_UNRECORDED. The gate is shut until it is. */
  | { readonly kind: 'unrecorded'; readonly denial: Denial; readonly envelopes: CallEnvelopes };

/** How the gate asks what a tool is known as, at the moment of each decision. */
export interface ToolDirectory {
  /** The standing of the tool, and the heads that this answer read. */
  standing(call: Call): Promise<{
    readonly standing: ToolStanding;
    readonly expects: readonly HeadExpectation[];
    /** Whether the server is asked in the name of people: a call that is made for nobody is denied. */
    readonly needsHuman?: boolean;
  }>;
  /** Asks the server what it lists and pins what is new. Rejects when either cannot be done. */
  meet(): Promise<void>;
  /** Forgets what was read of the ledger: a head has moved. */
  refresh(): void;
}

/** The one path: authenticate → decide → record → execute → settle. */
export interface Gate {
  /**
   * Who calls; rejects with an `API_KEY_…` code, and counts that. Before anything of the caller's is read. A principal that has a
   * refusal, or was revoked, is rejected with its code too, unless it goes on to `run` or `delegate`, which deny each of its calls and sign that:
   * say `call` for those.
   */
  readonly authenticate: (credentials: Credentials, purpose?: 'call') => Promise<Principal>;
  /**
   * Aborted once this principal, who was authenticated by these credentials, is no longer good: with the code of a revocation as its
   * reason, or with LEASE_ENDED when the credentials have ended. Until `until` is aborted.
   */
  readonly watch: (
    principal: Principal,
    credentials: Pick<Credentials, 'apiKey'>,
    until: AbortSignal,
  ) => AbortSignal;
  readonly run: (
    call: Call,
    credentials: Credentials,
    target: Target,
    signal: AbortSignal,
  ) => Promise<CallResult>;
  /**
   * Decides a call that its caller carries out itself. Resolves once the ALLOW is durable and in the log, with the handle by
   * which the caller reports.
   */
  readonly delegate: (
    call: Call,
    credentials: Credentials,
    terms?: DelegationTerms,
    signal?: AbortSignal,
  ) => Promise<Delegated>;
  /**
   * Settles such a call by what its caller says, at most once. Rejects, with nothing settled, with a code of the credentials,
   * NOT_FOUND, HANDLE_FOREIGN, HANDLE_INVALID, HANDLE_USED or HANDLE_EXPIRED.
   */
  readonly report: (
    callId: string,
    handle: string,
    credentials: Credentials,
    said: Reported,
  ) => Promise<ReportResult>;
  /**
   * Settles a call whose execution was `pending` (an MCP task) once it ends. Resolves to the outcome's bundle text
   * and the salts of its result, and what the caller may have of it: the rules may have taken something out.
   */
  settleLater(
    callId: string,
    execution: Execution,
  ): Promise<
    | { readonly execution: Execution; readonly outcome: string; readonly openings: Openings }
    | { readonly denial: Denial }
  >;
  /**
   * Meets the server before its first call, so that an operator can read what it lists and accept it. What fails here fails
   * again, and is told, at the first call.
   */
  readonly meetServer: () => Promise<void>;
  /** Settles what is open here. */
  readonly close: () => Promise<void>;
}

/** The gates of one process. They share sessions and log, so that the calls of one delegation stay in one order. */
export interface Gates extends Pick<Gate, 'authenticate' | 'watch' | 'report'> {
  /** Counts what was refused before anybody was authenticated: the sums are signed. */
  countRefusal(code: ReasonCode): void;
  /** A gate that knows its tools through this directory. */
  under(directory: ToolDirectory): Gate;
  /** Resolves once no caller has an outcome left to report. */
  reported(): Promise<void>;
  /** Closes the sessions, once every gate under it is closed. */
  close(): Promise<void>;
}
