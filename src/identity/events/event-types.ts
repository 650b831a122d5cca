import { isJsonObject, type JsonObject } from '../../call/json.ts';
import { readEventSubject, type EventSubject, type NamedSubject } from './event-subject.ts';
import type { Revocation } from '../revocation/revocation.ts';
import type { RefuseToken } from '../tokens/token-fault.ts';

/** What follows from an event for those who call. */
export interface EventFact {
  readonly act: 'revoke' | 'lift';
  /** Of a lift: the same thing, as it was taken back by an event of the same transmitter. Nothing else is lifted by it. */
  readonly revocation: Revocation;
  /** When that was so at the transmitter: wall milliseconds. */
  readonly at: number;
  /** The type of the event, without what all types of its profile begin with. */
  readonly event: string;
}

/** Of whom a transmitter may speak. */
export interface EventReach {
  /** Issuers whose people and sessions it may speak of. */
  readonly subjects: readonly string[];
  readonly devices: boolean;
}

/** What one event is read with. */
interface Event extends EventReach {
  readonly payload: JsonObject;
  readonly subject: () => EventSubject;
  /** RFC 3339 of when it happened. */
  readonly before: string;
  readonly transmitter: string;
  readonly refuse: RefuseToken;
}

type Outcome = Pick<EventFact, 'act' | 'revocation'>;
type ReadEvent = (event: Event) => readonly Outcome[];

const profiles = 'https://schemas.openid.net/secevent/';
const caep = `${profiles}caep/event-type/`;
const risc = `${profiles}risc/event-type/`;
const ssf = `${profiles}ssf/event-type/`;

/** It is known, and changes nothing for those who call. */
const nothing: ReadEvent = () => [];

/** OpenID CAEP 1.0 §3, RISC 1.0 §2, SSF 1.0 §8.1. */
const types: Readonly<Record<string, ReadEvent>> = {
  [`${caep}session-revoked`]: sessionRevoked,
  [`${caep}token-claims-change`]: loggedOut,
  [`${caep}credential-change`]: credentialChange,
  [`${caep}device-compliance-change`]: deviceComplianceChange,
  [`${caep}assurance-level-change`]: nothing,
  [`${caep}risk-level-change`]: nothing,
  [`${caep}session-established`]: nothing,
  [`${caep}session-presented`]: nothing,
  [`${risc}account-credential-change-required`]: loggedOut,
  [`${risc}account-disabled`]: (event) => [{ act: 'revoke', revocation: person(event) }],
  [`${risc}account-purged`]: (event) => [{ act: 'revoke', revocation: person(event) }],
  [`${risc}account-enabled`]: accountEnabled,
  [`${risc}credential-compromise`]: loggedOut,
  [`${risc}sessions-revoked`]: loggedOut,
  [`${risc}identifier-changed`]: nothing,
  [`${risc}identifier-recycled`]: nothing,
  [`${risc}opt-in`]: nothing,
  [`${risc}opt-out-initiated`]: nothing,
  [`${risc}opt-out-cancelled`]: nothing,
  [`${risc}opt-out-effective`]: nothing,
  [`${risc}recovery-activated`]: nothing,
  [`${risc}recovery-information-changed`]: nothing,
  [`${ssf}verification`]: nothing,
  [`${ssf}stream-updated`]: nothing,
};

export interface EventContext extends EventReach {
  readonly transmitter: string;
  /** Claim `sub_id`; looked at when an event needs it. */
  readonly subject: JsonObject[string] | undefined;
  /** When it happened, unless the event says so itself: seconds. */
  readonly happenedAt: number;
  /** A time in an event: seconds that are not in the future. */
  readonly secondsOf: (payload: JsonObject, name: string) => number;
  readonly refuse: RefuseToken;
}

/** What one member of `events` comes to; undefined for a type that nobody here knows. */
export function readEvent(
  type: string,
  payload: JsonObject[string] | undefined,
  { subject, happenedAt, secondsOf, ...context }: EventContext,
): readonly EventFact[] | undefined {
  if (!isJsonObject(payload)) throw context.refuse('CLAIMS_INVALID', 'has an event that is no JSON object');
  const read = Object.hasOwn(types, type) ? types[type] : undefined;
  if (read === undefined) return undefined;
  const seconds =
    payload['event_timestamp'] === undefined ? happenedAt : secondsOf(payload, 'event_timestamp');
  const at = seconds * 1_000;
  const outcomes = read({
    ...context,
    payload,
    subject: () => readEventSubject(subject, context.refuse),
    before: new Date(at).toISOString(),
  });
  return outcomes.map((outcome) => ({ ...outcome, at, event: type.slice(profiles.length) }));
}

/**
 * A session, where one is named; else everything that the person has begun before. An id alone can be either (the examples of CAEP
 * §3.1.2 have a session's), so both are taken back: one of them is nobody's.
 */
function sessionRevoked(event: Event): readonly Outcome[] {
  const subject = event.subject();
  if (subject.kind === 'simple')
    return subject.named.issuer === undefined
      ? [revokeSession(event, subject.named), ...loggedOut(event)]
      : loggedOut(event);
  return subject.session ? [revokeSession(event, subject.session)] : loggedOut(event);
}

function credentialChange(event: Event): readonly Outcome[] {
  switch (event.payload['change_type']) {
    case 'revoke':
    case 'delete':
      return loggedOut(event);
    case 'create':
    case 'update':
      return [];
    default:
      throw event.refuse('CLAIMS_INVALID', 'does not say what became of a credential');
  }
}

function deviceComplianceChange({
  payload,
  subject: read,
  devices,
  refuse,
  ...event
}: Event): readonly Outcome[] {
  const { current_status: status } = payload;
  if (status !== 'compliant' && status !== 'not-compliant')
    throw refuse('CLAIMS_INVALID', 'does not say what became of a device');
  if (!devices) throw refuse('SUBJECT_REFUSED', 'speaks of a device, and its transmitter may not');
  const subject = read();
  const named = subject.kind === 'simple' ? subject.named : subject.device;
  if (named === undefined) throw refuse('CLAIMS_INVALID', 'names no device');
  const { issuer = event.transmitter, id } = named;
  if (issuer !== event.transmitter && !event.subjects.includes(issuer)) throw foreign(refuse);
  // Good news for one person’s use of it is none for everybody's.
  const isWhole = subject.kind === 'simple' || (!subject.user && !subject.session && !subject.isNarrower);
  if (status === 'compliant') return isWhole ? [{ act: 'lift', revocation: { kind: 'device', id } }] : [];
  return [{ act: 'revoke', revocation: { kind: 'device', id } }];
}

/** Only where the whole account is meant: what was taken back is not given back for more than was said. */
function accountEnabled(event: Event): readonly Outcome[] {
  const subject = event.subject();
  const isWhole = subject.kind === 'simple' || (!subject.session && !subject.device && !subject.isNarrower);
  return isWhole ? [{ act: 'lift', revocation: person(event) }] : [];
}

/** Whatever that person began before counts no more: they have to log in again. */
function loggedOut(event: Event): readonly Outcome[] {
  return [{ act: 'revoke', revocation: { ...person(event), before: event.before } }];
}

function person(event: Event): Revocation {
  const subject = event.subject();
  const named = subject.kind === 'simple' ? subject.named : subject.user;
  if (named === undefined) throw event.refuse('CLAIMS_INVALID', 'names no person');
  return { kind: 'human', id: named.id, issuer: issuerOf(named, event) };
}

function revokeSession(event: Event, named: NamedSubject): Outcome {
  return {
    act: 'revoke',
    revocation: { kind: 'session', id: named.id, issuer: issuerOf(named, event) },
  };
}

/** Whose it is; an id alone is the transmitter's own, or of the one issuer that it speaks for. */
function issuerOf({ issuer }: NamedSubject, { subjects, transmitter, refuse }: Event): string {
  const [only, ...others] = subjects;
  const own = subjects.includes(transmitter) || others.length > 0 ? transmitter : (only ?? transmitter);
  const named = issuer ?? own;
  if (!subjects.includes(named)) throw foreign(refuse);
  return named;
}

function foreign(refuse: RefuseToken): Error {
  return refuse('SUBJECT_REFUSED', 'speaks of somebody of whom its transmitter may not');
}
