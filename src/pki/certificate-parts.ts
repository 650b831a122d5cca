import { randomBytes } from '../call/random.ts';
import { sha256 } from '../call/sha256.ts';
import { tag } from './der.ts';
import { bitString, octetString, oid, sequence, smallInteger, tlv } from './der-write.ts';
import { oids } from './oids.ts';
import type { Certificate } from './parse-certificate.ts';
import type { Signer } from './signer.ts';

/** What the certificates that are written here have in common. Each issues P-256 under P-256, with an empty subject. */

export const ecdsaWithSha256 = sequence(oid(oids.ecdsaWithSha256));

/** Adds the signature of `signer`: the certificate, DER. */
export async function signCertificate(tbs: Uint8Array, signer: Signer): Promise<Uint8Array> {
  return sequence(tbs, ecdsaWithSha256, bitString(await signer.sign(tbs)));
}

export function tbsCertificate(fields: readonly Uint8Array[], extensions: readonly Uint8Array[]): Uint8Array {
  return sequence(...fields, tlv(tag.context(3), sequence(...extensions)));
}

export const version3 = tlv(tag.context(0), smallInteger(2));

/** 16 random bytes: positive, and 16 bytes long as DER. */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x3f) | 0x40;
  return serial;
}

export function extension(type: string, value: Uint8Array, critical?: 'critical'): Uint8Array {
  const flag = critical ? [tlv(tag.boolean, Uint8Array.of(0xff))] : [];
  return sequence(oid(type), ...flag, octetString(value));
}

/** `digitalSignature` and nothing else. */
export function signatureUsage(): Uint8Array {
  return extension(oids.keyUsage, tlv(tag.bitString, Uint8Array.of(7, 0x80)), 'critical');
}

/** CA:false. */
export function endEntity(): Uint8Array {
  return extension(oids.basicConstraints, sequence(), 'critical');
}

/** Which key it is, and which one signed it. */
export function keyIdentifiers(publicKey: Uint8Array, ca: Certificate): Uint8Array[] {
  return [
    extension(oids.subjectKeyIdentifier, octetString(keyIdentifier(publicKey))),
    extension(
      oids.authorityKeyIdentifier,
      sequence(tlv(tag.contextPrimitive(0), ca.subjectKeyId ?? keyIdentifier(ca.spki))),
    ),
  ];
}

/** RFC 7093 §2 method 4: a digest of the whole SubjectPublicKeyInfo, cut to the 160 bits that are customary. */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  return sha256(spki).subarray(0, 20);
}
