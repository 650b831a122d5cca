import { fromBase64 } from '../call/bytes.ts';
import { CountersignError, toCountersignError } from '../errors.ts';
import { DerReader, malformed, tag } from './der.ts';
import type { DerElement } from './der.ts';
import { parseDer } from './der-strict.ts';
import { decodeOctetBits, decodeOid, decodeSmallInteger } from './der-values.ts';
import { oids } from './oids.ts';
import { algorithmOid, readExtensions, readSubjectAltName } from './parse-certificate.ts';
import type { CertificateExtension, SubjectAltName } from './parse-certificate.ts';
import { parseEcdsaSignature } from './parse-ecdsa.ts';
import { parsePem } from './parse-pem.ts';

/** A certificate request (PKCS#10, RFC 2986) for a P-256 key. Byte arrays are views of the input. */
export interface CertificateRequest {
  /** `CertificationRequestInfo`: the signed bytes. */
  readonly info: Uint8Array;
  /** `Name`, DER; `30 00` when empty. */
  readonly subject: Uint8Array;
  /** `SubjectPublicKeyInfo`, DER. */
  readonly spki: Uint8Array;
  /** The names that it asks for. */
  readonly san: SubjectAltName | undefined;
  readonly signature: Uint8Array;
}

const maxRequestBytes = 8_192;
const maxText = 12_288;
const maxAttributes = 16;
/** SubjectPublicKeyInfo of P-256 with an uncompressed point. */
const spkiLength = 91;

/**
 * A request as somebody sent it, PEM or base64 of DER, that was signed with the key that it is for. Rejects with
 * CERTIFICATE_REQUEST_INVALID.
 */
export async function readCertificateRequest(text: string): Promise<CertificateRequest> {
  try {
    const request = parseCertificateRequest(requestBytes(text));
    if (await isSignedWithItsKey(request)) return request;
  } catch (error) {
    throw invalid(
      error instanceof CountersignError ? error.message : 'its key cannot be used',
      toCountersignError(error, 'CERTIFICATE_REQUEST_INVALID', 'The key cannot be used.'),
    );
  }
  throw invalid('it is not signed with the key that it is for');
}

/** Throws FRAME_INVALID for anything but one strict DER request for a P-256 key. Checks no signature. */
export function parseCertificateRequest(der: Uint8Array): CertificateRequest {
  const root = parseDer(der, maxRequestBytes);
  if (root.tag !== tag.sequence) throw malformed('a request that is no SEQUENCE');
  const outer = new DerReader(root.content);
  const info = outer.read(tag.sequence);
  const algorithm = algorithmOid(outer.read(tag.sequence));
  const signature = decodeOctetBits(outer.read(tag.bitString));
  outer.end();
  if (algorithm !== oids.ecdsaWithSha256)
    throw malformed('a request that is not signed with ECDSA and SHA-256');

  const fields = new DerReader(info.content);
  if (decodeSmallInteger(fields.read(tag.integer)) !== 0) throw malformed('a request of another version');
  const subject = fields.read(tag.sequence).raw;
  const spki = fields.read(tag.sequence);
  assertP256(spki);
  const attributes = fields.read(tag.context(0));
  fields.end();
  return { info: info.raw, subject, spki: spki.raw, san: requestedNames(attributes), signature };
}

/** One block of PEM, or base64 alone. */
function requestBytes(text: string): Uint8Array {
  if (text.length > maxText) throw malformed(`longer than ${maxText} characters`);
  if (!text.includes('-----')) return fromBase64(text) ?? notPem();
  const [block, ...more] = parsePem(text) ?? [];
  const isRequest = /^(?:NEW )?CERTIFICATE REQUEST$/.test(block?.label ?? '');
  return block !== undefined && isRequest && more.length === 0 ? block.der : notPem();
}

function notPem(): never {
  throw malformed('not one CERTIFICATE REQUEST in PEM');
}

function assertP256({ raw, content }: DerElement): void {
  const algorithm = new DerReader(new DerReader(content).read(tag.sequence).content);
  const isCurve =
    decodeOid(algorithm.read(tag.oid)) === oids.ecPublicKey &&
    !algorithm.done &&
    decodeOid(algorithm.read(tag.oid)) === oids.prime256v1;
  // A compressed point would be a second spelling of the same key.
  if (!isCurve || raw.length !== spkiLength) throw malformed('a key that is not one of P-256, uncompressed');
}

/** Of the attributes, those of the requester's software and a challenge password included, only the names are looked at. */
function requestedNames({ content }: DerElement): SubjectAltName | undefined {
  const lists = new DerReader(content)
    .all(tag.sequence, maxAttributes)
    .map(readAttribute)
    .filter(({ type }) => type === oids.extensionRequest);
  if (lists.length > 1) throw malformed('two lists of extensions');
  const names = lists.flatMap(extensionsOf).find(({ oid }) => oid === oids.subjectAltName);
  return names && readSubjectAltName(parseDer(names.value, maxRequestBytes), names.critical);
}

interface Attribute {
  readonly type: string;
  readonly values: Uint8Array;
}

function readAttribute({ content }: DerElement): Attribute {
  const fields = new DerReader(content);
  const type = decodeOid(fields.read(tag.oid));
  const values = fields.read(tag.set).content;
  fields.end();
  return { type, values };
}

function extensionsOf({ values }: Attribute): CertificateExtension[] {
  return readExtensions(new DerReader(values));
}

/** Proof of possession: whoever asks has the key, and has not copied somebody else's public one. */
async function isSignedWithItsKey({ info, spki, signature }: CertificateRequest): Promise<boolean> {
  const raw = parseEcdsaSignature(signature);
  const curve = { name: 'ECDSA', namedCurve: 'P-256' };
  // Refuses points that are not on the curve.
  const key = await crypto.subtle.importKey('spki', new Uint8Array(spki), curve, false, ['verify']);
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, raw, new Uint8Array(info));
}

function invalid(why: string, cause?: unknown): CountersignError {
  return new CountersignError(
    'CERTIFICATE_REQUEST_INVALID',
    `The certificate request cannot be used: ${why}. It has to be PKCS#10 for a P-256 key, signed with it.`,
    { cause },
  );
}
