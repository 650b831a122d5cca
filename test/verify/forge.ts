import { utf8 } from '../../src/call/bytes.ts';
import { sha256 } from '../../src/call/sha256.ts';
import { tag } from '../../src/pki/der.ts';
import {
  bitString,
  octetString,
  oid,
  sequence,
  smallInteger,
  time,
  tlv,
  utf8String,
} from '../../src/pki/der-write.ts';
import { oids } from '../../src/pki/oids.ts';
import { parseCertificate } from '../../src/pki/parse-certificate.ts';
import { encodeSctList, sctSigningInput } from '../../src/pki/parse-sct.ts';
import { generateEcdsaKey } from '../../src/pki/signer-node.ts';
import type { SigningIdentity, SyncSigner } from '../../src/pki/signer.ts';
import type { TestTrustSystem } from '../support/trust-system.ts';

/** What a dishonest or careless CA could put into a signing certificate. Everything not named is as it should be. */
export interface Forgery {
  /** Extension OID → DER value, or null to leave it out. */
  readonly extensions?: Readonly<Record<string, Uint8Array | null>>;
  /** Extensions to mark critical, beside the usual ones. */
  readonly critical?: readonly string[];
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly subject?: Uint8Array;
  readonly issuer?: Uint8Array;
  /** Who signs the certificate. */
  readonly caSigner?: SyncSigner;
  readonly ctSigner?: SyncSigner;
  readonly sctTime?: number;
  /** How many SCTs; 0 leaves the extension out. */
  readonly scts?: number;
  readonly sctAlgorithm?: number;
  /** As logs of static tiles put an entry's index there. */
  readonly sctExtensions?: Uint8Array;
}

export const san = (...uris: readonly string[]): Uint8Array =>
  sequence(...uris.map((uri) => tlv(tag.contextPrimitive(6), utf8(uri))));
export const keyUsageBits = (unused: number, byte: number): Uint8Array =>
  tlv(tag.bitString, Uint8Array.of(unused, byte));
export const purposes = (...names: readonly string[]): Uint8Array =>
  sequence(...names.map((name) => oid(name)));

/** A signing identity whose certificate is forged so, with correct signatures all over it. */
export function forgeIdentity(system: TestTrustSystem, forgery: Forgery = {}): SigningIdentity {
  const ca = parseCertificate(system.keys.issuing.certificate);
  const { signer } = generateEcdsaKey();
  const notBefore = forgery.notBefore ?? system.now - 60_000;
  const notAfter = forgery.notAfter ?? system.now + 3_600_000;
  const values: Record<string, Uint8Array | null> = {
    [oids.keyUsage]: keyUsageBits(7, 0x80),
    [oids.extendedKeyUsage]: purposes(oids.codeSigning),
    [oids.basicConstraints]: sequence(),
    [oids.authorityKeyIdentifier]: sequence(
      tlv(tag.contextPrimitive(0), ca.subjectKeyId ?? new Uint8Array()),
    ),
    [oids.subjectAltName]: san('spiffe://test.example/gate/one'),
    [oids.fulcioIssuer]: utf8String('https://ca.test.example'),
    ...forgery.extensions,
  };
  const critical = [oids.keyUsage, oids.basicConstraints, oids.subjectAltName, ...(forgery.critical ?? [])];
  const extensions = Object.entries(values).flatMap(([type, value]) =>
    value === null ? [] : [extension(type, value, critical.includes(type))],
  );
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const tbs = (all: readonly Uint8Array[]): Uint8Array =>
    sequence(
      tlv(tag.context(0), smallInteger(2)),
      tlv(tag.integer, Uint8Array.of(0x41, 1, 2, 3)),
      algorithm,
      forgery.issuer ?? ca.subject,
      sequence(time(notBefore), time(notAfter)),
      forgery.subject ?? sequence(),
      signer.publicKey,
      tlv(tag.context(3), sequence(...all)),
    );
  const count = forgery.scts ?? 1;
  const ctSigner = forgery.ctSigner ?? system.ctSigner;
  const sct = {
    timestamp: forgery.sctTime ?? system.now - 60_000,
    extensions: forgery.sctExtensions ?? new Uint8Array(),
  };
  const signed = {
    ...sct,
    logId: sha256(ctSigner.publicKey),
    hash: 4,
    algorithm: forgery.sctAlgorithm ?? 3,
    signature: ctSigner.sign(sctSigningInput(sct, sha256(ca.spki), tbs(extensions))),
  };
  const list = extension(
    oids.sctList,
    octetString(encodeSctList(Array.from({ length: count }, () => signed))),
    false,
  );
  const whole = tbs(count === 0 ? extensions : [...extensions, list]);
  const signature = (forgery.caSigner ?? system.caSigner).sign(whole);
  const certificate = sequence(whole, algorithm, bitString(signature));
  return { signer, certificate, issuer: system.keys.issuing.certificate, notBefore, notAfter };
}

function extension(type: string, value: Uint8Array, critical: boolean): Uint8Array {
  return sequence(
    oid(type),
    ...(critical ? [tlv(tag.boolean, Uint8Array.of(0xff))] : []),
    octetString(value),
  );
}
