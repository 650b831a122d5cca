import { isJsonObject, isTexts, type Json, type JsonObject } from '../../call/json.ts';
import { isToolPattern } from '../../call/tool-pattern.ts';
import { trustDomainOf } from '../agent-id.ts';
import { issuerKey, type IssuerKey } from '../tokens/jwk.ts';
import { secondsIn } from '../tokens/token-claims.ts';
import { refuseGrant } from './grant-fault.ts';
import { grantAlgorithms, grantLimits, type Grant, type GrantBudget } from './grant.ts';

/** What the claims of one grant say, each well formed. Nothing of it is verified. */
export interface GrantClaims extends Pick<Grant, 'id' | 'issuer' | 'subject' | 'tools' | 'when'> {
  readonly tenant: string;
  readonly calls?: number;
  readonly budget?: GrantBudget;
  readonly request?: string;
  /** Whose signature hands it on; absent where nobody may. */
  readonly holder?: IssuerKey;
  /** Wall milliseconds. */
  readonly startsAt: number;
  readonly expiresAt: number;
  /** The grant that it was handed on from, a compact JWS. */
  readonly parent?: string;
}

/** Every member may be there to narrow: one that is not known here is refused, and none is left out. */
const members: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'tenant', 'jti', 'iat', 'nbf', 'exp', 'cnf', 'tools', 'when', 'calls', 'budget'],
  ...['request', 'parent'],
]);

const grantId = /^[A-Za-z0-9._~-]{1,128}$/;

/** Claims → grant; throws GRANT_INVALID. */
export function readGrant(claims: JsonObject): GrantClaims {
  for (const name of Object.keys(claims))
    if (!members.has(name)) throw wrong('has a claim that is not known here: it may be there to narrow');
  const { iss, sub, tenant, jti, tools } = claims;
  if (!isText(iss, 256)) throw wrong('does not say in “iss” whose it is');
  if (typeof sub !== 'string' || trustDomainOf(sub) === undefined)
    throw wrong('does not name an agent by its SPIFFE ID in “sub”');
  if (!isText(tenant, 255)) throw wrong('does not say in “tenant” whose agents it is for');
  if (typeof jti !== 'string' || !grantId.test(jti))
    throw wrong('has no “jti” of 1 to 128 letters, digits, dots, dashes, underscores and tildes');
  return {
    id: jti,
    issuer: iss,
    subject: sub,
    tenant,
    tools: readTools(tools),
    ...readNarrowing(claims),
    ...readSpan(claims),
    ...readHanding(claims),
  };
}

function readNarrowing({
  when,
  calls,
  budget,
  request,
}: JsonObject): Pick<GrantClaims, 'when' | 'calls' | 'budget' | 'request'> {
  if (calls !== undefined && !isCount(calls)) throw wrong('has no whole number in “calls”');
  if (request !== undefined && !isText(request, grantLimits.requestLength))
    throw wrong(`has no text of at most ${grantLimits.requestLength} characters in “request”`);
  return {
    when: readWhen(when),
    ...(calls !== undefined && { calls }),
    ...(budget !== undefined && { budget: readBudget(budget) }),
    ...(request !== undefined && { request }),
  };
}

function readTools(tools: Json | undefined): readonly string[] {
  if (!isTexts(tools) || tools.length > grantLimits.patterns || !tools.every(isToolPattern))
    throw wrong('has “tools” that are no list of patterns such as files/read_*, or too many');
  return [...new Set(tools)];
}

function readWhen(when: Json | undefined): readonly string[] {
  const all = typeof when === 'string' ? [when] : when === undefined ? [] : when;
  const { conditions, conditionLength } = grantLimits;
  if (!isTexts(all) || all.length > conditions || !all.every((each) => isText(each, conditionLength)))
    throw wrong('has “when” that is no condition and no list of them, or too much of it');
  return all;
}

function readBudget(budget: Json): GrantBudget {
  if (!isJsonObject(budget) || Object.keys(budget).some((name) => name !== 'limit' && name !== 'amount'))
    throw wrong('has a “budget” that is not {limit, amount}');
  const { limit, amount } = budget;
  if (typeof limit !== 'number' || !Number.isFinite(limit) || limit < 0)
    throw wrong('has a “budget” whose limit is no number of 0 or more');
  if (!isText(amount, grantLimits.conditionLength))
    throw wrong('has a “budget” whose amount is no expression');
  return { limit, amount };
}

function readSpan(claims: JsonObject): Pick<GrantClaims, 'startsAt' | 'expiresAt'> {
  const issued = secondsIn(claims, 'iat', refuseGrant);
  const expires = secondsIn(claims, 'exp', refuseGrant);
  const notBefore = claims['nbf'] === undefined ? issued : secondsIn(claims, 'nbf', refuseGrant);
  if (expires <= issued || (expires - issued) * 1_000 > grantLimits.lifetimeMs)
    throw wrong('lives longer than 31 days, or not at all');
  return { startsAt: Math.max(issued, notBefore) * 1_000, expiresAt: expires * 1_000 };
}

function readHanding({ cnf, parent }: JsonObject): Pick<GrantClaims, 'holder' | 'parent'> {
  if (parent !== undefined && typeof parent !== 'string') throw wrong('has a “parent” that is no text');
  const own = parent === undefined ? {} : { parent };
  if (cnf === undefined) return own;
  const jwk = isJsonObject(cnf) && Object.keys(cnf).length === 1 ? cnf['jwk'] : undefined;
  const holder = isJsonObject(jwk) ? issuerKey(jwk, grantAlgorithms) : undefined;
  if (holder === undefined) throw wrong('has a “cnf” that is not {jwk} with a public key for ES256 or EdDSA');
  return { ...own, holder };
}

function isText(value: Json | undefined, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest;
}

function isCount(value: Json): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function wrong(what: string): Error {
  return refuseGrant('CLAIMS_INVALID', what);
}
