import { equalBytes, utf8 } from '../call/bytes.ts';
import { CountersignError } from '../errors.ts';
import {
  ecdsaWithSha256,
  endEntity,
  extension,
  keyIdentifiers,
  randomSerial,
  signatureUsage,
  signCertificate,
  tbsCertificate,
  version3,
} from './certificate-parts.ts';
import { tag } from './der.ts';
import { oid, sequence, time, tlv } from './der-write.ts';
import { oids } from './oids.ts';
import { parseCertificate } from './parse-certificate.ts';
import type { Certificate } from './parse-certificate.ts';
import type { Signer } from './signer.ts';

/** Certificates of agents: X.509-SVIDs (https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md). */

export interface WorkloadCertificateRequest {
  /** P-256 key of the authority that certifies agents, and its certificate, DER. */
  readonly authority: { readonly signer: Signer; readonly certificate: Uint8Array };
  /** `spiffe://<trust domain>/agent/<name>`: the only name in the certificate. */
  readonly spiffeId: string;
  /** SubjectPublicKeyInfo of the P-256 key to certify, DER. */
  readonly publicKey: Uint8Array;
  /** Wall milliseconds, of which the certificate states whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Path segments of letters, digits, dots, hyphens and underscores, none of them `.` or `..` (SPIFFE-ID §2.2). */
const spiffeIdWithPath = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/;
const maxSpiffeId = 2_048;

export function isSpiffeIdWithPath(id: string): boolean {
  return id.length <= maxSpiffeId && spiffeIdWithPath.test(id);
}

/** The certificate, DER. Rejects with CONFIG_INVALID for a request that no certificate may be issued for. */
export async function issueWorkloadCertificate(request: WorkloadCertificateRequest): Promise<Uint8Array> {
  const { authority, spiffeId, publicKey } = request;
  const ca = parseCertificate(authority.certificate);
  checkRequest(request, ca);
  const fields = [
    version3,
    tlv(tag.integer, randomSerial()),
    ecdsaWithSha256,
    ca.subject,
    sequence(time(request.notBefore), time(request.notAfter)),
    sequence(),
    publicKey,
  ];
  const extensions = [
    signatureUsage(),
    // Both or none (§4.4). Nobody takes it for a server's: it has no name of one.
    extension(oids.extendedKeyUsage, sequence(oid(oids.serverAuth), oid(oids.clientAuth))),
    endEntity(),
    ...keyIdentifiers(publicKey, ca),
    // Critical, since the subject is empty (§3.1).
    extension(oids.subjectAltName, sequence(tlv(tag.contextPrimitive(6), utf8(spiffeId))), 'critical'),
  ];
  return signCertificate(tbsCertificate(fields, extensions), authority.signer);
}

function checkRequest(
  { authority, spiffeId, notBefore, notAfter }: WorkloadCertificateRequest,
  ca: Certificate,
): void {
  const [domain] = ca.san?.uris ?? [];
  const problem =
    !ca.isCa || ca.subjectKeyId === undefined || domain === undefined
      ? 'the issuing certificate is not one of an authority for agents'
      : authority.signer.algorithm !== 'ecdsa-p256-sha256' || !equalBytes(authority.signer.publicKey, ca.spki)
        ? 'the issuing key does not belong to the issuing certificate'
        : !isSpiffeIdWithPath(spiffeId) || !spiffeId.startsWith(`${domain}/`)
          ? 'the identity is not a SPIFFE ID of the authority’s trust domain'
          : notBefore < ca.notBefore || notAfter > ca.notAfter || notBefore >= notAfter
            ? 'the dates do not lie within those of the issuing certificate'
            : undefined;
  if (problem !== undefined) throw new CountersignError('CONFIG_INVALID', problem);
}
