import { createHash, createPublicKey, verify } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import { Certificate as LibraryCertificate } from '@peculiar/asn1-x509';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/call/bytes.ts';
import { octetString, oid, sequence, smallInteger, tlv } from '../../src/pki/der-write.ts';
import { tag } from '../../src/pki/der.ts';
import { oids } from '../../src/pki/oids.ts';
import { keyUsage, parseCertificate, precertificateTbs } from '../../src/pki/parse-certificate.ts';
import { parseSctList, sctSigningInput } from '../../src/pki/parse-sct.ts';
import { expectStrictUnderMutation } from './mutations.ts';
import { vectorCertificate, vectorJson } from './vectors.ts';

const invalid = expect.objectContaining({ code: 'FRAME_INVALID' });
const leafDer = vectorCertificate('leaf.pem');
const leaf = parseCertificate(leafDer);
const issuing = parseCertificate(vectorCertificate('inter.pem'));

describe('a signing certificate', () => {
  it('is read field by field', () => {
    expect(leaf).toMatchObject({
      notBefore: Date.UTC(2026, 10, 21, 21, 16, 31),
      notAfter: Date.UTC(2026, 10, 21, 22, 17, 31),
      signatureAlgorithm: oids.ecdsaWithSha256,
      san: { uris: ['spiffe://example.org/governor/gw-1'], others: 0, critical: false },
      keyUsage: keyUsage.digitalSignature,
      extendedKeyUsage: [oids.codeSigning],
      isCa: false,
      issuerUrl: 'https://ca.example.org',
    });
    expect(leaf.subject).toEqual(sequence());
    expect(leaf.issuer).toEqual(issuing.subject);
    expect(leaf.authorityKeyId).toEqual(issuing.subjectKeyId);
    expect(leaf.extensions.filter(({ critical }) => critical).map((extension) => extension.oid)).toEqual([
      oids.keyUsage,
      oids.basicConstraints,
    ]);
  });

  it('carries the signature of its issuer over its TBS', () => {
    const key = createPublicKey({ key: Buffer.from(issuing.spki), format: 'der', type: 'spki' });
    expect(verify('sha256', leaf.tbs, key, leaf.signature)).toBe(true);
  });

  it('carries an SCT over its precertificate', () => {
    const trust = vectorJson('trusted_root.json') as { ctlogs: [{ publicKey: { rawBytes: string } }] };
    const ct = Buffer.from(trust.ctlogs[0].publicKey.rawBytes, 'base64');
    const [sct, ...more] = parseSctList(leaf.sctList ?? new Uint8Array());
    expect(more).toEqual([]);
    expect(sct?.logId).toEqual(sha256(ct));
    expect(sct).toMatchObject({ timestamp: Date.UTC(2026, 10, 21, 21, 17, 31), hash: 4, algorithm: 3 });
    const signed = sct && sctSigningInput(sct, sha256(issuing.spki), precertificateTbs(leaf));
    const key = createPublicKey({ key: ct, format: 'der', type: 'spki' });
    expect(verify('sha256', signed ?? new Uint8Array(), key, sct?.signature ?? new Uint8Array())).toBe(true);
  });
});

it('an issuing certificate states that it is a CA, with its path length and uses', () => {
  expect(issuing).toMatchObject({
    isCa: true,
    pathLength: 0,
    keyUsage: keyUsage.keyCertSign | keyUsage.crlSign,
    san: undefined,
  });
});

it.each(['leaf.pem', 'inter.pem', 'root.pem', 'tleaf.pem', 'troot.pem'])(
  'the parser and the ASN.1 library read the same out of %s',
  (name) => {
    const der = vectorCertificate(name);
    const own = parseCertificate(der);
    const { tbsCertificate, signatureAlgorithm, signatureValue } = AsnConvert.parse(der, LibraryCertificate);
    expect(own.tbs).toEqual(serialised(tbsCertificate));
    expect(own.serial).toEqual(new Uint8Array(tbsCertificate.serialNumber));
    expect(own.issuer).toEqual(serialised(tbsCertificate.issuer));
    expect(own.subject).toEqual(serialised(tbsCertificate.subject));
    expect(own.spki).toEqual(serialised(tbsCertificate.subjectPublicKeyInfo));
    expect(own.notBefore).toBe(tbsCertificate.validity.notBefore.getTime().getTime());
    expect(own.notAfter).toBe(tbsCertificate.validity.notAfter.getTime().getTime());
    expect(own.signatureAlgorithm).toBe(signatureAlgorithm.algorithm);
    expect(own.signature).toEqual(new Uint8Array(signatureValue));
    expect(own.extensions.map((extension) => [extension.oid, extension.critical, extension.value])).toEqual(
      tbsCertificate.extensions?.map((extension) => [
        extension.extnID,
        extension.critical,
        new Uint8Array(extension.extnValue.buffer),
      ]),
    );
  },
);

describe('the parser refuses a certificate', () => {
  const extension = (type: string, value: Uint8Array): Uint8Array => sequence(oid(type), octetString(value));
  /** The leaf with other extensions, or with other bytes in place of the first bytes that are equal to `from`. */
  const withExtensions = (...extensions: Uint8Array[]): Uint8Array => {
    const own = leaf.extensions.map(({ raw }) => raw);
    const before = tlv(tag.context(3), sequence(...own));
    const after = tlv(tag.context(3), sequence(...own, ...extensions));
    const fields = leaf.tbs.subarray(4, leaf.tbs.length - before.length);
    return sequence(sequence(fields, after), leafDer.subarray(4 + leaf.tbs.length));
  };

  it('not for one more extension', () => {
    expect(parseCertificate(withExtensions(extension('1.2.3', sequence()))).extensions).toHaveLength(9);
  });

  it.each([
    ['with the same extension twice', withExtensions(extension(oids.keyUsage, sequence()))],
    [
      'that spells out that an extension is not critical',
      withExtensions(sequence(oid('1.2.3'), tlv(tag.boolean, Uint8Array.of(0)), octetString(sequence()))),
    ],
    [
      'with a field after the extensions',
      withExtensions(sequence(oid('1.2.3'), octetString(sequence()), sequence())),
    ],
    ['with bytes after it', concatBytes(leafDer, Uint8Array.of(0))],
    ['that is cut off', leafDer.subarray(0, -1)],
    ['that is larger than any', sequence(new Uint8Array(20_000))],
    ['that is another element', smallInteger(1)],
    ['of nothing', new Uint8Array(0)],
  ])('%s', (_what, der) => {
    expect(() => parseCertificate(der)).toThrow(invalid);
  });

  it('whatever bytes of it are changed, or reads it', () => {
    expectStrictUnderMutation(leafDer, (bytes) => {
      const certificate = parseCertificate(bytes);
      precertificateTbs(certificate);
      if (certificate.sctList) parseSctList(certificate.sctList);
    });
  });
});

function serialised(value: unknown): Uint8Array {
  return new Uint8Array(AsnConvert.serialize(value));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
