import { compactVerify } from 'jose';
import { base64 } from '../call/bytes.ts';
import type { JsonObject } from '../call/json.ts';
import { sha256, utf8 } from '../call/sha256.ts';
import { readClaims, readCompactJws, type UnverifiedToken } from './compact-jws.ts';
import type { TokenAlgorithm } from './jwk.ts';
import type { KeySet } from './key-set.ts';
import { assertWithin, checkClaims, type ClaimRules, type TokenSpan } from './token-claims.ts';
import { tokenRefusals, type RefuseToken, type TokenHolder } from './token-fault.ts';

/** Who issues tokens, and what theirs are like. `T` is what a verified one says. */
export interface TokenIssuer<T> extends ClaimRules {
  /** `iss`, compared character by character. */
  readonly issuer: string;
  readonly algorithms: readonly TokenAlgorithm[];
  /** Values of `typ` as `UnverifiedToken` has them: a token for another purpose is refused. */
  readonly types: readonly string[];
  readonly keys: KeySet;
  /** What the claims of a genuine token say; throws what `refuse` makes of claims that do not. */
  readonly read: (claims: JsonObject, refuse: RefuseToken) => T;
}

export interface VerifiedToken<T> extends TokenSpan {
  readonly value: T;
}

export interface TokenVerifier<T> {
  /**
   * Verifies a compact JWS; rejects with a `HUMAN_TOKEN_…` or `DEVICE_TOKEN_…` code. What was verified for a tenant is remembered
   * for a while; whether its time has come is asked each time. `now` is wall milliseconds.
   */
  verify(token: string, tenant: string, now: number): Promise<VerifiedToken<T>>;
}

export interface TokenVerifierOptions<T> {
  readonly holder: TokenHolder;
  readonly issuers: readonly TokenIssuer<T>[];
  /** Of the issuers' configuration: what was verified under another one is not this one's. */
  readonly version: string;
}

interface Remembered<T> extends VerifiedToken<T> {
  readonly verifiedAt: number;
}

/** As long as a key counts that its issuer took back, see `key-set.ts`, and no longer. */
const rememberedMs = 300_000;
const rememberedTokens = 1_024;

export function createTokenVerifier<T>(options: TokenVerifierOptions<T>): TokenVerifier<T> {
  const { holder, version } = options;
  const refuse = tokenRefusals(holder);
  const issuers = new Map(options.issuers.map((issuer) => [issuer.issuer, issuer]));
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
    async verify(token, tenant, now) {
      // The hash of the whole token: a forged signature under claims that are known must not become their principal.
      const name = JSON.stringify([base64(sha256(utf8(token))), tenant, version]);
      const known = recall(name, now);
      const verified = known ?? { ...(await verifyToken(token, issuers, refuse, now)), verifiedAt: now };
      assertWithin(verified, now, refuse);
      if (known === undefined) remember(name, verified);
      return verified;
    },
  };
}

/** In the order of what each step believes: form, issuer, key, signature, and only then what the claims say. */
async function verifyToken<T>(
  token: string,
  issuers: ReadonlyMap<string, TokenIssuer<T>>,
  refuse: RefuseToken,
  now: number,
): Promise<VerifiedToken<T>> {
  const unverified = readCompactJws(token, refuse);
  const claims = readClaims(unverified, refuse);
  const issuer = issuers.get(typeof claims['iss'] === 'string' ? claims['iss'] : '');
  if (issuer === undefined) throw refuse('ISSUER_UNKNOWN', 'is of an issuer that is not configured');
  await verifySignature(token, unverified, issuer, refuse, now);
  const span = checkClaims(claims, issuer, refuse);
  return { ...span, value: issuer.read(claims, refuse) };
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
