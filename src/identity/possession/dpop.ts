import { compactVerify, type CryptoKey } from 'jose';
import { base64url } from '../../call/bytes.ts';
import type { Json, JsonObject } from '../../call/json.ts';
import { sha256, utf8 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { normalisedType, readClaims, readJwsParts } from '../tokens/compact-jws.ts';
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
const importedKeys = 1_024;

/** What clients were seen to sign with: P-256, Ed25519 under both of its names, and RSA where the key is in a TPM. */
export const proofAlgorithms: readonly TokenAlgorithm[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256'];

/** Members of a header that would bring another key than the one in it, or change how the rest is read. */
const refusedMembers = ['jku', 'x5u', 'crit', 'b64', 'enc', 'zip', 'epk'];

/** What a proof says. Nothing of it is verified, but everything fits the request and the token. */
interface Claimed {
  readonly key: IssuerKey;
  readonly jkt: string;
  readonly jti: string;
  /** Wall milliseconds. */
  readonly issuedAt: number;
}

type Answer = { readonly jkt: string } | ProofFault;

/** Verifies DPoP proofs (RFC 9449 §4.3): each once, for the request that it came with. */
export function createProofVerifier(options: ProofVerifierOptions = {}): ProofVerifier {
  const used = createReplayWindow({ perOwner: 16_384, all: 131_072, ...options });
  const keys = keyCache();
  const answers = new WeakMap<DpopProof, { readonly token: string; readonly answer: Promise<Answer> }>();

  const verify = async (
    proof: DpopProof,
    token: string,
    now: number,
    boundTo: string | undefined,
  ): Promise<Answer> => {
    const claimed = readProof(proof, token, now);
    if (claimed === undefined || (boundTo !== undefined && claimed.jkt !== boundTo)) return 'PROOF_INVALID';
    if (!(await isSigned(proof.jwt, claimed, keys))) return 'PROOF_INVALID';
    const { jkt, jti, issuedAt } = claimed;
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
function readProof(proof: DpopProof, token: string, now: number): Claimed | undefined {
  const parts = readParts(proof.jwt);
  if (parts === undefined) return undefined;
  const { header, claims } = parts;
  const { alg, typ, jwk } = header;
  if (typeof typ !== 'string' || normalisedType(typ) !== 'dpop+jwt') return undefined;
  if (!isObject(jwk) || refusedMembers.some((name) => name in header)) return undefined;
  const algorithm = proofAlgorithms.find((one) => one === alg);
  const key = algorithm && issuerKey(jwk, [algorithm]);
  const jkt = key && thumbprintOf(key.jwk);
  if (key === undefined || jkt === undefined) return undefined;

  const { htm, htu, iat, jti, ath } = claims;
  if (htm !== proof.method || !isSameUrl(htu, proof.url)) return undefined;
  if (ath !== base64url(sha256(utf8(token)))) return undefined;
  if (typeof jti !== 'string' || jti === '' || jti.length > maxJti) return undefined;
  if (!isSeconds(iat) || iat * 1_000 < now - maxAgeMs || iat * 1_000 > now + maxAheadMs) return undefined;
  return { key, jkt, jti, issuedAt: iat * 1_000 };
}

function readParts(jwt: string): { readonly header: JsonObject; readonly claims: JsonObject } | undefined {
  if (jwt.length > maxJwt) return undefined;
  const refuse = (_: string, what: string): CountersignError =>
    new CountersignError('FRAME_INVALID', `The proof ${what}.`);
  try {
    const { header, payload } = readJwsParts(jwt, refuse);
    return { header, claims: readClaims({ payload }, refuse) };
  } catch {
    return undefined;
  }
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

async function isSigned(jwt: string, { key, jkt }: Claimed, keys: KeyCache): Promise<boolean> {
  try {
    await compactVerify(jwt, await keys.import(jkt, key), { algorithms: [key.algorithm] });
    return true;
  } catch {
    return false;
  }
}

interface KeyCache {
  readonly import: (jkt: string, key: IssuerKey) => Promise<CryptoKey>;
}

/** Keys as they were last asked for: an import costs as much as a signature's check. */
function keyCache(): KeyCache {
  const kept = new Map<string, CryptoKey>();
  return {
    async import(jkt, key) {
      // RSA has two algorithms, and Ed25519 two names of one.
      const name = `${key.algorithm} ${jkt}`;
      const imported = kept.get(name) ?? (await importIssuerKey(key));
      kept.delete(name);
      kept.set(name, imported);
      const [oldest] = kept.keys();
      if (kept.size > importedKeys && oldest !== undefined) kept.delete(oldest);
      return imported;
    },
  };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
