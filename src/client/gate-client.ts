import type { JsonObject } from '../call/json.ts';
import type { CallEnvelopes, DelegatedPermit, Denial } from '../gate/gate.ts';

/** One call that an application is about to carry out itself. */
export interface ToolCall {
  /** What the application calls itself, and policy calls it: `server/tool`. At most 64 letters, digits, dots, dashes, underscores. */
  readonly server: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** What the tool is: `{name, description?, inputSchema?, annotations?}`. Pinned when the gate first hears of it. */
  readonly definition?: JsonObject;
  /** What the person asked for, in their words: rules may hold arguments against it. At most 65,536 characters. */
  readonly request?: string;
  /** That the person was shown exactly this call and said yes. The verdict states it as your word. */
  readonly confirmed?: true;
  /** Whatever else the verdict should commit to. Neither a policy variable nor stated. */
  readonly context?: JsonObject;
  /** A UUIDv7; a new one unless given. The same id with the same call is answered alike, and never decided twice. */
  readonly callId?: string;
  /** Milliseconds that carrying it out may take; a minute unless told. */
  readonly settleWithin?: number;
}

/** Who stands behind this one call: bound to it, and to no client or thread. */
export interface CallOptions {
  /** The delegating human's token, a compact JWS. */
  readonly humanToken?: string;
  readonly deviceToken?: string;
  /** What the call is narrowed to: a chain of grants, a compact JWS. */
  readonly grant?: string;
  /** Ends the asking, and the carrying out. */
  readonly signal?: AbortSignal;
}

export type GateDecision =
  | {
      readonly decision: 'ALLOW';
      readonly callId: string;
      readonly permit: DelegatedPermit;
      /** Milliseconds from the verdict to `settleBy`: clocks of two machines need not agree. */
      readonly lasts: number;
      readonly envelopes: CallEnvelopes;
    }
  | {
      readonly decision: 'DENY';
      readonly callId: string;
      readonly denial: Denial;
      /** Absent where nothing was signed: nobody was asked, or nobody answered. */
      readonly envelopes?: CallEnvelopes;
    };

/** What came of a call. A `Uint8Array` is JSON text, and is committed to byte for byte; another value is printed first. */
export type OutcomeReport =
  | { readonly outcome: 'executed'; readonly result?: unknown }
  | { readonly outcome: 'failed'; readonly error?: unknown }
  | { readonly outcome: 'aborted' | 'unknown' };

export type GateReport =
  | { readonly kind: 'settled'; readonly envelopes: CallEnvelopes }
  /** The log may not say what became of the call. OUTCOME_UNRECORDED, or why the gate refused the report. */
  | { readonly kind: 'unsettled'; readonly denial: Denial };

export type RunResult<T> =
  | {
      readonly kind: 'denied';
      readonly callId: string;
      readonly denial: Denial;
      readonly envelopes?: CallEnvelopes;
      /** JSON text that `countersign verify --expect deny` takes; absent where nothing was signed. */
      readonly evidence?: string;
    }
  | {
      readonly kind: 'done';
      readonly callId: string;
      readonly result: T;
      readonly envelopes: CallEnvelopes;
      /** JSON text that `countersign verify` takes: the result with its envelopes, or, of a result that is no JSON, these alone. */
      readonly evidence: string;
    }
  | {
      readonly kind: 'failed';
      readonly callId: string;
      /** What `execute` threw. */
      readonly error: unknown;
      readonly envelopes: CallEnvelopes;
      /** JSON text that `countersign verify` takes. */
      readonly evidence: string;
    }
  /** It ran, or may have, and the gate could not be told: do not retry it. The denial is OUTCOME_UNRECORDED, and says why. */
  | {
      readonly kind: 'unsettled';
      readonly callId: string;
      readonly denial: Denial;
      readonly envelopes: CallEnvelopes;
      readonly result?: T;
      readonly error?: unknown;
    };

/** Carries the call out. The signal ends with the permit: what is still running then counts as unknown. */
export type Execute<T> = (args: JsonObject, signal: AbortSignal) => Promise<T>;

/**
 * A gate, here or elsewhere, as an application sees it that carries its calls out itself. Nothing rejects for what the gate says
 * or does not say: without an ALLOW that is about exactly this call the answer is a denial.
 */
export interface GateClient {
  decide(call: ToolCall, options?: CallOptions): Promise<GateDecision>;
  report(
    callId: string,
    permit: DelegatedPermit,
    report: OutcomeReport,
    options?: CallOptions,
  ): Promise<GateReport>;
  /** Decides, carries out if that was allowed, and reports. */
  run<T>(call: ToolCall, execute: Execute<T>, options?: CallOptions): Promise<RunResult<T>>;
}
