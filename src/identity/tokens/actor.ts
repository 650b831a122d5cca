import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { trustDomainOf } from '../agent-id.ts';
import type { Actor } from '../principal.ts';
import type { RefuseToken } from './token-fault.ts';

/** Levels of `act` within `act`: who hands on further than this does not know any more to whom. */
const maxDepth = 8;
const maxText = 512;

/** The chain of the claim `act` (RFC 8693 §4.1), the current actor first; undefined for a token that has none. */
export function readActors({ act }: JsonObject, refuse: RefuseToken): readonly Actor[] | undefined {
  if (act === undefined) return undefined;
  const chain: Actor[] = [];
  for (let at: Json | undefined = act; at !== undefined; at = at['act']) {
    if (chain.length === maxDepth)
      throw refuse('CLAIMS_INVALID', `was handed on more than ${maxDepth} times`);
    if (!isJsonObject(at)) throw refuse('CLAIMS_INVALID', 'has an actor in “act” that is no object');
    chain.push(readActor(at, refuse));
  }
  return chain;
}

/** Who may become the actor (RFC 8693 §4.4); undefined for a token that does not say. */
export function readMayAct({ may_act: mayAct }: JsonObject, refuse: RefuseToken): Actor | undefined {
  if (mayAct === undefined) return undefined;
  if (!isJsonObject(mayAct)) throw refuse('CLAIMS_INVALID', 'has in “may_act” something else than an object');
  return readActor(mayAct, refuse);
}

/** What an issuer calls agents. */
export interface ActorNames {
  readonly issuer: string;
  /** Its name of an agent → ours, see `agentIdOf`. */
  readonly actors: ReadonlyMap<string, string>;
}

/**
 * Our name of an actor: a SPIFFE ID is the same everywhere; any other subject is its issuer's own, so that one which is said to be of
 * another issuer is nobody that we know.
 */
export function actorName(
  { issuer: named, subject }: Actor,
  { issuer, actors }: ActorNames,
): string | undefined {
  if (trustDomainOf(subject) !== undefined) return subject;
  return named === undefined || named === issuer ? actors.get(subject) : undefined;
}

function readActor({ iss, sub }: JsonObject, refuse: RefuseToken): Actor {
  if (!isText(sub) || (iss !== undefined && !isText(iss)))
    throw refuse('CLAIMS_INVALID', 'names an actor with something else than text');
  return { ...(iss !== undefined && { issuer: iss }), subject: sub };
}

function isText(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxText;
}
