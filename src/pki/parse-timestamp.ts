import { DerReader, malformed, tag } from './der.ts';
import { compareDer, parseDer } from './der-strict.ts';
import {
  decodeBoolean,
  decodeInteger,
  decodeOid,
  decodeSerial,
  decodeSmallInteger,
  decodeTime,
} from './der-values.ts';
import type { DerElement } from './der.ts';
import { oids } from './oids.ts';
import { algorithmOid, readExtension } from './parse-certificate.ts';
import type { CertificateExtension } from './parse-certificate.ts';

/** A granted RFC 3161 `TimeStampResp` with its one signer (RFC 5652). Byte arrays are views of the input. */
export interface TimestampResponse {
  /** 0 granted, 1 granted with modifications. */
  readonly status: 0 | 1;
  readonly tstInfo: TstInfo;
  /** `TSTInfo`, DER: what `messageDigest` is the digest of. */
  readonly tstInfoBytes: Uint8Array;
  readonly signerIssuer: Uint8Array;
  /** The INTEGER's content. */
  readonly signerSerial: Uint8Array;
  /** What `messageDigest` and, for algorithms that leave it open, the signature are computed with. */
  readonly digestAlgorithm: string;
  /** The signed attributes re-tagged as SET: the bytes that the signature is over (RFC 5652 §5.4). */
  readonly signedAttributes: Uint8Array;
  /** Content type that the signed attributes state. */
  readonly contentType: string;
  readonly messageDigest: Uint8Array;
  /** Digest of the signer's certificate, from the signing-certificate attribute (RFC 5035). */
  readonly signerCertificate: { readonly algorithm: string; readonly digest: Uint8Array } | undefined;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** Certificates that the token carries, DER, in order. They prove nothing by themselves. */
  readonly certificates: readonly Uint8Array[];
}

export interface TstInfo {
  readonly policy: string;
  readonly imprintAlgorithm: string;
  readonly imprint: Uint8Array;
  /** The INTEGER's content. */
  readonly serial: Uint8Array;
  /** Milliseconds since 1970. */
  readonly genTime: number;
  /** Milliseconds, rounded up; absent when the token states none. */
  readonly accuracy: number | undefined;
  readonly extensions: readonly CertificateExtension[];
}

const maxResponseBytes = 32_768;
const maxMembers = 16;

/** Throws FRAME_INVALID for anything but one strict DER response that grants a token with one signer. */
export function parseTimestampResponse(der: Uint8Array): TimestampResponse {
  const root = parseDer(der, maxResponseBytes);
  if (root.tag !== tag.sequence) throw malformed('a timestamp that is no SEQUENCE');
  const response = new DerReader(root.content);
  const status = decodeSmallInteger(response.enter(tag.sequence).read(tag.integer));
  if (status !== 0 && status !== 1) throw malformed('a timestamp that was not granted');
  const contentInfo = response.enter(tag.sequence);
  response.end();
  return { status, ...readContentInfo(contentInfo) };
}

function readContentInfo(contentInfo: DerReader): Omit<TimestampResponse, 'status'> {
  if (decodeOid(contentInfo.read(tag.oid)) !== oids.signedData)
    throw malformed('a token that is not signed data');
  const explicit = contentInfo.enter(tag.context(0));
  contentInfo.end();
  const signedData = explicit.enter(tag.sequence);
  explicit.end();

  if (decodeSmallInteger(signedData.read(tag.integer)) !== 3) throw malformed('signed data that is not v3');
  signedData.read(tag.set);
  const tstInfoBytes = readEncapsulated(signedData.enter(tag.sequence));
  const certificates = signedData.optional(tag.context(0));
  const signers = signedData.enter(tag.set);
  signedData.end();
  const signer = signers.enter(tag.sequence);
  signers.end();

  return {
    tstInfo: readTstInfo(parseDer(tstInfoBytes, maxResponseBytes)),
    tstInfoBytes,
    certificates: certificates
      ? new DerReader(certificates.content).all(tag.sequence, maxMembers).map((element) => element.raw)
      : [],
    ...readSigner(signer),
  };
}

function readEncapsulated(encapsulated: DerReader): Uint8Array {
  if (decodeOid(encapsulated.read(tag.oid)) !== oids.tstInfo)
    throw malformed('a token of another content type');
  const explicit = encapsulated.enter(tag.context(0));
  encapsulated.end();
  const content = explicit.read(tag.octetString).content;
  explicit.end();
  return content;
}

function readTstInfo(element: DerElement): TstInfo {
  if (element.tag !== tag.sequence) throw malformed('a TSTInfo that is no SEQUENCE');
  const fields = new DerReader(element.content);
  if (decodeSmallInteger(fields.read(tag.integer)) !== 1) throw malformed('a TSTInfo that is not v1');
  const policy = decodeOid(fields.read(tag.oid));
  const imprint = fields.enter(tag.sequence);
  const imprintAlgorithm = algorithmOid(imprint.read(tag.sequence));
  const hashedMessage = imprint.read(tag.octetString).content;
  imprint.end();
  const serial = decodeSerial(fields.read(tag.integer));
  const genTime = decodeTime(fields.read(tag.generalizedTime));
  const accuracy = fields.optional(tag.sequence);
  const ordering = fields.optional(tag.boolean);
  if (ordering !== undefined && !decodeBoolean(ordering)) throw malformed('a default that is spelled out');
  fields.optional(tag.integer);
  fields.optional(tag.context(0));
  const extensions = fields.optional(tag.context(1));
  fields.end();
  return {
    policy,
    imprintAlgorithm,
    imprint: hashedMessage,
    serial,
    genTime,
    accuracy: accuracy && readAccuracy(accuracy),
    extensions: extensions
      ? new DerReader(extensions.content).all(tag.sequence, maxMembers).map(readExtension)
      : [],
  };
}

function readAccuracy(element: DerElement): number {
  const fields = new DerReader(element.content);
  const seconds = fields.optional(tag.integer);
  const millis = fields.optional(tag.contextPrimitive(0));
  const micros = fields.optional(tag.contextPrimitive(1));
  fields.end();
  const value = (part: DerElement | undefined): number => (part ? decodeSmallInteger(part) : 0);
  return value(seconds) * 1000 + value(millis) + Math.ceil(value(micros) / 1000);
}

type Signer = Omit<TimestampResponse, 'status' | 'tstInfo' | 'tstInfoBytes' | 'certificates'>;

function readSigner(signer: DerReader): Signer {
  if (decodeSmallInteger(signer.read(tag.integer)) !== 1) throw malformed('a signer that is not v1');
  const id = signer.enter(tag.sequence);
  const signerIssuer = id.read(tag.sequence).raw;
  const signerSerial = decodeInteger(id.read(tag.integer));
  id.end();
  const digestAlgorithm = algorithmOid(signer.read(tag.sequence));
  const signed = signer.read(tag.context(0));
  const signatureAlgorithm = algorithmOid(signer.read(tag.sequence));
  const signature = signer.read(tag.octetString).content;
  // Unsigned attributes say nothing that anybody signed.
  signer.optional(tag.context(1));
  signer.end();

  const attributes = readAttributes(signed);
  const signedAttributes = signed.raw.slice();
  signedAttributes[0] = tag.set;
  return {
    signerIssuer,
    signerSerial,
    digestAlgorithm,
    signedAttributes,
    contentType: decodeOid(required(attributes, oids.contentType, tag.oid)),
    messageDigest: required(attributes, oids.messageDigest, tag.octetString).content,
    signerCertificate: readSigningCertificate(attributes),
    signatureAlgorithm,
    signature,
  };
}

/** Attribute type → its one value. Each type occurs once and the set is in DER order (RFC 5652 §5.3, §11). */
function readAttributes(signed: DerElement): ReadonlyMap<string, DerElement> {
  const values = new Map<string, DerElement>();
  let previous: Uint8Array | undefined;
  for (const element of new DerReader(signed.content).all(tag.sequence, maxMembers)) {
    if (previous !== undefined && compareDer(previous, element.raw) > 0)
      throw malformed('a set out of order');
    previous = element.raw;
    const fields = new DerReader(element.content);
    const type = decodeOid(fields.read(tag.oid));
    const members = fields.enter(tag.set);
    fields.end();
    const value = members.next();
    members.end();
    if (values.has(type)) throw malformed('a signed attribute that occurs twice');
    values.set(type, value);
  }
  return values;
}

function required(attributes: ReadonlyMap<string, DerElement>, type: string, expected: number): DerElement {
  const value = attributes.get(type);
  if (value?.tag !== expected) throw malformed('a signed attribute is missing');
  return value;
}

/** ESSCertIDv2, whose hash is SHA-256 unless stated, or the older ESSCertID, whose hash is SHA-1. */
function readSigningCertificate(
  attributes: ReadonlyMap<string, DerElement>,
): TimestampResponse['signerCertificate'] {
  const v2 = attributes.get(oids.signingCertificateV2);
  const v1 = attributes.get(oids.signingCertificate);
  const attribute = v2 ?? v1;
  if (attribute === undefined) return undefined;
  if (attribute.tag !== tag.sequence) throw malformed('a signing certificate attribute of another type');
  const id = new DerReader(attribute.content).enter(tag.sequence).enter(tag.sequence);
  const algorithm = v2 ? id.optional(tag.sequence) : undefined;
  const fallback = v2 ? oids.sha256 : oids.sha1;
  return {
    algorithm: algorithm ? algorithmOid(algorithm) : fallback,
    digest: id.read(tag.octetString).content,
  };
}
