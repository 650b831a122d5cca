import { CountersignError } from '../../errors.ts';

/** Whom a token speaks of; `EVENT` is a security event, which speaks of what happened to one of them. */
export type TokenHolder = 'HUMAN' | 'AGENT' | 'DEVICE' | 'EVENT';

/**
 * What can be wrong with a token, whoever it speaks of.
 *
 * - `MALFORMED`: no compact JWS of at most 16 KiB whose parts have one reading.
 * - `HEADER_REFUSED`: a header member that would bring its own key, or change how the rest is read.
 * - `TYPE_REFUSED`, `ALGORITHM_REFUSED`, `AUDIENCE_REFUSED`: not one that its issuer is configured for.
 * - `ISSUER_UNKNOWN`: no configured issuer has exactly this name.
 * - `KEY_UNKNOWN`: the issuer publishes no such key. `KEYS_UNAVAILABLE`: its keys cannot be had.
 * - `CLAIMS_INVALID`: a claim that is needed is missing, has another type, or allows too long a life.
 * - `UNBOUND`: the token is bound to a key (`cnf`) and came without its proof.
 * - `PROOF_INVALID`: the proof of that key's possession does not hold, or is of another key. `PROOF_REPLAYED`: it was used before.
 * - `SUBJECT_REFUSED`: it is genuine, and speaks of something else: of a program as if it were a person.
 */
export type TokenFault =
  | 'MALFORMED'
  | 'HEADER_REFUSED'
  | 'TYPE_REFUSED'
  | 'ALGORITHM_REFUSED'
  | 'ISSUER_UNKNOWN'
  | 'KEY_UNKNOWN'
  | 'KEYS_UNAVAILABLE'
  | 'SIGNATURE_INVALID'
  | 'CLAIMS_INVALID'
  | 'AUDIENCE_REFUSED'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'UNBOUND'
  | 'SUBJECT_REFUSED'
  | 'PROOF_INVALID'
  | 'PROOF_REPLAYED';

/** The error for a fault; `what` goes on from “The human’s token …”, and repeats nothing of the token. */
export type RefuseToken = (fault: TokenFault, what: string) => CountersignError;

export function tokenRefusals(holder: TokenHolder): RefuseToken {
  const whose = `The ${holder.toLowerCase()}’s token`;
  return (fault, what) => new CountersignError(`${holder}_TOKEN_${fault}`, `${whose} ${what}.`);
}
