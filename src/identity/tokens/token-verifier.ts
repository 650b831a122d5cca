import { compactVerify } from 'jose';
import { base64 } from '../../call/bytes.ts';
import type { JsonObject } from '../../call/json.ts';
import { sha256, utf8 } from '../../call/sha256.ts';
import { trustDomainOf } from '../agent-id.ts';
import { readClaims, readCompactJws, type UnverifiedToken } from './compact-jws.ts';
import { proveConfirmation, readConfirmation, type Possession } from '../possession/confirmation.ts';
import type { TokenAlgorithm } from './jwk.ts';
import type { KeySet } from './key-set.ts';
import type { Confirmation, ProofVerifier } from '../possession/possession.ts';
import type { Binding } from '../principal.ts';
import { assertWithin, checkClaims, type ClaimRules, type TokenSpan } from './token-claims.ts';
import { tokenRefusals, type RefuseToken, type TokenHolder } from './token-fault.ts';
import { isTokenType } from './token-types.ts';

/** Who issues tokens, and what theirs are like. `T` is what a verified one says. */
export interface TokenIssuer<T> extends ClaimRules {
  /** `iss`, compared character by character. */
  readonly issuer: string;
  /** Of an issuer of JWT-SVIDs, which name none (JWT-SVID §3): it is known by the trust domain of `sub`, and not by `iss`. */
  readonly trustDomain?: string;
  readonly algorithms: readonly TokenAlgorithm[];
  /** Values of `typ` as `UnverifiedToken` has them: a token for another purpose is refused. */
  readonly types: readonly string[];
  readonly keys: KeySet;
  /** What the claims of a genuine token say; throws what `refuse` makes of claims that do not. */
  readonly read: (claims: JsonObject, refuse: RefuseToken) => T;
}

export interface VerifiedToken<T> extends TokenSpan {
  readonly value: T;
  /** How it was proven to be in the hands that it was made for. */
  readonly binding: Binding;
}

export interface TokenVerifier<T> {
  /**
   * Verifies a compact JWS; rejects with a `HUMAN_TOKEN_…`, `AGENT_TOKEN_…` or `DEVICE_TOKEN_…` code. What was verified for a tenant
   * is remembered for a while; whether its time has come, and whether what it is bound to is `shown`, is asked each time. `now` is
   * wall milliseconds.
   */
  verify(token: string, tenant: string, now: number, shown?: Possession): Promise<VerifiedToken<T>>;
}

export interface TokenVerifierOptions<T> {
  readonly holder: TokenHolder;
  readonly issuers: readonly TokenIssuer<T>[];
  /** Of the issuers' configuration: what was verified under another one is not this one's. */
  readonly version: string;
  /** Who checks the proofs of tokens that are bound to a key; without one such tokens are refused. */
  readonly proofs?: ProofVerifier;
}

/** What is remembered of a token. It is bound to nothing that was proven: that is asked each time. */
interface Remembered<T> extends VerifiedToken<T> {
  readonly verifiedAt: number;
  readonly confirmation: Confirmation | undefined;
}

/** As long as a key counts that its issuer took back, see `key-set.ts`, and no longer. */
const rememberedMs = 300_000;
const rememberedTokens = 1_024;

export function createTokenVerifier<T>(options: TokenVerifierOptions<T>): TokenVerifier<T> {
  const { holder, version, proofs } = options;
  const refuse = tokenRefusals(holder);
  const issuers = issuerFinder(options.issuers);
  const remembered = new Map<string, Remembered<T>>();

  const recall = (name: string, now: number): Remembered<T> | undefined => {
    const entry = remembered.get(name);
    if (entry === undefined || Math.abs(now - entry.verifiedAt) < rememberedMs) return entry;
    remembered.delete(name);
    return undefined;
  };
  const remember = (name: string, entry: Remembered<T>): void => {
    const [oldest] = remembered.keys();
    if (remembered.size >= rememberedTokens && oldest !== undefined) remembered.delete(oldest);
    remembered.set(name, entry);
  };

  return {
    async verify(token, tenant, now, shown = {}) {
      // The hash of the whole token: a forged signature under claims that are known must not become their principal.
      const name = JSON.stringify([base64(sha256(utf8(token))), tenant, version]);
      const known = recall(name, now);
      const verified = known ?? (await verifyToken(token, issuers, refuse, now));
      assertWithin(verified, now, refuse);
      if (known === undefined) remember(name, verified);
      const { confirmation } = verified;
      if (confirmation === undefined) return verified;
      return {
        ...verified,
        binding: await proveConfirmation(confirmation, token, shown, proofs, refuse, now),
      };
    },
  };
}

type FindIssuer<T> = (claims: JsonObject) => TokenIssuer<T> | undefined;

/** By its exact name; of JWT-SVIDs by the trust domain, whose keys then have to have signed. */
function issuerFinder<T>(issuers: readonly TokenIssuer<T>[]): FindIssuer<T> {
  const named = new Map<string, TokenIssuer<T>>();
  const trustDomains = new Map<string, TokenIssuer<T>>();
  for (const issuer of issuers) {
    if (issuer.trustDomain === undefined) named.set(issuer.issuer, issuer);
    else trustDomains.set(issuer.trustDomain, issuer);
  }
  return ({ iss, sub }) => {
    const issuer = typeof iss === 'string' ? named.get(iss) : undefined;
    if (issuer !== undefined || trustDomains.size === 0 || typeof sub !== 'string') return issuer;
    return trustDomains.get(trustDomainOf(sub) ?? '');
  };
}

/** In the order of what each step believes: form, issuer, key, signature, and only then what the claims say. */
async function verifyToken<T>(
  token: string,
  find: FindIssuer<T>,
  refuse: RefuseToken,
  now: number,
): Promise<Remembered<T>> {
  const unverified = readCompactJws(token, refuse);
  const claims = readClaims(unverified, refuse);
  const issuer = find(claims);
  if (issuer === undefined) throw refuse('ISSUER_UNKNOWN', 'is of an issuer that is not configured');
  const types = issuer.types.filter(isTokenType);
  await verifySignature(token, unverified, { ...issuer, types }, refuse, now);
  const span = checkClaims(claims, issuer, refuse, now);
  const confirmation = readConfirmation(claims['cnf'], refuse);
  return { ...span, confirmation, value: issuer.read(claims, refuse), binding: 'none', verifiedAt: now };
}

/** Checks header and signature against what the issuer is configured for and publishes. */
export async function verifySignature(
  token: string,
  { algorithm: named, keyId, type }: UnverifiedToken,
  issuer: Pick<TokenIssuer<unknown>, 'algorithms' | 'types' | 'keys'>,
  refuse: RefuseToken,
  now: number,
): Promise<void> {
  const algorithm = issuer.algorithms.find((one) => one === named);
  if (algorithm === undefined)
    throw refuse('ALGORITHM_REFUSED', 'is signed with an algorithm that its issuer is not configured for');
  if (!issuer.types.includes(type))
    throw refuse('TYPE_REFUSED', 'is of a type that its issuer is not configured for');
  const key = await issuer.keys.find({ algorithm, keyId }, now);
  if (key === 'KEY_UNKNOWN') throw refuse(key, 'names a key that its issuer does not publish');
  if (key === 'ALGORITHM_REFUSED') throw refuse(key, 'names a key of another algorithm');
  if (key === 'KEYS_UNAVAILABLE')
    throw refuse(key, 'cannot be checked: the keys of its issuer cannot be had');
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
  } catch {
    throw refuse('SIGNATURE_INVALID', 'has a signature that its issuer did not make');
  }
}
