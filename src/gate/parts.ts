import type { Authenticator } from '../identity/principal.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SigningIdentity, TimestampAuthority } from '../pki/signer.ts';
import type { Policy } from '../policy/policy.ts';
import type { ToolDirectory } from './gate.ts';

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

/** What signs and records statements. */
export interface NotaryParts {
  readonly identity: IdentityKeeper;
  readonly timestamps: TimestampAuthority;
  readonly ledger: Ledger;
  /** SHA-256 key id of the log (32 bytes), stated in every bundle. */
  readonly logKeyId: Uint8Array;
  readonly clock: Clock;
}

/** Everything a gate is made of. Only `runtime/` puts one together. */
export interface GateParts extends NotaryParts {
  readonly authenticator: Authenticator;
  readonly policy: Policy;
  readonly directory: ToolDirectory;
  readonly mode: 'same-user' | 'isolated';
  /** This process, as the ledger's permits and sessions name it. */
  readonly instance: string;
  /** Throws when this instance was fenced: another has settled its permits. */
  assertAlive(): void;
}
