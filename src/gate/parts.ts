import type { OutcomeKind } from '../call/call.ts';
import type { CommittableField } from '../envelope/committed-principal.ts';
import type { Authenticator } from '../identity/principal.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SigningIdentity, TimestampAuthority } from '../pki/signer.ts';
import type { Policy } from '../policy/policy.ts';
import type { SignedHead } from '../tlog/proof.ts';
import type { Counters } from './counters/counters.ts';
import type { Flow } from './flow.ts';
import type { ToolDirectory } from './gate.ts';
import type { Revocations } from './revocations.ts';

export interface Clock {
  /** Wall milliseconds. */
  now(): number;
  /** Monotonic milliseconds. */
  monotonic(): number;
}

/** The gate's signing certificate of the moment; throws CERTIFICATE_NOT_VALID when there is none for this time. */
export interface IdentityKeeper {
  current(now: number): SigningIdentity | Promise<SigningIdentity>;
}

/** Others who see the log's heads, and whom a rule may demand before a call runs. */
export interface Witnesses {
  /** How many there are. */
  readonly count: number;
  /**
   * A head of the log that covers everything that is durable by now, cosigned by at least `count` of them. Rejects with
   * WITNESS_UNAVAILABLE, with LOG_FORKED when one says that it has seen another history, and with the signal's reason.
   */
  cosigned(count: number, signal: AbortSignal): Promise<SignedHead>;
}

/** What signs and records statements. */
export interface NotaryParts {
  readonly identity: IdentityKeeper;
  readonly timestamps: TimestampAuthority;
  readonly ledger: Ledger;
  /** SHA-256 key id of the log (32 bytes), stated in every bundle. */
  readonly logKeyId: Uint8Array;
  readonly clock: Clock;
  /** Absent where none are configured: a rule that demands them then denies. */
  readonly witnesses?: Witnesses;
}

/** What callers get that carry their calls out themselves. */
export interface DelegationLimits {
  /** Milliseconds to report an outcome, unless the caller asks for others; and at most. */
  readonly settleWithin: number;
  readonly settleWithinMost: number;
  /** Calls that one API key may have open at a time. */
  readonly maxOpenPerKey: number;
}

/** What the gates of one process have in common: one policy, one chain for each delegation. */
export interface SharedGateParts extends NotaryParts {
  readonly authenticator: Authenticator;
  /** What was taken back. One for all gates of a process. */
  readonly revocations: Revocations;
  readonly policy: Policy;
  readonly mode: 'same-user' | 'isolated';
  /** This process, as the ledger's permits and sessions name it. */
  readonly instance: string;
  /** Throws when this instance was fenced: another has settled its permits. */
  assertAlive(): void;
  readonly delegation?: DelegationLimits;
  /** What of a principal statements commit to instead of stating it; nothing unless told. */
  readonly committed?: readonly CommittableField[];
  /** Absent where nobody can be told: a rule that demands it then denies. */
  readonly notices?: Notices;
}

/** Whoever is told what came of calls whose rule says so. */
export interface Notices {
  readonly names: ReadonlySet<string>;
  /** Returns at once; never throws. `envelopes` are the bundles' texts. */
  tell(to: string, notice: Notice): void;
}

export interface Notice {
  readonly callId: string;
  readonly server: string;
  readonly tool: string;
  readonly rule: string;
  readonly outcome: OutcomeKind;
  readonly envelopes: { readonly verdict: string; readonly outcome: string };
}

/** The same with what the gates of one process keep for themselves. */
export interface RecordingParts extends SharedGateParts {
  readonly flow: Flow;
  readonly counters: Counters;
}

/** Everything a gate is made of. Only `runtime/` puts one together. */
export interface GateParts extends SharedGateParts {
  readonly directory: ToolDirectory;
}
