import { canonicalJson } from '../call/canonical-json.ts';
import type { Json, JsonObject } from '../call/json.ts';
import { hex, sha256, utf8 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { revocationKinds, type Revocation } from '../identity/revocation/revocation.ts';

/**
 * Revocations are heads of the ledger. `revocations` is their epoch: another value with every change, and every verdict compares it
 * as it is committed. Each of them is one more, `revoked/KIND/HASH`, whose value is the revocation itself as canonical JSON.
 */
export const epochKey = 'revocations';
export const revokedPrefix = 'revoked/';

/** Who took it back: somebody who can run commands on the home, or an issuer that told of it. */
export type RevokedByWhom = 'operator' | 'security-event';

/** A revocation as it is kept. */
export interface RecordedRevocation extends Revocation {
  /** RFC 3339. */
  readonly revokedAt: string;
  readonly by: RevokedByWhom;
  readonly reason?: string;
  /** Of `security-event`: which one, and when what it told of had happened. */
  readonly event?: RevokingEvent;
}

export interface RevokingEvent {
  readonly transmitter: string;
  readonly jti: string;
  /** RFC 3339. */
  readonly at: string;
}

/** What tells revocations apart: of one subject at one issuer there is one. */
export type Revoked = Pick<Revocation, 'kind' | 'id' | 'issuer'>;

/** Hashed, as an id may be long, and have any character. */
export function revokedKey({ kind, id, issuer }: Revoked): string {
  return `${revokedPrefix}${kind}/${hex(sha256(utf8(canonicalJson([id, issuer ?? null]))))}`;
}

export function encodeRevocation(revocation: RecordedRevocation): string {
  const { event, ...rest } = revocation;
  return canonicalJson({ ...rest, ...(event && { event: { ...event } }) });
}

/** @throws CountersignError `LEDGER_CORRUPT` */
export function parseRevocation(text: string): RecordedRevocation {
  const value = JSON.parse(text) as Json;
  if (!isRevocation(value))
    throw new CountersignError('LEDGER_CORRUPT', 'The ledger holds a revocation that cannot be read.');
  return value;
}

function isRevocation(value: Json): value is JsonObject & RecordedRevocation {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const { kind, id, revokedAt, by, issuer, before, reason, event } = value;
  const isText = (each: unknown): boolean => typeof each === 'string';
  return (
    (revocationKinds as readonly unknown[]).includes(kind) &&
    [id, revokedAt, by].every(isText) &&
    [issuer, before, reason].every((each) => each === undefined || isText(each)) &&
    (event === undefined || isRevokingEvent(event))
  );
}

function isRevokingEvent(value: Json): boolean {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return [value['transmitter'], value['jti'], value['at']].every((each) => typeof each === 'string');
}
