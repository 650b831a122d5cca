import { concatBytes, equalBytes, utf8 } from '../call/bytes.ts';
import { randomBytes } from '../call/random.ts';
import { sha256 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { tag } from './der.ts';
import { octetString, oid, sequence, set, smallInteger, time, timeDigits, tlv } from './der-write.ts';
import { oids } from './oids.ts';
import { parseCertificate } from './parse-certificate.ts';
import type { Certificate } from './parse-certificate.ts';
import { signOrFail, whenSettled } from './signing.ts';
import type { Signer, SyncSigner, TimestampAuthority } from './signer.ts';

/**
 * An RFC 3161 authority for the path of a call. Of a response only imprint, serial, time, their digest and the
 * signature vary, and an ASN.1 library takes a hundred signatures' time to write all of it anew. So the layout is made
 * once, and a stamp copies it and fills these in. The tests hold every byte against the library's.
 */

export interface TimestampAuthorityOptions<S extends Signer = Signer> {
  /** P-256 key of the authority. */
  readonly signer: S;
  /** The authority's certificate, DER; each token carries it, so that it can be verified with the root alone. */
  readonly certificate: Uint8Array;
  /** Policy OID that each token states. */
  readonly policy?: string;
}

export interface SyncTimestampAuthority extends TimestampAuthority {
  stamp(message: Uint8Array, time: number): Uint8Array;
}

/** Bytes to copy, and where the parts that vary begin in them. */
interface Layout<Part extends string> {
  readonly bytes: Uint8Array;
  readonly at: Readonly<Record<Part, number>>;
}

const sha256Algorithm = sequence(oid(oids.sha256));
const serialLength = 8;
/** From 2050 on CMS writes `signingTime` in another type (RFC 5652 §11.3). */
const end2049 = Date.UTC(2050, 0, 1) - 1;

/**
 * Throws CONFIG_INVALID when key and certificate do not make a timestamp authority. `stamp` throws or rejects with
 * CERTIFICATE_NOT_VALID for a time outside the certificate's, SIGNING_FAILED when the signer fails.
 */
export function createTimestampAuthority(
  options: TimestampAuthorityOptions<SyncSigner>,
): SyncTimestampAuthority;
export function createTimestampAuthority(options: TimestampAuthorityOptions): TimestampAuthority;
export function createTimestampAuthority(options: TimestampAuthorityOptions): TimestampAuthority {
  const { signer } = options;
  const certificate = parseCertificate(options.certificate);
  checkAuthority(signer, certificate);
  const info = tstInfoLayout(options.policy ?? oids.timestampPolicy);
  const attributes = signedAttributesLayout(certificate);
  const responses = new Map<number, Layout<'info' | 'attributes' | 'signature'>>();

  return {
    stamp(message, milliseconds) {
      checkTime(milliseconds, certificate);
      const digits = utf8(timeDigits(milliseconds));
      const tstInfo = fillTstInfo(info, sha256(message), digits);
      const signed = fillSignedAttributes(attributes, sha256(tstInfo), digits);
      return whenSettled(signOrFail(signer, signed), (signature) => {
        const length = checkSignature(signature).length;
        let response = responses.get(length);
        if (response === undefined) {
          response = responseLayout(info.bytes, attributes.bytes, certificate, length);
          responses.set(length, response);
        }
        const bytes = response.bytes.slice();
        bytes.set(tstInfo, response.at.info);
        // Without its tag: the attributes are signed as a SET and carried as [0] (RFC 5652 §5.4).
        bytes.set(signed.subarray(1), response.at.attributes + 1);
        bytes.set(signature, response.at.signature);
        return bytes;
      });
    },
  };
}

function checkAuthority(signer: Signer, certificate: Certificate): void {
  const usage = certificate.extensions.find((extension) => extension.oid === oids.extendedKeyUsage);
  const stampsOnly = usage?.critical && certificate.extendedKeyUsage?.join() === oids.timeStamping;
  if (
    !stampsOnly ||
    signer.algorithm !== 'ecdsa-p256-sha256' ||
    !equalBytes(signer.publicKey, certificate.spki)
  ) {
    throw new CountersignError('CONFIG_INVALID', 'the timestamp key and its certificate do not fit');
  }
}

function checkTime(milliseconds: number, certificate: Certificate): void {
  const last = Math.min(certificate.notAfter, end2049);
  if (!(milliseconds >= certificate.notBefore && milliseconds <= last)) {
    throw new CountersignError(
      'CERTIFICATE_NOT_VALID',
      'the clock is outside the validity of the timestamp certificate; set the clock or renew the certificate',
    );
  }
}

/** `TSTInfo` (RFC 3161 §2.4.2): no accuracy, ordering, nonce, name or extension. */
function tstInfoLayout(policy: string): Layout<'imprint' | 'serial' | 'time'> {
  const head = concatBytes(smallInteger(1), oid(policy));
  const imprint = sequence(sha256Algorithm, octetString(new Uint8Array(32)));
  const bytes = sequence(
    head,
    imprint,
    tlv(tag.integer, new Uint8Array(serialLength)),
    tlv(tag.generalizedTime, new Uint8Array(15)),
  );
  const timeAt = bytes.length - 15;
  const serialAt = timeAt - 2 - serialLength;
  return { bytes, at: { imprint: serialAt - 2 - 32, serial: serialAt, time: timeAt } };
}

function fillTstInfo(
  layout: ReturnType<typeof tstInfoLayout>,
  imprint: Uint8Array,
  digits: Uint8Array,
): Uint8Array {
  const bytes = layout.bytes.slice();
  bytes.set(imprint, layout.at.imprint);
  bytes.set(randomSerial(), layout.at.serial);
  bytes.set(digits, layout.at.time);
  return bytes;
}

/** Positive, and as DER always of the same length. */
function randomSerial(): Uint8Array {
  const serial = randomBytes(serialLength);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  return serial;
}

/** The four attributes as the SET that is signed, in DER order: each is longer than the one before. */
function signedAttributesLayout(certificate: Certificate): Layout<'time' | 'digest'> {
  const attribute = (type: string, value: Uint8Array): Uint8Array => sequence(oid(type), set(value));
  const essCertId = sequence(octetString(sha256(certificate.raw)));
  const signerCertificate = attribute(oids.signingCertificateV2, sequence(sequence(essCertId)));
  const messageDigest = attribute(oids.messageDigest, octetString(new Uint8Array(32)));
  const bytes = set(
    attribute(oids.contentType, oid(oids.tstInfo)),
    attribute(oids.signingTime, time(0)),
    messageDigest,
    signerCertificate,
  );
  const messageDigestEnd = bytes.length - signerCertificate.length;
  const utcTimeLength = 13;
  return {
    bytes,
    at: { digest: messageDigestEnd - 32, time: messageDigestEnd - messageDigest.length - utcTimeLength },
  };
}

function fillSignedAttributes(
  layout: ReturnType<typeof signedAttributesLayout>,
  digest: Uint8Array,
  digits: Uint8Array,
): Uint8Array {
  const bytes = layout.bytes.slice();
  bytes.set(digits.subarray(2), layout.at.time);
  bytes.set(digest, layout.at.digest);
  return bytes;
}

/** A whole `TimeStampResp`. ECDSA signatures vary in length, and every length around them with that. */
function responseLayout(
  tstInfo: Uint8Array,
  signedAttributes: Uint8Array,
  certificate: Certificate,
  signatureLength: number,
): Layout<'info' | 'attributes' | 'signature'> {
  const signatureAlgorithm = sequence(oid(oids.ecdsaWithSha256));
  const signerInfo = sequence(
    smallInteger(1),
    sequence(certificate.issuer, tlv(tag.integer, certificate.serial)),
    sha256Algorithm,
    concatBytes(Uint8Array.of(tag.context(0)), signedAttributes.subarray(1)),
    signatureAlgorithm,
    octetString(new Uint8Array(signatureLength)),
  );
  const certificates = tlv(tag.context(0), certificate.raw);
  const signers = set(signerInfo);
  const signedData = sequence(
    smallInteger(3),
    set(sha256Algorithm),
    sequence(oid(oids.tstInfo), tlv(tag.context(0), octetString(tstInfo))),
    certificates,
    signers,
  );
  const granted = sequence(smallInteger(0));
  const bytes = sequence(granted, sequence(oid(oids.signedData), tlv(tag.context(0), signedData)));
  const signature = bytes.length - signatureLength;
  const attributes = signature - 2 - signatureAlgorithm.length - signedAttributes.length;
  const info = bytes.length - signers.length - certificates.length - tstInfo.length;
  return { bytes, at: { signature, attributes, info } };
}

/** An `Ecdsa-Sig-Value` of P-256: shorter than 128 bytes, which the layout counts on. */
function checkSignature(signature: Uint8Array): Uint8Array {
  if (signature[0] !== tag.sequence || signature[1] !== signature.length - 2 || signature.length > 72) {
    throw new CountersignError('SIGNING_FAILED', 'the timestamp key signs in another form than DER');
  }
  return signature;
}
