import type { Delegated, ReportResult } from '../gate/gate.ts';
import type { CallOptions } from './gate-client.ts';

/** How a gate is reached. Both resolve whatever happens; what did not reach it is a denial or a refusal. */
export interface Transport {
  /** `request` is the JSON text that the verdict commits to. */
  decide(request: Uint8Array, options: CallOptions): Promise<Answered>;
  report(callId: string, report: Uint8Array, options: CallOptions): Promise<ReportResult | Refused>;
}

export type Answered = Delegated & {
  /** The call that the gate says it answers; absent when nothing was decided. */
  readonly callId?: string;
};

export interface Refused {
  readonly kind: 'refused';
  readonly denial: Extract<Delegated, { kind: 'denied' }>['denial'];
}
