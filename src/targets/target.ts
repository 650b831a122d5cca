import type { Json } from '../call/json.ts';
import type { Permit } from '../call/permit.ts';
import type { RevocationCode } from '../call/revocation-code.ts';

/** What a target reports once it has an answer. Byte arrays are the exact bytes on the wire. */
export type Execution =
  | {
      readonly kind: 'result';
      /** The result value's exact bytes. */
      readonly result: Uint8Array;
      /** The same, parsed once by the target. */
      readonly value: Json;
      /** The whole answer, for the gateway to put into the wire's shape. */
      readonly frame: Uint8Array;
      /** True while the tool goes on after this answer (an MCP task): its outcome is settled later. */
      readonly pending: boolean;
    }
  | {
      /** The target answered that it did not do it (a JSON-RPC error). */
      readonly kind: 'error';
      readonly error: Uint8Array;
      readonly value: Json;
      readonly frame: Uint8Array;
    }
  | {
      /** No answer: the target went away, or its answer was not usable; `executed` where it is withheld. */
      readonly kind: 'none';
      readonly outcome: 'executed' | 'failed' | 'aborted' | 'unknown';
      readonly code:
        | 'UPSTREAM_GONE'
        | 'UPSTREAM_INVALID'
        | 'CALLER_CANCELLED'
        | 'LEASE_ENDED'
        | 'PERMIT_EXPIRED'
        | 'WITNESS_UNAVAILABLE'
        | 'LOG_FORKED'
        | 'GATE_DIED'
        | 'OUTCOME_UNREPORTED'
        | 'UPSTREAM_TOKEN_REFUSED'
        | 'RESULT_TOO_LARGE'
        | RevocationCode;
      readonly message: string;
    };

/** What executes. It takes only a permit, redeems it, and dispatches exactly `permit.call.payload`. Never throws. */
export interface Target {
  execute(permit: Permit, signal: AbortSignal): Promise<Execution>;
}
