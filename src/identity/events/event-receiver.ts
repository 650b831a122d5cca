import type { SecurityEvent, SecurityEventVerifier } from './security-event.ts';

/**
 * Makes durable what an event says. Resolves once every call is decided by it; rejects, for instance with a `LEDGER_…` code, when it
 * could not: then the transmitter sends it again, so that what was done of it already must be no harm to do twice.
 */
export type ApplySecurityEvent = (event: SecurityEvent) => Promise<void>;

/** What has come of an event: it was carried out, it changes nothing here, nobody here knows its type, or it was carried out before. */
export type ReceivedEvent = 'applied' | 'ignored' | 'unknown' | 'repeated';

export interface SecurityEventReceiver {
  /** Rejects with an `EVENT_TOKEN_…` code, and with those of `ApplySecurityEvent`. `now` is wall milliseconds. */
  receive(token: string, authorization: string | undefined, now: number): Promise<ReceivedEvent>;
}

export interface SecurityEventReceiverOptions {
  readonly verifier: SecurityEventVerifier;
  readonly apply: ApplySecurityEvent;
}

/** Names that are remembered of each transmitter. What is older than a day is refused by its age. */
const maxRemembered = 4_096;

/** Takes each event once (RFC 8417 §2.2: `jti`). One that failed may come again under its name. */
export function createSecurityEventReceiver({
  verifier,
  apply,
}: SecurityEventReceiverOptions): SecurityEventReceiver {
  const taken = new Map<string, Map<string, Promise<void>>>();
  return {
    async receive(token, authorization, now) {
      const event = await verifier.verify(token, authorization, now);
      const names = taken.get(event.transmitter) ?? new Map<string, Promise<void>>();
      taken.set(event.transmitter, names);
      const before = names.get(event.jti);
      if (before !== undefined) {
        await before;
        return 'repeated';
      }
      if (event.facts.length === 0) return event.unknown > 0 ? 'unknown' : 'ignored';
      const applying = apply(event);
      const [oldest] = names.keys();
      if (names.size >= maxRemembered && oldest !== undefined) names.delete(oldest);
      names.set(event.jti, applying);
      try {
        await applying;
      } catch (error) {
        names.delete(event.jti);
        throw error;
      }
      return 'applied';
    },
  };
}
