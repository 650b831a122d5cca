import { compactVerify, type CryptoKey } from 'jose';
import { base64url } from '../../call/bytes.ts';
import { isJsonObject, type Json, type JsonObject } from '../../call/json.ts';
import { sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { normalisedType, readClaims, readJwsHeader, splitJws } from '../tokens/compact-jws.ts';
import { importIssuerKey, issuerKey, type IssuerKey, type TokenAlgorithm } from '../tokens/jwk.ts';
import { thumbprintOf } from '../tokens/jwk-thumbprint.ts';
import type { ProofFault, ProofVerifier } from './possession.ts';
import type { DpopProof } from '../principal.ts';
import { createReplayWindow, type ReplayWindowOptions } from './replay-window.ts';
import { isSeconds } from '../tokens/token-claims.ts';

/** Places for proofs that were used; unless told, 16,384 of one key and 131,072 in all. A proof is remembered for 90 s at most. */
export type ProofVerifierOptions = Partial<ReplayWindowOptions>;

/** How old a proof may be, and how far its maker's clock ahead of ours. */
const maxAgeMs = 60_000;
const maxAheadMs = 30_000;
const maxJti = 256;
const maxJwt = 8_192;
const keptMakers = 1_024;

/** What clients were seen to sign with: P-256, Ed25519 under both of its names, and RSA where the key is in a TPM. */
export const proofAlgorithms: readonly TokenAlgorithm[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];

/** Members of a header that would bring another key than the one in it, or change how the rest is read. */
const refusedMembers = ['jku', 'x5u', 'crit', 'b64', 'enc', 'zip', 'epk'];

/** Whose proofs have this header: every proof that somebody makes with one key has the same. */
interface Maker {
  readonly key: IssuerKey;
  readonly jkt: string;
  /** Imported when a signature is to be checked, once; undefined for a key that cannot be. */
  readonly verifier: () => Promise<CryptoKey | undefined>;
}

/** What a proof says. Nothing of it is verified, but everything fits the request and the token. */
interface Claimed {
  readonly maker: Maker;
  readonly jti: string;
  /** Wall milliseconds. */
  readonly issuedAt: number;
}

type Answer = { readonly jkt: string } | ProofFault;

/** Verifies DPoP proofs (RFC 9449 §4.3): each once, for the request that it came with. */
export function createProofVerifier(options: ProofVerifierOptions = {}): ProofVerifier {
  const used = createReplayWindow({ perOwner: 16_384, all: 131_072, ...options });
  const makers = createMakers();
  const answers = new WeakMap<DpopProof, { readonly token: string; readonly answer: Promise<Answer> }>();

  const verify = async (
    proof: DpopProof,
    token: string,
    now: number,
    boundTo: string | undefined,
  ): Promise<Answer> => {
    const claimed = readProof(proof, token, now, makers);
    if (claimed === undefined) return 'PROOF_INVALID';
    const { maker, jti, issuedAt } = claimed;
    const { jkt } = maker;
    if ((boundTo !== undefined && jkt !== boundTo) || !(await isSigned(proof.jwt, maker)))
      return 'PROOF_INVALID';
    const isFirst = used.take(jkt, base64url(sha256(utf8(jti))), issuedAt + maxAgeMs, now);
    return isFirst ? { jkt } : 'PROOF_REPLAYED';
  };

  return {
    async verify(proof, token, now, boundTo) {
      const known = answers.get(proof);
      const answer = known?.token === token ? known.answer : verify(proof, token, now, boundTo);
      answers.set(proof, { token, answer });
      const found = await answer;
      return typeof found === 'string' || boundTo === undefined || found.jkt === boundTo
        ? found
        : 'PROOF_INVALID';
    },
  };
}

/** Every check that needs no arithmetic; undefined at the first that does not hold. */
function readProof(proof: DpopProof, token: string, now: number, makers: Makers): Claimed | undefined {
  const parts = readParts(proof.jwt);
  const maker = parts && makers.of(parts.header);
  if (parts === undefined || maker === undefined) return undefined;
  const { htm, htu, iat, jti, ath } = parts.claims;
  if (htm !== proof.method || !isSameUrl(htu, proof.url)) return undefined;
  if (ath !== base64url(sha256(utf8(token)))) return undefined;
  if (typeof jti !== 'string' || jti === '' || jti.length > maxJti) return undefined;
  if (!isSeconds(iat) || iat * 1_000 < now - maxAgeMs || iat * 1_000 > now + maxAheadMs) return undefined;
  return { maker, jti, issuedAt: iat * 1_000 };
}

interface Parts {
  /** As it is written. */
  readonly header: string;
  readonly claims: JsonObject;
}

function readParts(jwt: string): Parts | undefined {
  if (jwt.length > maxJwt) return undefined;
  try {
    const { header, payload } = splitJws(jwt, refuse);
    return { header, claims: readClaims({ payload }, refuse) };
  } catch {
    return undefined;
  }
}

function refuse(_: string, what: string): CountersignError {
  return new CountersignError('FRAME_INVALID', `The proof ${what}.`);
}

/** Without query and fragment, and in the one spelling of scheme, host and port (RFC 3986 §6.2.2, §6.2.3). */
function isSameUrl(claimed: Json | undefined, asked: string): boolean {
  const one = typeof claimed === 'string' ? plainUrl(claimed) : undefined;
  return one !== undefined && one === plainUrl(asked);
}

function plainUrl(text: string): string | undefined {
  // The parser would mend what is none: a backslash, a space, a missing slash.
  if (!/^https?:\/\/[^\s\\/?#@]+(?:[/?#][^\s\\]*)?$/i.test(text) || !URL.canParse(text)) return undefined;
  const { origin, pathname } = new URL(text);
  return `${origin}${pathname}`;
}

async function isSigned(jwt: string, maker: Maker): Promise<boolean> {
  const verifier = await maker.verifier();
  if (verifier === undefined) return false;
  try {
    await compactVerify(jwt, verifier, { algorithms: [maker.key.algorithm] });
    return true;
  } catch {
    return false;
  }
}

interface Makers {
  /** Undefined for a header that no proof may have. */
  readonly of: (header: string) => Maker | undefined;
}

/** Makers as they were last seen: reading a header and importing its key cost as much as a signature's check. */
function createMakers(): Makers {
  const kept = new Map<string, Maker>();
  return {
    of(header) {
      const maker = kept.get(header) ?? readMaker(header);
      if (maker === undefined) return undefined;
      kept.delete(header);
      kept.set(header, maker);
      const [oldest] = kept.keys();
      if (kept.size > keptMakers && oldest !== undefined) kept.delete(oldest);
      return maker;
    },
  };
}

function readMaker(text: string): Maker | undefined {
  const header = readHeader(text);
  if (header === undefined) return undefined;
  const { alg, typ, jwk } = header;
  if (typeof typ !== 'string' || normalisedType(typ) !== 'dpop+jwt') return undefined;
  if (!isJsonObject(jwk) || refusedMembers.some((name) => name in header)) return undefined;
  const algorithm = proofAlgorithms.find((one) => one === alg);
  const key = algorithm && issuerKey(jwk, [algorithm]);
  const jkt = key && thumbprintOf(key.jwk);
  if (key === undefined || jkt === undefined) return undefined;
  let imported: ReturnType<Maker['verifier']> | undefined;
  return { key, jkt, verifier: () => (imported ??= importIssuerKey(key).catch(() => undefined)) };
}

function readHeader(text: string): JsonObject | undefined {
  try {
    return readJwsHeader(text, refuse);
  } catch {
    return undefined;
  }
}
