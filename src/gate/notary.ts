import { assembleBundle } from '../envelope/bundle.ts';
import type { SignedStatement, Statement } from '../envelope/envelope.ts';
import { signStatement } from '../envelope/sign.ts';
import type { StatementKind } from '../names.ts';
import type { InclusionProof } from '../tlog/proof.ts';
import type { NotaryParts } from './parts.ts';

export interface Signed {
  readonly signed: SignedStatement;
  /** Issuing CA of the certificate that signed, DER: the bundle carries it. */
  readonly issuer: Uint8Array;
}

/** Signs and timestamps a statement with the gate's certificate of the moment. */
export async function notarise(
  { identity, timestamps }: NotaryParts,
  kind: StatementKind,
  statement: Statement,
  time: number,
): Promise<Signed> {
  const current = await identity.current(time);
  const signed = await signStatement(kind, statement, current, timestamps, time);
  return { signed, issuer: current.issuer };
}

/** The envelope of a statement that is in the log: a bundle, as JSON text. */
export function envelopeOf(
  { logKeyId }: NotaryParts,
  { signed, issuer }: Signed,
  proof: InclusionProof,
): string {
  return assembleBundle({ signed, issuer, proof, logKeyId });
}
