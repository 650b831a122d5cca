import type { Call, ToolStanding } from '../call/call.ts';
import type { HeadExpectation } from '../ledger/ledger.ts';
import type { Credentials, Principal } from '../identity/principal.ts';
import type { ReasonCode } from '../names.ts';
import type { Execution, Target } from '../targets/target.ts';

/** Salts for the caller, so that whoever holds call and result can open the commitments. Base64. */
export interface Openings {
  readonly params: string;
  readonly action: string;
  /** JSON pointer of each declared argument → salt. */
  readonly arguments: Readonly<Record<string, string>>;
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
  | { readonly kind: 'denied'; readonly denial: Denial; readonly envelopes?: CallEnvelopes }
  | { readonly kind: 'done'; readonly execution: Execution; readonly envelopes: CallEnvelopes }
  /** It ran or may have run, and its outcome could not be recorded: OUTCOME_UNRECORDED. */
  | { readonly kind: 'unrecorded'; readonly denial: Denial; readonly envelopes: CallEnvelopes };

/** How the gate asks what a tool is known as, at the moment of each decision. */
export interface ToolDirectory {
  /** The standing of the tool, and the heads that this answer read. */
  standing(call: Call): Promise<{
    readonly standing: ToolStanding;
    readonly expects: readonly HeadExpectation[];
  }>;
  /** Asks the server what it lists and pins what is new. Rejects when either cannot be done. */
  meet(): Promise<void>;
  /** Forgets what was read of the ledger: a head has moved. */
  refresh(): void;
}

/** The one path: authenticate → decide → record → execute → settle. */
export interface Gate {
  /** Who calls; rejects with an `API_KEY_…` code, and counts that. Before anything of the caller's is read. */
  readonly authenticate: (credentials: Credentials) => Promise<Principal>;
  readonly run: (
    call: Call,
    credentials: Credentials,
    target: Target,
    signal: AbortSignal,
  ) => Promise<CallResult>;
  /**
   * Settles a call whose execution was `pending` (an MCP task) once it ends. Resolves to the outcome's bundle text
   * and the salts of its result.
   */
  settleLater(
    callId: string,
    execution: Execution,
  ): Promise<{ readonly outcome: string; readonly openings: Openings } | { readonly denial: Denial }>;
  /**
   * Meets the server before its first call, so that an operator can read what it lists and accept it. What fails here fails
   * again, and is told, at the first call.
   */
  readonly meetServer: () => Promise<void>;
  /** Settles what is open here. */
  readonly close: () => Promise<void>;
}

/** The gates of one process. They share sessions and log, so that the calls of one delegation stay in one order. */
export interface Gates extends Pick<Gate, 'authenticate'> {
  /** A gate that knows its tools through this directory. */
  under(directory: ToolDirectory): Gate;
  /** Closes the sessions, once every gate under it is closed. */
  close(): Promise<void>;
}
