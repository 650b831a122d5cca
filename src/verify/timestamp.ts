import { concatBytes, equalBytes, fromHex, sha256 } from '../call/sha256.ts';
import { CountersignError } from '../errors.ts';
import { oids } from '../pki/oids.ts';
import { parseTimestampResponse } from '../pki/parse-timestamp.ts';
import type { TimestampResponse } from '../pki/parse-timestamp.ts';
import type { Certificate } from '../pki/parse-certificate.ts';
import { isValidAt } from './certificate.ts';
import { fail } from './codes.ts';
import { verifySignature } from './crypto.ts';
import { isWithin } from './trust.ts';
import type { Authority, Trust } from './trust.ts';

/** A moment that an authority of the trust root vouches for. */
export interface Stamp {
  /** Wall milliseconds, as precise as the authority states them. */
  readonly time: number;
  /** URI of the authority. */
  readonly authority: string;
  /** Its certificates, the root last. */
  readonly chain: Authority['chain'];
}

const field = 'verificationMaterial.timestampVerificationData.rfc3161Timestamps[0]';

const invalid = (message: string): never => fail('TIMESTAMP_INVALID', field, message);

/** Checks the RFC 3161 token over `signature` (RFC 3161 §2.4.2, RFC 5652 §5.4, RFC 5816). */
export async function verifyTimestamp(
  token: Uint8Array | undefined,
  signature: Uint8Array,
  trust: Trust,
): Promise<Stamp> {
  if (token === undefined) return fail('TIMESTAMP_MISSING', field, 'There is no signed timestamp.');
  const response = read(token);
  const authority =
    trust.timestampAuthorities.find(({ chain }) => chain[0] !== undefined && isSigner(response, chain[0])) ??
    invalid('It is signed by no timestamp authority of the trust root.');
  requireNothingUnsigned(token, response, authority);
  requireSigned(response, signature);
  if (!(await verifySignature(authority.key, response.signedAttributes, response.signature))) {
    return invalid('Its signature does not hold.');
  }
  const time = response.tstInfo.genTime;
  if (
    !authority.chain.every((certificate) => isValidAt(certificate, time)) ||
    !isWithin(authority.validFor, time)
  ) {
    return invalid('The timestamp authority was not valid at the time that it states.');
  }
  return { time, authority: authority.uri, chain: authority.chain };
}

function read(token: Uint8Array): TimestampResponse {
  try {
    return parseTimestampResponse(token);
  } catch (thrown) {
    if (!(thrown instanceof CountersignError)) throw thrown;
    return invalid(`The token is ${thrown.message}.`);
  }
}

/** The token names its signer twice: by issuer and serial, and by the signed digest of the certificate (RFC 5816). */
function isSigner(response: TimestampResponse, certificate: Certificate): boolean {
  const id = response.signerCertificate;
  return (
    equalBytes(response.signerIssuer, certificate.issuer) &&
    equalBytes(response.signerSerial, certificate.serial) &&
    id?.algorithm === oids.sha256 &&
    equalBytes(id.digest, sha256(certificate.raw))
  );
}

/** The digests that lead from the signature over the envelope to the signature of the token. */
function requireSigned(response: TimestampResponse, signature: Uint8Array): void {
  const { tstInfo } = response;
  if (response.digestAlgorithm !== oids.sha256 || response.signatureAlgorithm !== oids.ecdsaWithSha256) {
    invalid('Only ECDSA with SHA-256 is accepted.');
  }
  if (
    response.contentType !== oids.tstInfo ||
    !equalBytes(response.messageDigest, sha256(response.tstInfoBytes))
  ) {
    invalid('Its signed attributes are about something else.');
  }
  if (tstInfo.imprintAlgorithm !== oids.sha256 || !equalBytes(tstInfo.imprint, sha256(signature))) {
    invalid('It is about another signature.');
  }
  if (tstInfo.extensions.some(({ critical }) => critical)) invalid('It has a critical extension.');
}

/**
 * Most of a token is outside its signature: the status, lists of algorithms, certificates, unsigned attributes. Readers
 * differ in what they make of those, so the token must be byte for byte what its signed parts imply.
 */
function requireNothingUnsigned(token: Uint8Array, response: TimestampResponse, { chain }: Authority): void {
  const [leaf] = chain;
  const carried = response.certificates;
  if (leaf === undefined || carried.length > 1 || carried.some((der) => !equalBytes(der, leaf.raw))) {
    invalid('It carries a certificate that is not its authority’s.');
  }
  if (
    ![sha256Algorithm, sha256AlgorithmWithNull].some((digest) => equalBytes(token, rebuild(response, digest)))
  ) {
    invalid('It holds something that nobody signed.');
  }
}

const der = (bytes: string): Uint8Array => fromHex(bytes) ?? new Uint8Array();

/** AlgorithmIdentifiers. RFC 5754 §2: SHA-256 is written without parameters, and with NULL by older software. */
const sha256Algorithm = der('300b0609608648016503040201');
const sha256AlgorithmWithNull = der('300d06096086480165030402010500');
const ecdsaWithSha256Algorithm = der('300a06082a8648ce3d040302');
/** Content types id-signedData and id-ct-TSTInfo. */
const signedDataType = der('06092a864886f70d010702');
const tstInfoType = der('060b2a864886f70d0109100104');
/** Versions of SignedData and SignerInfo; `PKIStatusInfo` of a token that was granted. */
const version3 = der('020103');
const version1 = der('020101');
const granted = der('3003020100');

/** The one `TimeStampResp` that carries these signed parts and nothing besides. */
function rebuild(response: TimestampResponse, digestAlgorithm: Uint8Array): Uint8Array {
  const { certificates, signerIssuer, signerSerial, signedAttributes, signature, tstInfoBytes } = response;
  const signer = tlv(
    sequence,
    version1,
    tlv(sequence, signerIssuer, tlv(integer, signerSerial)),
    digestAlgorithm,
    // Signed as a SET, carried under a tag of its own (RFC 5652 §5.4).
    concatBytes(Uint8Array.of(context0), signedAttributes.subarray(1)),
    ecdsaWithSha256Algorithm,
    tlv(octetString, signature),
  );
  const signedData = tlv(
    sequence,
    version3,
    tlv(set, digestAlgorithm),
    tlv(sequence, tstInfoType, tlv(context0, tlv(octetString, tstInfoBytes))),
    ...(certificates.length > 0 ? [tlv(context0, ...certificates)] : []),
    tlv(set, signer),
  );
  return tlv(sequence, granted, tlv(sequence, signedDataType, tlv(context0, signedData)));
}

const integer = 0x02;
const octetString = 0x04;
const sequence = 0x30;
const set = 0x31;
const context0 = 0xa0;

/** One DER element, of fewer than 65,536 bytes. */
function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return concatBytes(Uint8Array.from(head), ...parts);
}
