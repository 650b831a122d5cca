import type { Json, JsonObject } from '../../call/json.ts';
import type { RefuseToken } from './token-fault.ts';

/** From when until when a token counts: wall milliseconds. */
export interface TokenSpan {
  readonly startsAt: number;
  readonly expiresAt: number;
}

export interface ClaimRules {
  /** The token must be for one of these. */
  readonly audiences: readonly string[];
  readonly maxLifetimeMs: number;
  /** Of an issuer that need not say since when its tokens count (JWT-SVID §3): their life is then what is left of it. */
  readonly mayOmitIssuedAt?: boolean;
}

/** How far an issuer's clock may be ahead of ours. The end is exact: a token that our clock calls expired is. */
const skewMs = 30_000;

/** The last second that RFC 3339 can write. */
const lastSecond = 253_402_300_799;

/**
 * Checks the claims that every token needs, whoever issued it (RFC 7519 §4.1, RFC 8725 §3). Whether its time has come is
 * `assertWithin`'s to say; `now` only bounds the life of a token that does not say when it began.
 */
export function checkClaims(
  claims: JsonObject,
  rules: ClaimRules,
  refuse: RefuseToken,
  now: number,
): TokenSpan {
  if (typeof claims['sub'] !== 'string' || claims['sub'] === '')
    throw refuse('CLAIMS_INVALID', 'names no subject in “sub”');
  const expires = secondsIn(claims, 'exp', refuse);
  const isUndated = claims['iat'] === undefined && rules.mayOmitIssuedAt === true;
  const issued = isUndated ? 0 : secondsIn(claims, 'iat', refuse);
  const notBefore = claims['nbf'] === undefined ? issued : secondsIn(claims, 'nbf', refuse);
  const lifeMs = expires * 1_000 - (isUndated ? now : issued * 1_000);
  if (expires <= issued || lifeMs > rules.maxLifetimeMs)
    throw refuse('CLAIMS_INVALID', 'lives longer than its issuer is configured for, or not at all');
  if (!audiencesOf(claims['aud'], refuse).some((audience) => rules.audiences.includes(audience)))
    throw refuse('AUDIENCE_REFUSED', 'is for somebody else');
  return { startsAt: Math.max(issued, notBefore) * 1_000, expiresAt: expires * 1_000 };
}

/** Throws unless the token counts at `now`. Asked on every call, of a token that was verified before as well. */
export function assertWithin({ startsAt, expiresAt }: TokenSpan, now: number, refuse: RefuseToken): void {
  if (!(now < expiresAt)) throw refuse('EXPIRED', 'has expired');
  if (!(startsAt <= now + skewMs)) throw refuse('NOT_YET_VALID', 'does not count yet');
}

/** A time as whole seconds since 1970; `1e400` and `"1"` are none. */
export function isSeconds(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= lastSecond;
}

export function secondsIn(claims: JsonObject, name: string, refuse: RefuseToken): number {
  const value = claims[name];
  if (!isSeconds(value)) throw refuse('CLAIMS_INVALID', `has no whole seconds in “${name}”`);
  return value;
}

export function audiencesOf(claim: Json | undefined, refuse: RefuseToken): readonly string[] {
  const audiences = Array.isArray(claim) ? claim : [claim];
  if (!audiences.every((audience) => typeof audience === 'string'))
    throw refuse('CLAIMS_INVALID', 'does not say in “aud” whom it is for');
  return audiences;
}
