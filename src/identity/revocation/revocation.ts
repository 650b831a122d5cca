import type { RevocationCode } from '../../call/revocation-code.ts';
import type { Principal, Refusal } from '../principal.ts';

/** What can be taken back. `everything` stops every call: it has no id. */
export const revocationKinds = ['key', 'agent', 'human', 'session', 'device', 'tool', 'everything'] as const;
export type RevocationKind = (typeof revocationKinds)[number];

/** One thing that was taken back, until that is lifted. */
export interface Revocation {
  readonly kind: RevocationKind;
  /**
   * `key`: its id. `agent`: its SPIFFE ID. `human`: the subject. `session`: `sid` at the issuer. `device`: its id. `tool`: a pattern
   * `SERVER/TOOL` as in policy. `everything`: empty.
   */
  readonly id: string;
  /** Of a human or a session: only the one of this issuer. */
  readonly issuer?: string;
  /**
   * RFC 3339, of a human or a session: only what began before that; what the same person logs in to later counts again. When that
   * person logged in is `authTime`, else `issuedAt`; where neither is known, it was before.
   */
  readonly before?: string;
}

/** Everything that is taken back, at one moment. */
export interface RevocationState {
  /** Changes with every change of it; null before the first. */
  readonly epoch: string | null;
  readonly revoked: readonly Revocation[];
}

/** A tool as policy calls it. */
export interface NamedTool {
  readonly server: string;
  readonly name: string;
}

/** A refusal because of what was taken back. */
export interface RevocationRefusal extends Refusal {
  readonly code: RevocationCode;
}

/** Why a principal may do nothing, or not call this tool; undefined when nothing that concerns it was taken back. Pure. */
export type RevokedBy = (
  state: RevocationState,
  principal: Principal,
  tool?: NamedTool,
) => RevocationRefusal | undefined;
