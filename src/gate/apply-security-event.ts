import { canonicalJson } from '../call/canonical-json.ts';
import type { JsonObject } from '../call/json.ts';
import { hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import type { ApplySecurityEvent } from '../identity/events/event-receiver.ts';
import type { EventFact } from '../identity/events/event-types.ts';
import type { Revocation } from '../identity/revocation/revocation.ts';
import type { SecurityEvent } from '../identity/events/security-event.ts';
import {
  encodeRevocation,
  parseRevocation,
  revokedPrefix,
  type RecordedRevocation,
} from './revocation-heads.ts';
import { changing, maxRevocations, type RevokeParts } from './revoke.ts';

export interface SecurityEventParts extends RevokeParts {
  /**
   * Milliseconds for which a session's end is kept: as long as a token can live that was issued before it. Its issuer gives out no
   * other in it.
   */
  readonly keptMs: number;
}

/** Revocations that have outlived their purpose and are dropped with one event, at most. */
const maxDropped = 64;

/**
 * Takes back, or gives back, what an event says: one signed change, in force at once. What each transmitter has taken back stands
 * apart from what others and the operator have, so that it gives back its own alone; and nothing that happened later.
 */
export function securityEventApplier(parts: SecurityEventParts): ApplySecurityEvent {
  return async (event) => {
    await changing(parts, async (epoch) => {
      const before = await parts.ledger.headsUnder(revokedPrefix);
      const after = new Map(before);
      const now = parts.now();
      const changed = event.facts.filter((fact) => applyFact(after, event, fact, now));
      if (changed.length === 0) return { done: undefined };
      const dropped = dropOutlived(after, now - parts.keptMs);
      if (after.size > maxRevocations && after.size > before.size) throw full();
      const keys = [...new Set([...before.keys(), ...after.keys()])];
      const moved = keys.filter((key) => before.get(key) !== after.get(key));
      return {
        done: undefined,
        change: {
          change: statedEvent(event, changed, dropped),
          expects: [epoch.expected, ...moved.map((key) => ({ key, value: before.get(key) ?? null }))],
          sets: [epoch.next, ...moved.map((key) => ({ key, value: after.get(key) ?? null }))],
        },
      };
    });
  };
}

/** False when it changes nothing: as much was taken back already, or there is nothing of an earlier time to give back. */
function applyFact(
  heads: Map<string, string>,
  { transmitter, jti }: SecurityEvent,
  { act, revocation, at }: EventFact,
  now: number,
): boolean {
  const key = keyOf(transmitter, revocation);
  const head = heads.get(key);
  const former = head === undefined ? undefined : parseRevocation(head);
  const happenedBefore = former?.event === undefined ? -Infinity : Date.parse(former.event.at);
  if (act === 'lift') return former !== undefined && happenedBefore <= at && heads.delete(key);
  if (former !== undefined && at <= happenedBefore) return false;
  const recorded: RecordedRevocation = {
    ...revocation,
    revokedAt: new Date(now).toISOString(),
    by: 'security-event',
    event: { transmitter, jti, at: new Date(at).toISOString() },
  };
  heads.set(key, encodeRevocation(recorded));
  return true;
}

/** That somebody may do nothing and that they have to log in again are two things: giving back the first leaves the second. */
function keyOf(transmitter: string, { kind, id, issuer, before }: Revocation): string {
  const name = [id, issuer ?? null, transmitter, before === undefined ? 'whole' : 'earlier'];
  return `${revokedPrefix}${kind}/${hex(sha256(utf8(canonicalJson(name))))}`;
}

/** Drops ends of sessions that events told of before `time`. How many. */
function dropOutlived(heads: Map<string, string>, time: number): number {
  let dropped = 0;
  for (const [key, head] of heads) {
    if (dropped === maxDropped) break;
    const { by, kind, before, revokedAt } = parseRevocation(head);
    const isEnd = by === 'security-event' && (kind === 'session' || before !== undefined);
    if (isEnd && Date.parse(revokedAt) < time && heads.delete(key)) dropped += 1;
  }
  return dropped;
}

/** Which event it was, and what came of it: nothing else that the token says. */
function statedEvent(
  { transmitter, jti }: SecurityEvent,
  facts: readonly EventFact[],
  dropped: number,
): JsonObject & { readonly kind: string } {
  const told = (wanted: EventFact['act']): JsonObject[] =>
    facts.filter(({ act }) => act === wanted).map(({ revocation, event }) => ({ ...revocation, event }));
  return {
    kind: 'security-event',
    by: 'security-event',
    transmitter,
    jti,
    revoked: told('revoke'),
    lifted: told('lift'),
    ...(dropped > 0 && { dropped }),
  };
}

function full(): CountersignError {
  return new CountersignError(
    'TOO_LARGE',
    `There are ${maxRevocations} revocations: lift what is not needed any more.`,
  );
}
