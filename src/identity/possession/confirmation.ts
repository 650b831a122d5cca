import { base64url } from '../../call/bytes.ts';
import type { Json } from '../../call/json.ts';
import { sha256 } from '../../call/sha256.ts';
import { fromBase64url } from '../tokens/compact-jws.ts';
import type { Confirmation, ProofVerifier } from './possession.ts';
import type { Binding, DpopProof } from '../principal.ts';
import type { RefuseToken } from '../tokens/token-fault.ts';

/** What a request shows of the keys that its tokens may be bound to. */
export interface Possession {
  /** DER of the certificate whose key the handshake proved. */
  readonly certificate?: Uint8Array | undefined;
  /** The proof that came with this token. */
  readonly proof?: DpopProof | undefined;
}

/** The members of `cnf` that can be proven here: of RFC 9449 §6.1, and of RFC 8705 §3.1. */
const provable = ['jkt', 'x5t#S256'];

/**
 * The claim `cnf` (RFC 7800 §3.1). What it says in a way that nobody here can prove makes the token unusable: to leave it out would be
 * to take a bound token from whoever has copied it.
 */
export function readConfirmation(cnf: Json | undefined, refuse: RefuseToken): Confirmation | undefined {
  if (cnf === undefined) return undefined;
  if (cnf === null || typeof cnf !== 'object' || Array.isArray(cnf)) throw unprovable(refuse);
  const members = Object.keys(cnf);
  if (members.length === 0 || !members.every((name) => provable.includes(name))) throw unprovable(refuse);
  const { jkt, 'x5t#S256': certificate } = cnf;
  if (!isOptionalDigest(jkt) || !isOptionalDigest(certificate)) throw unprovable(refuse);
  return { ...(jkt !== undefined && { jkt }), ...(certificate !== undefined && { certificate }) };
}

/**
 * Checks that whoever brought a token has what it is bound to, and says how it is bound. A proof that comes with a token that is not
 * bound proves nothing of the token: it stays what whoever has copied it may use.
 */
export async function proveConfirmation(
  { jkt, certificate }: Confirmation,
  token: string,
  shown: Possession,
  proofs: ProofVerifier | undefined,
  refuse: RefuseToken,
  now: number,
): Promise<Binding> {
  if (
    certificate !== undefined &&
    (shown.certificate === undefined || thumbprint(shown.certificate) !== certificate)
  )
    throw refuse('UNBOUND', 'is bound to a certificate, and came over a connection without it');
  if (jkt === undefined) return certificate === undefined ? 'none' : 'mtls';
  if (shown.proof === undefined || proofs === undefined)
    throw refuse('UNBOUND', 'is bound to a key, and came without the proof of it');
  const proven = await proofs.verify(shown.proof, token, now, jkt);
  if (proven === 'PROOF_REPLAYED') throw refuse(proven, 'came with a proof that was used before');
  if (proven === 'PROOF_INVALID' || proven.jkt !== jkt)
    throw refuse('PROOF_INVALID', 'came with a proof that does not hold, or is of another key');
  return certificate === undefined ? 'dpop' : 'mtls';
}

/** A connection has one certificate, call after call. */
const thumbprints = new WeakMap<Uint8Array, string>();

function thumbprint(certificate: Uint8Array): string {
  const known = thumbprints.get(certificate) ?? base64url(sha256(certificate));
  thumbprints.set(certificate, known);
  return known;
}

/** SHA-256 in base64url, in its one spelling. */
function isOptionalDigest(value: Json | undefined): value is string | undefined {
  return value === undefined || (typeof value === 'string' && fromBase64url(value)?.length === 32);
}

function unprovable(refuse: RefuseToken): Error {
  return refuse('UNBOUND', 'is bound in a way that cannot be proven here');
}
