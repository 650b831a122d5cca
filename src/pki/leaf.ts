import { equalBytes, utf8 } from '../call/bytes.ts';
import { sha256 } from '../call/sha256.ts';
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
import { octetString, oid, sequence, time, tlv, utf8String } from './der-write.ts';
import { oids } from './oids.ts';
import { parseCertificate } from './parse-certificate.ts';
import type { Certificate } from './parse-certificate.ts';
import { encodeSctList, sctSigningInput } from './parse-sct.ts';
import type { Signer } from './signer.ts';

/**
 * Issues the gate's signing certificate. Every process does this when it starts, and loading an X.509 library for it
 * takes longer than everything else that happens then; so its few fields are written here, and the tests hold the
 * result against that library and against stock verifiers.
 */

export interface LeafRequest {
  /** P-256 key of the issuing CA. */
  readonly caSigner: Signer;
  /** The issuing CA, DER. */
  readonly caCertificate: Uint8Array;
  /** P-256 key of the certificate transparency log. */
  readonly ctSigner: Signer;
  /** `spiffe://<trust domain>/gate/<name>`: the only name in the certificate. */
  readonly spiffeUri: string;
  readonly issuerUrl: string;
  /** SubjectPublicKeyInfo of the P-256 key to certify, DER. */
  readonly publicKey: Uint8Array;
  /** Wall milliseconds, of which the certificate states whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Wall milliseconds: the time of the embedded SCT. */
  readonly now: number;
}

const printableSpiffe = /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+$/;

/** The certificate, DER. Throws CONFIG_INVALID for a request that no certificate may be issued for. */
export async function issueLeaf(request: LeafRequest): Promise<Uint8Array> {
  const ca = parseCertificate(request.caCertificate);
  checkRequest(request, ca);
  const fields = leafFields(request, ca);
  const extensions = leafExtensions(request, ca);
  const sct = await certificateTimestamp(request, ca, tbsCertificate(fields, extensions));
  return signCertificate(tbsCertificate(fields, [...extensions, sct]), request.caSigner);
}

function checkRequest(
  { caSigner, ctSigner, spiffeUri, notBefore, notAfter }: LeafRequest,
  ca: Certificate,
): void {
  const problem =
    !ca.isCa || ca.subjectKeyId === undefined
      ? 'the issuing certificate is not one of an authority'
      : !equalBytes(caSigner.publicKey, ca.spki)
        ? 'the issuing key does not belong to the issuing certificate'
        : caSigner.algorithm !== 'ecdsa-p256-sha256' || ctSigner.algorithm !== 'ecdsa-p256-sha256'
          ? 'issuing needs P-256 keys'
          : !printableSpiffe.test(spiffeUri)
            ? 'the identity is not a SPIFFE URI with a path'
            : notBefore < ca.notBefore || notAfter > ca.notAfter || notBefore >= notAfter
              ? 'the dates do not lie within those of the issuing certificate'
              : undefined;
  if (problem !== undefined) throw new CountersignError('CONFIG_INVALID', problem);
}

/** The fields of the TBSCertificate before its extensions. */
function leafFields(request: LeafRequest, ca: Certificate): Uint8Array[] {
  return [
    version3,
    tlv(tag.integer, randomSerial()),
    ecdsaWithSha256,
    ca.subject,
    sequence(time(request.notBefore), time(request.notAfter)),
    sequence(),
    request.publicKey,
  ];
}

function leafExtensions(request: LeafRequest, ca: Certificate): Uint8Array[] {
  return [
    signatureUsage(),
    extension(oids.extendedKeyUsage, sequence(oid(oids.codeSigning))),
    endEntity(),
    ...keyIdentifiers(request.publicKey, ca),
    // Critical, since the subject is empty (RFC 5280 §4.2.1.6).
    extension(
      oids.subjectAltName,
      sequence(tlv(tag.contextPrimitive(6), utf8(request.spiffeUri))),
      'critical',
    ),
    extension(oids.fulcioIssuer, utf8String(request.issuerUrl)),
  ];
}

/** The extension with our own log's SCT over the certificate as it is without it (RFC 6962 §3.2, §3.3). */
async function certificateTimestamp(
  request: LeafRequest,
  ca: Certificate,
  tbs: Uint8Array,
): Promise<Uint8Array> {
  const sct = { timestamp: request.now, extensions: new Uint8Array(0) };
  const list = encodeSctList([
    {
      ...sct,
      logId: sha256(request.ctSigner.publicKey),
      hash: 4,
      algorithm: 3,
      signature: await request.ctSigner.sign(sctSigningInput(sct, sha256(ca.spki), tbs)),
    },
  ]);
  return extension(oids.sctList, octetString(list));
}
