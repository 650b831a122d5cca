import { equalBytes } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../pki/oids.ts';
import { keyUsage, parseCertificate } from '../pki/parse-certificate.ts';
import type { Certificate } from '../pki/parse-certificate.ts';
import { fail } from './codes.ts';
import type { VerifyCode } from './codes.ts';
import { importP256, verifySignature } from './crypto.ts';
import type { VerifyKey } from './crypto.ts';

/** What a certificate is for: decides what its extensions must say. */
export type Role = 'ca' | 'signer' | 'timestamp-authority';

/** Critical extensions that are read here. Any other one that is critical is refused (RFC 5280 §4.2). */
const understood: readonly string[] = [
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
];

export function readCertificate(der: Uint8Array, code: VerifyCode, field: string): Certificate {
  try {
    return parseCertificate(der);
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    return fail(code, field, `The certificate is ${thrown.message}.`);
  }
}

export async function certificateKey(
  certificate: Certificate,
  code: VerifyCode,
  field: string,
): Promise<VerifyKey> {
  return (await importP256(certificate.spki)) ?? fail(code, field, 'The certificate has no P-256 key.');
}

/** Whether `issuer`, whose key is `key`, issued `certificate`: names, key identifiers and signature (RFC 5280 §6.1.3). */
export async function isIssuedBy(
  certificate: Certificate,
  issuer: Certificate,
  key: VerifyKey,
): Promise<boolean> {
  const keyIdsAgree =
    certificate.authorityKeyId === undefined ||
    issuer.subjectKeyId === undefined ||
    equalBytes(certificate.authorityKeyId, issuer.subjectKeyId);
  return (
    equalBytes(certificate.issuer, issuer.subject) &&
    keyIdsAgree &&
    certificate.signatureAlgorithm === oids.ecdsaWithSha256 &&
    verifySignature(key, certificate.tbs, certificate.signature)
  );
}

/** Why the certificate may not play this role, as a sentence; undefined when it may. */
export function wrongProfile(certificate: Certificate, role: Role): string | undefined {
  const unknown = certificate.extensions.find(({ oid, critical }) => critical && !understood.includes(oid));
  if (unknown !== undefined) return `It has a critical extension that is not understood: ${unknown.oid}.`;
  return role === 'ca' ? wrongCa(certificate) : wrongEndEntity(certificate, role);
}

function wrongCa(certificate: Certificate): string | undefined {
  if (!certificate.isCa || !isCritical(certificate, oids.basicConstraints))
    return 'It is not marked as a CA.';
  if (((certificate.keyUsage ?? 0) & keyUsage.keyCertSign) === 0) return 'Its key may not sign certificates.';
  return undefined;
}

function wrongEndEntity(
  certificate: Certificate,
  role: 'signer' | 'timestamp-authority',
): string | undefined {
  const purpose = role === 'signer' ? oids.codeSigning : oids.timeStamping;
  const { extendedKeyUsage } = certificate;
  if (certificate.isCa || certificate.pathLength !== undefined) return 'It is a CA.';
  if (certificate.keyUsage !== keyUsage.digitalSignature)
    return 'Its key usage is not digitalSignature alone.';
  if (extendedKeyUsage?.length !== 1 || extendedKeyUsage[0] !== purpose) {
    return `Its extended key usage is not ${role === 'signer' ? 'codeSigning' : 'timeStamping'} alone.`;
  }
  // RFC 3161 §2.3 wants it critical; a signer's purpose may be either.
  if (role === 'timestamp-authority' && !isCritical(certificate, oids.extendedKeyUsage)) {
    return 'Its extended key usage is not critical.';
  }
  return undefined;
}

function isCritical(certificate: Certificate, oid: string): boolean {
  return certificate.extensions.some((extension) => extension.oid === oid && extension.critical);
}

/** Both ends included (RFC 5280 §4.1.2.5). */
export function isValidAt(certificate: Certificate, time: number): boolean {
  return certificate.notBefore <= time && time <= certificate.notAfter;
}
