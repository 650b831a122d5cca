import { securityEventApplier } from '../../gate/apply-security-event.ts';
import type { RecordChange } from '../../gate/changes.ts';
import type { SharedGateParts } from '../../gate/parts.ts';
import type { SecurityEventRoutesOptions } from '../../gateway/http/security-event-routes.ts';
import { createSecurityEventReceiver, type ReceivedEvent } from '../../identity/events/event-receiver.ts';
import { createSecurityEventVerifier, type EventTransmitter } from '../../identity/events/security-event.ts';
import { sessionEndsKeptMs } from '../config/declare-events.ts';
import type { IdentityConfig } from '../config/identity-schema.ts';

export interface EventReceiverOptions {
  readonly parts: Pick<SharedGateParts, 'ledger' | 'clock'>;
  readonly recordChange: RecordChange;
  readonly transmitters: readonly EventTransmitter[];
  readonly identity: IdentityConfig | undefined;
  /** Told what has come of each event that was taken; absent where nobody counts. */
  readonly onReceived?: ((came: ReceivedEvent) => void) | undefined;
}

/** What takes security events, and has them in force before it answers; undefined where nobody may send any. */
export function eventReceiver({
  parts: { ledger, clock },
  recordChange,
  transmitters,
  identity,
  onReceived,
}: EventReceiverOptions): SecurityEventRoutesOptions['receive'] | undefined {
  if (transmitters.length === 0) return undefined;
  const { receive } = createSecurityEventReceiver({
    verifier: createSecurityEventVerifier(transmitters),
    apply: securityEventApplier({
      ledger,
      recordChange,
      now: clock.now,
      keptMs: sessionEndsKeptMs(identity),
    }),
  });
  return async (token, authorization) => {
    const came = await receive(token, authorization, clock.now());
    onReceived?.(came);
  };
}
