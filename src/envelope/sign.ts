import { utf8 } from '../call/bytes.ts';
import { sha256 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { dssePayloadType, predicateTypes } from '../names.ts';
import type { StatementKind } from '../names.ts';
import { signOrFail, whenSettled } from '../pki/signing.ts';
import type { SigningIdentity, TimestampAuthority } from '../pki/signer.ts';
import { pae } from './dsse.ts';
import type { SignedStatement, Statement } from './envelope.ts';
import { leafBody } from './leaf-body.ts';

/**
 * Signs a statement, has the signature timestamped, and makes the log's leaf of both. `time` is wall milliseconds and
 * must lie within the certificate. Answers at once when signer and timestamp authority do.
 *
 * Throws or rejects with CERTIFICATE_NOT_VALID or SIGNING_FAILED.
 */
export function signStatement(
  kind: StatementKind,
  statement: Statement,
  identity: SigningIdentity,
  timestamps: TimestampAuthority,
  time: number,
): SignedStatement | Promise<SignedStatement> {
  if (statement.predicateType !== predicateTypes[kind]) {
    throw new CountersignError('INTERNAL', 'a statement was about to be signed as one of another kind');
  }
  if (!(time >= identity.notBefore && time <= identity.notAfter)) {
    throw new CountersignError('CERTIFICATE_NOT_VALID', 'the clock is outside the signing certificate');
  }
  const payload = utf8(JSON.stringify(statement));
  const signedBytes = pae(dssePayloadType, payload);
  const paeSha256 = sha256(signedBytes);
  return whenSettled(signOrFail(identity.signer, signedBytes), (signature) =>
    whenSettled(timestamps.stamp(signature, time), (timestamp) => {
      const leaf = leafBody({ paeSha256, signature, certificate: identity.certificate });
      return { kind, payload, paeSha256, signature, timestamp, leaf };
    }),
  );
}
