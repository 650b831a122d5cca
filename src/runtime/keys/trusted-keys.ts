import { equalBytes, fromBase64 } from '../../call/sha256.ts';
import { CountersignError } from '../../errors.ts';
import { parseLeafBody } from '../../envelope/leaf-body.ts';
import { parseCertificate } from '../../pki/parse-certificate.ts';
import type { Certificate } from '../../pki/parse-certificate.ts';
import type {
  CertificateAuthorityJson,
  TransparencyLogJson,
  TrustedRootJson,
  ValidForJson,
} from '../../pki/trusted-root.ts';

/** What a home's own trust root says. It names the keys of today and those before them: old envelopes still need these. */

/** When a key may be used: wall milliseconds, both ends included. */
export interface Period {
  readonly start: number;
  readonly end: number;
}

/** A certificate of the trust root whose key this home holds. */
export interface HeldCertificate {
  readonly der: Uint8Array;
  readonly validFor: Period;
}

/** The certificate of the authority with this key (SubjectPublicKeyInfo, DER); undefined when none of them has it. */
export function certificateOf(
  authorities: readonly CertificateAuthorityJson[],
  publicKey: Uint8Array,
): HeldCertificate | undefined {
  for (const authority of authorities) {
    const certificate = firstOf(authority);
    if (certificate !== undefined && equalBytes(certificate.spki, publicKey))
      return { der: certificate.raw, validFor: periodOf(authority.validFor) };
  }
  return undefined;
}

/** When the log with this key signs; undefined when none has it. */
export function periodOfLog(logs: readonly TransparencyLogJson[], publicKey: Uint8Array): Period | undefined {
  const log = logs.find(({ publicKey: { rawBytes } }) => {
    const bytes = fromBase64(rawBytes);
    return bytes !== undefined && equalBytes(bytes, publicKey);
  });
  return log && periodOf(log.publicKey.validFor);
}

export function periodOf({ start, end }: ValidForJson): Period {
  return { start: Date.parse(start), end: end === undefined ? Infinity : Date.parse(end) };
}

/** Finds the CA certificate that issued an entry's signing certificate: by the key identifier that both state. */
export function issuerFinder(root: TrustedRootJson): (leaf: Uint8Array) => Uint8Array {
  const authorities = root.certificateAuthorities.map(firstOf).filter((found) => found !== undefined);
  return (leaf) => {
    const body = parseLeafBody(leaf);
    const wanted = body && parseCertificate(body.certificate).authorityKeyId;
    const issuer = authorities.find(
      ({ subjectKeyId }) =>
        wanted !== undefined && subjectKeyId !== undefined && equalBytes(subjectKeyId, wanted),
    );
    if (issuer !== undefined) return issuer.raw;
    throw new CountersignError(
      'HOME_INVALID',
      'The trust root does not name the authority that issued the certificate of this entry.',
    );
  };
}

/** The certificate that does the work; undefined for what is no certificate. */
export function firstOf({ certChain }: CertificateAuthorityJson): Certificate | undefined {
  const der = fromBase64(certChain.certificates[0]?.rawBytes ?? '');
  if (der === undefined) return undefined;
  try {
    return parseCertificate(der);
  } catch {
    return undefined;
  }
}
