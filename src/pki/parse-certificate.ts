import { equalBytes } from '../call/bytes.ts';
import { DerReader, malformed, tag } from './der.ts';
import { parseDer } from './der-strict.ts';
import {
  decodeAscii,
  decodeBitString,
  decodeBoolean,
  decodeOctetBits,
  decodeOid,
  decodeSerial,
  decodeSmallInteger,
  decodeTime,
  decodeUtf8,
} from './der-values.ts';
import type { DerElement } from './der.ts';
import { sequence, tlv } from './der-write.ts';
import { oids } from './oids.ts';

/** An X.509 v3 certificate (RFC 5280), as far as anything here looks at one. Byte arrays are views of the input. */
export interface Certificate {
  /** The certificate's own bytes. */
  readonly raw: Uint8Array;
  /** `TBSCertificate`: the signed bytes. */
  readonly tbs: Uint8Array;
  /** The INTEGER's content: positive, minimal. */
  readonly serial: Uint8Array;
  /** `Name`, DER. */
  readonly issuer: Uint8Array;
  /** `Name`, DER; `30 00` when empty. */
  readonly subject: Uint8Array;
  /** Milliseconds since 1970, both inclusive. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** `SubjectPublicKeyInfo`, DER. */
  readonly spki: Uint8Array;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** All of them, each at most once, in order: whoever relies on the certificate refuses critical ones it does not know. */
  readonly extensions: readonly CertificateExtension[];
  readonly san: SubjectAltName | undefined;
  /** Bit `n` of RFC 5280's `KeyUsage` is `1 << n`. */
  readonly keyUsage: number | undefined;
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly isCa: boolean;
  readonly pathLength: number | undefined;
  readonly subjectKeyId: Uint8Array | undefined;
  readonly authorityKeyId: Uint8Array | undefined;
  /** Sigstore's issuer extension (1.3.6.1.4.1.57264.1.8). */
  readonly issuerUrl: string | undefined;
  /** `SignedCertificateTimestampList` (RFC 6962 §3.3), TLS-encoded: for `parseSctList`. */
  readonly sctList: Uint8Array | undefined;
}

export interface CertificateExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** Content of `extnValue`. */
  readonly value: Uint8Array;
  readonly raw: Uint8Array;
}

export interface SubjectAltName {
  readonly uris: readonly string[];
  /** How many names of other kinds there are. */
  readonly others: number;
  readonly critical: boolean;
}

export const keyUsage = { digitalSignature: 1 << 0, keyCertSign: 1 << 5, crlSign: 1 << 6 } as const;

const maxCertificateBytes = 16_384;
const maxExtensions = 64;

/** Throws FRAME_INVALID for anything but one strict DER v3 certificate. Checks no signature and no date. */
export function parseCertificate(der: Uint8Array): Certificate {
  const root = parseDer(der, maxCertificateBytes);
  if (root.tag !== tag.sequence) throw malformed('a certificate that is no SEQUENCE');
  const outer = new DerReader(root.content);
  const tbs = outer.read(tag.sequence);
  const algorithm = outer.read(tag.sequence);
  const signature = decodeOctetBits(outer.read(tag.bitString));
  outer.end();

  const fields = new DerReader(tbs.content);
  const version = fields.enter(tag.context(0));
  if (decodeSmallInteger(version.read(tag.integer)) !== 2) throw malformed('a certificate that is not v3');
  version.end();
  const serial = decodeSerial(fields.read(tag.integer));
  const innerAlgorithm = fields.read(tag.sequence);
  if (!equalBytes(innerAlgorithm.raw, algorithm.raw)) throw malformed('two different signature algorithms');
  const issuer = fields.read(tag.sequence).raw;
  const validity = fields.enter(tag.sequence);
  const notBefore = readTime(validity);
  const notAfter = readTime(validity);
  validity.end();
  const subject = fields.read(tag.sequence).raw;
  const spki = fields.read(tag.sequence).raw;
  const extensions = readExtensions(fields.enter(tag.context(3)));
  fields.end();

  return {
    raw: root.raw,
    tbs: tbs.raw,
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    spki,
    signatureAlgorithm: algorithmOid(algorithm),
    signature,
    extensions,
    ...knownExtensions(extensions),
  };
}

/** The bytes that a certificate transparency log signed: the TBS without its list of SCTs (RFC 6962 §3.2). */
export function precertificateTbs(certificate: Certificate): Uint8Array {
  const fields = new DerReader(new DerReader(certificate.tbs).read(tag.sequence).content);
  const parts: Uint8Array[] = [];
  while (!fields.done) {
    const field = fields.next();
    if (field.tag !== tag.context(3)) parts.push(field.raw);
  }
  const kept = certificate.extensions.filter((extension) => extension.oid !== oids.sctList);
  if (kept.length > 0) parts.push(tlv(tag.context(3), sequence(...kept.map((extension) => extension.raw))));
  return sequence(...parts);
}

export function algorithmOid(algorithm: DerElement): string {
  return decodeOid(new DerReader(algorithm.content).read(tag.oid));
}

function readTime(reader: DerReader): number {
  return decodeTime(reader.optional(tag.utcTime) ?? reader.read(tag.generalizedTime));
}

/** `Extensions` inside its explicit tag; also of a TSTInfo. */
export function readExtensions(explicit: DerReader): CertificateExtension[] {
  const list = explicit.enter(tag.sequence);
  explicit.end();
  const extensions = list.all(tag.sequence, maxExtensions).map(readExtension);
  if (extensions.length === 0) throw malformed('an empty list of extensions');
  if (new Set(extensions.map((extension) => extension.oid)).size !== extensions.length) {
    throw malformed('an extension that occurs twice');
  }
  return extensions;
}

export function readExtension(element: DerElement): CertificateExtension {
  const fields = new DerReader(element.content);
  const oid = decodeOid(fields.read(tag.oid));
  const flag = fields.optional(tag.boolean);
  if (flag !== undefined && !decodeBoolean(flag)) throw malformed('a default that is spelled out');
  const value = fields.read(tag.octetString).content;
  fields.end();
  return { oid, critical: flag !== undefined, value, raw: element.raw };
}

type KnownExtensions = Pick<
  Certificate,
  | 'san'
  | 'keyUsage'
  | 'extendedKeyUsage'
  | 'isCa'
  | 'pathLength'
  | 'subjectKeyId'
  | 'authorityKeyId'
  | 'issuerUrl'
  | 'sctList'
>;

function knownExtensions(extensions: readonly CertificateExtension[]): KnownExtensions {
  const decode = <T>(oid: string, read: (value: DerElement, critical: boolean) => T): T | undefined => {
    const extension = extensions.find((candidate) => candidate.oid === oid);
    return extension && read(parseDer(extension.value, maxCertificateBytes), extension.critical);
  };
  const constraints = decode(oids.basicConstraints, readBasicConstraints);
  return {
    san: decode(oids.subjectAltName, readSubjectAltName),
    keyUsage: decode(oids.keyUsage, readKeyUsage),
    extendedKeyUsage: decode(oids.extendedKeyUsage, readExtendedKeyUsage),
    isCa: constraints?.isCa ?? false,
    pathLength: constraints?.pathLength,
    subjectKeyId: decode(oids.subjectKeyIdentifier, (value) => expect(value, tag.octetString).content),
    authorityKeyId: decode(oids.authorityKeyIdentifier, readAuthorityKeyId),
    issuerUrl: decode(oids.fulcioIssuer, (value) => decodeUtf8(expect(value, tag.utf8String))),
    sctList: decode(oids.sctList, (value) => expect(value, tag.octetString).content),
  };
}

function expect(element: DerElement, expected: number): DerElement {
  if (element.tag !== expected) throw malformed('an extension of another type than expected');
  return element;
}

export function readSubjectAltName(value: DerElement, critical: boolean): SubjectAltName {
  const names = new DerReader(expect(value, tag.sequence).content);
  const uris: string[] = [];
  let others = 0;
  while (!names.done) {
    const name = names.next();
    if (name.tag === tag.contextPrimitive(6)) uris.push(decodeAscii(name));
    else others++;
  }
  return { uris, others, critical };
}

function readKeyUsage(value: DerElement): number {
  const { bytes, unused } = decodeBitString(expect(value, tag.bitString));
  const last = bytes[bytes.length - 1] ?? 0;
  // A list of named bits drops its trailing zeros (X.690 §11.2.2).
  if (bytes.length > 2 || (last & (1 << unused)) === 0) throw malformed('a key usage that is not minimal');
  let bits = 0;
  for (let n = 0; n < bytes.length * 8; n++) {
    if (((bytes[n >> 3] as number) & (0x80 >> (n & 7))) !== 0) bits |= 1 << n;
  }
  return bits;
}

function readExtendedKeyUsage(value: DerElement): string[] {
  const purposes = new DerReader(expect(value, tag.sequence).content).all(tag.oid, 32).map(decodeOid);
  if (purposes.length === 0) throw malformed('an empty extended key usage');
  return purposes;
}

function readBasicConstraints(value: DerElement): { isCa: boolean; pathLength: number | undefined } {
  const fields = new DerReader(expect(value, tag.sequence).content);
  const flag = fields.optional(tag.boolean);
  if (flag !== undefined && !decodeBoolean(flag)) throw malformed('a default that is spelled out');
  const length = fields.optional(tag.integer);
  fields.end();
  return { isCa: flag !== undefined, pathLength: length && decodeSmallInteger(length) };
}

function readAuthorityKeyId(value: DerElement): Uint8Array | undefined {
  return new DerReader(expect(value, tag.sequence).content).optional(tag.contextPrimitive(0))?.content;
}
