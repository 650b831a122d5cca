import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { sha256, utf8 } from '../../call/sha256.ts';
import { readClaims, readCompactJws } from '../tokens/compact-jws.ts';
import { readEvent, type EventFact, type EventReach } from './event-types.ts';
import type { TokenAlgorithm } from '../tokens/jwk.ts';
import type { KeySet } from '../tokens/key-set.ts';
import { assertWithin, audiencesOf, secondsIn } from '../tokens/token-claims.ts';
import { tokenRefusals } from '../tokens/token-fault.ts';
import { verifySignature } from '../tokens/token-verifier.ts';

/** Who sends security events, and of whom. */
export interface EventTransmitter extends EventReach {
  /** `iss`, compared character by character. */
  readonly issuer: string;
  readonly algorithms: readonly TokenAlgorithm[];
  readonly keys: KeySet;
  /** What it calls this gateway. */
  readonly audiences: readonly string[];
  /** The whole header `Authorization` that it sends (RFC 8936 §4); absent where its signature is all that counts. */
  readonly authorization?: string;
}

/** What a genuine security event says. */
export interface SecurityEvent {
  readonly transmitter: string;
  readonly jti: string;
  readonly facts: readonly EventFact[];
  /** How many of its events have a type that nobody here knows. */
  readonly unknown: number;
}

export interface SecurityEventVerifier {
  /**
   * Verifies a security event token (RFC 8417), with the header `Authorization` of its request. Rejects with an `EVENT_TOKEN_…`
   * code. `now` is wall milliseconds.
   */
  verify(token: string, authorization: string | undefined, now: number): Promise<SecurityEvent>;
}

/** RFC 8417 §2.3. An access token, an ID token or a logout token is none, whoever has signed it. */
const types = ['secevent+jwt'];

/** What happened longer ago is no news: a transmitter tries again for hours, not days. */
const maxAgeMs = 86_400_000;
const maxEvents = 16;
const maxIdLength = 256;

const refuse = tokenRefusals('EVENT');

export function createSecurityEventVerifier(
  transmitters: readonly EventTransmitter[],
): SecurityEventVerifier {
  const byName = new Map(transmitters.map((each) => [each.issuer, each]));
  return {
    async verify(token, authorization, now) {
      const unverified = readCompactJws(token, refuse);
      const claims = readClaims(unverified, refuse);
      const transmitter = byName.get(typeof claims['iss'] === 'string' ? claims['iss'] : '');
      if (transmitter === undefined)
        throw refuse('ISSUER_UNKNOWN', 'is of a transmitter that is not configured');
      if (transmitter.authorization !== undefined && !isSecret(authorization, transmitter.authorization))
        throw refuse('PROOF_INVALID', 'came without what its transmitter was told to send with it');
      await verifySignature(token, unverified, { ...transmitter, types }, refuse, now);
      return readSecurityEvent(claims, transmitter, now);
    },
  };
}

/** What the claims of a token say whose signature holds. Pure. */
export function readSecurityEvent(
  claims: JsonObject,
  transmitter: Pick<EventTransmitter, 'issuer' | 'audiences' | 'subjects' | 'devices'>,
  now: number,
): SecurityEvent {
  const { jti, sub, aud, sub_id: subject } = claims;
  if (typeof jti !== 'string' || jti === '' || jti.length > maxIdLength)
    throw refuse('CLAIMS_INVALID', 'has no text for its name in “jti”');
  // SSF 1.0 §4.1.2: with `sub` it could pass for another kind of token somewhere.
  if (sub !== undefined) throw refuse('CLAIMS_INVALID', 'names its subject in “sub”, not in “sub_id”');
  if (!audiencesOf(aud, refuse).some((audience) => transmitter.audiences.includes(audience)))
    throw refuse('AUDIENCE_REFUSED', 'is for somebody else');
  const issuedAt = assertTimely(claims, now);

  const events = eventsOf(claims['events']);
  const context = {
    ...transmitter,
    transmitter: transmitter.issuer,
    subject,
    happenedAt: claims['toe'] === undefined ? issuedAt : pastSeconds(now)(claims, 'toe'),
    secondsOf: pastSeconds(now),
    refuse,
  };
  const read = events.map(([type, payload]) => readEvent(type, payload, context));
  return {
    transmitter: transmitter.issuer,
    jti,
    facts: distinct(read.flatMap((facts) => facts ?? [])),
    unknown: read.filter((facts) => facts === undefined).length,
  };
}

/** It was issued within the last day, and has not ended if it says that it ends. When it was issued: seconds. */
function assertTimely(claims: JsonObject, now: number): number {
  const issuedAt = secondsIn(claims, 'iat', refuse);
  const startsAt = claims['nbf'] === undefined ? issuedAt : secondsIn(claims, 'nbf', refuse);
  const endsAt = claims['exp'] === undefined ? Infinity : secondsIn(claims, 'exp', refuse);
  assertWithin(
    {
      startsAt: Math.max(issuedAt, startsAt) * 1_000,
      expiresAt: Math.min(issuedAt * 1_000 + maxAgeMs, endsAt * 1_000),
    },
    now,
    refuse,
  );
  return issuedAt;
}

/** A time at which something happened: one in the future would end sessions that have not begun. */
function pastSeconds(now: number) {
  return (claims: JsonObject, name: string): number => {
    const seconds = secondsIn(claims, name, refuse);
    assertWithin({ startsAt: seconds * 1_000, expiresAt: Infinity }, now, refuse);
    return seconds;
  };
}

function eventsOf(claim: Json | undefined): readonly (readonly [string, Json | undefined])[] {
  const events = isJsonObject(claim) ? Object.entries(claim) : [];
  if (events.length === 0 || events.length > maxEvents)
    throw refuse('CLAIMS_INVALID', 'is made of no events, or of too many');
  return events;
}

function distinct(facts: readonly EventFact[]): readonly EventFact[] {
  const nameOf = ({ act, revocation }: EventFact): string => JSON.stringify([act, revocation]);
  return [...new Map(facts.map((fact) => [nameOf(fact), fact])).values()];
}

/** Compared by their digests, every byte of them: how long it takes tells nothing of the secret. */
function isSecret(given: string | undefined, secret: string): boolean {
  const [one, other] = [sha256(utf8(given ?? '')), sha256(utf8(secret))];
  return one.reduce((difference, byte, at) => difference | (byte ^ (other[at] ?? 0)), 0) === 0;
}
