import { equalBytes, utf8 } from '../call/bytes.ts';
import { randomBytes } from '../call/random.ts';
import { sha256 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { tag } from './der.ts';
import { bitString, octetString, oid, sequence, smallInteger, time, tlv, utf8String } from './der-write.ts';
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

const ecdsaWithSha256 = sequence(oid(oids.ecdsaWithSha256));
const printableSpiffe = /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+$/;

/** The certificate, DER. Throws CONFIG_INVALID for a request that no certificate may be issued for. */
export async function issueLeaf(request: LeafRequest): Promise<Uint8Array> {
  const ca = parseCertificate(request.caCertificate);
  checkRequest(request, ca);
  const fields = leafFields(request, ca);
  const extensions = leafExtensions(request, ca);
  const sct = await certificateTimestamp(request, ca, tbsCertificate(fields, extensions));
  const tbs = tbsCertificate(fields, [...extensions, sct]);
  return sequence(tbs, ecdsaWithSha256, bitString(await request.caSigner.sign(tbs)));
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
  const serial = randomBytes(16);
  // Positive, and 16 bytes long as DER.
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  return [
    tlv(tag.context(0), smallInteger(2)),
    tlv(tag.integer, serial),
    ecdsaWithSha256,
    ca.subject,
    sequence(time(request.notBefore), time(request.notAfter)),
    sequence(),
    request.publicKey,
  ];
}

function leafExtensions(request: LeafRequest, ca: Certificate): Uint8Array[] {
  return [
    extension(oids.keyUsage, tlv(tag.bitString, Uint8Array.of(7, 0x80)), 'critical'),
    extension(oids.extendedKeyUsage, sequence(oid(oids.codeSigning))),
    extension(oids.basicConstraints, sequence(), 'critical'),
    extension(oids.subjectKeyIdentifier, octetString(keyIdentifier(request.publicKey))),
    extension(
      oids.authorityKeyIdentifier,
      sequence(tlv(tag.contextPrimitive(0), ca.subjectKeyId ?? keyIdentifier(ca.spki))),
    ),
    // Critical, since the subject is empty (RFC 5280 §4.2.1.6).
    extension(
      oids.subjectAltName,
      sequence(tlv(tag.contextPrimitive(6), utf8(request.spiffeUri))),
      'critical',
    ),
    extension(oids.fulcioIssuer, utf8String(request.issuerUrl)),
  ];
}

function tbsCertificate(fields: readonly Uint8Array[], extensions: readonly Uint8Array[]): Uint8Array {
  return sequence(...fields, tlv(tag.context(3), sequence(...extensions)));
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

function extension(type: string, value: Uint8Array, critical?: 'critical'): Uint8Array {
  const flag = critical ? [tlv(tag.boolean, Uint8Array.of(0xff))] : [];
  return sequence(oid(type), ...flag, octetString(value));
}

/** RFC 7093 §2 method 4: a digest of the whole SubjectPublicKeyInfo, cut to the 160 bits that are customary. */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  return sha256(spki).subarray(0, 20);
}
