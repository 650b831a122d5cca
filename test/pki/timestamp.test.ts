import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Attribute,
  CMSVersion,
  CertificateChoices,
  CertificateSet,
  DigestAlgorithmIdentifier,
  DigestAlgorithmIdentifiers,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
  SignatureAlgorithmIdentifier,
} from '@peculiar/asn1-cms';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  MessageImprint,
  PKIStatus,
  PKIStatusInfo,
  TSTInfo,
  TSTInfoVersion,
  TimeStampResp,
  TimeStampToken,
} from '@peculiar/asn1-tsp';
import { AlgorithmIdentifier, Certificate, Time } from '@peculiar/asn1-x509';
import { describe, expect, it } from 'vitest';
import { octetString, oid, sequence } from '../../src/pki/der-write.ts';
import { oids } from '../../src/pki/oids.ts';
import { parseTimestampResponse } from '../../src/pki/parse-timestamp.ts';
import type { TimestampResponse } from '../../src/pki/parse-timestamp.ts';
import { generateEcdsaKey } from '../../src/pki/signer-node.ts';
import { createTimestampAuthority } from '../../src/pki/timestamp.ts';
import { testTrust } from './trust-system.ts';

const { system, tsaSigner, timestamps, now } = await testTrust();
const certificate = system.timestamp.certificate;
const message = new TextEncoder().encode('a signature');
const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe('a timestamp', () => {
  it('states the digest of what it stamps and the whole second it is at', () => {
    const { status, tstInfo } = parseTimestampResponse(timestamps.stamp(message, now + 1999));
    expect(status).toBe(0);
    expect(tstInfo).toMatchObject({
      policy: oids.timestampPolicy,
      imprintAlgorithm: oids.sha256,
      imprint: sha256(message),
      genTime: now + 1000,
      accuracy: undefined,
      extensions: [],
    });
  });

  it('has a serial number of its own', () => {
    const serials = Array.from({ length: 50 }, () =>
      Buffer.from(parseTimestampResponse(timestamps.stamp(message, now)).tstInfo.serial).toString('hex'),
    );
    expect(new Set(serials).size).toBe(50);
  });

  // ECDSA signatures are 70 to 72 bytes long, rarely shorter: the lengths of everything around them follow.
  it('is byte for byte what the ASN.1 library writes, whatever length its signature has', () => {
    for (const length of [8, 9, 20, 68, 69, 70, 71, 72]) {
      const signature = new Uint8Array(length).fill(7);
      signature.set([0x30, length - 2]);
      const signer = { ...tsaSigner, sign: () => signature };
      const token = createTimestampAuthority({ signer, certificate }).stamp(message, now);
      expect(token).toEqual(libraryResponse(parseTimestampResponse(token), now));
    }
    for (let i = 0; i < 10; i++) {
      const token = timestamps.stamp(message, now + i * 86_400_000);
      expect(token).toEqual(libraryResponse(parseTimestampResponse(token), now + i * 86_400_000));
    }
  });

  it('is the same from a signer that has to be waited for', async () => {
    const waiting = createTimestampAuthority({
      signer: { ...tsaSigner, sign: (data) => Promise.resolve(tsaSigner.sign(data)) },
      certificate,
    });
    // Two at once: neither may write into the other.
    const other = new TextEncoder().encode('another signature');
    const tokens = await Promise.all([waiting.stamp(message, now), waiting.stamp(other, now + 5000)]);
    expect(tokens.map((token) => parseTimestampResponse(token).tstInfo)).toMatchObject([
      { imprint: sha256(message), genTime: now },
      { imprint: sha256(other), genTime: now + 5000 },
    ]);
  });

  it('is refused outside the validity of its certificate', () => {
    const yearMs = 366 * 86_400_000;
    for (const time of [now - 1000, now + 10 * yearMs, Number.NaN]) {
      expect(() => timestamps.stamp(message, time)).toThrow(code('CERTIFICATE_NOT_VALID'));
    }
  });

  it('is refused when the key fails, or signs in another form', async () => {
    const failing = (sign: () => Uint8Array | Promise<Uint8Array>) =>
      createTimestampAuthority({ signer: { ...tsaSigner, sign }, certificate });
    const broken = (): never => {
      throw new Error('the key service is away');
    };
    expect(() => failing(broken).stamp(message, now)).toThrow(code('SIGNING_FAILED'));
    await expect(failing(async () => broken()).stamp(message, now)).rejects.toThrow(code('SIGNING_FAILED'));
    expect(() => failing(() => new Uint8Array(64)).stamp(message, now)).toThrow(code('SIGNING_FAILED'));
  });
});

describe('a timestamp authority', () => {
  it('refuses a key that is not its certificate’s', () => {
    const { signer } = generateEcdsaKey();
    expect(() => createTimestampAuthority({ signer, certificate })).toThrow(code('CONFIG_INVALID'));
  });

  it('refuses a certificate that is for something else', () => {
    const root = system.timestampRoot;
    expect(() => createTimestampAuthority({ signer: tsaSigner, certificate: root.certificate })).toThrow(
      code('CONFIG_INVALID'),
    );
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

it.skipIf(!hasOpenssl)('openssl verifies a timestamp with nothing but the root', () => {
  const home = mkdtempSync(join(tmpdir(), 'countersign-tsa-'));
  try {
    const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(system.timestampRoot.certificate).toString('base64')}\n-----END CERTIFICATE-----\n`;
    writeFileSync(join(home, 'root.pem'), pem.replace(/[^\n]{64}/g, '$&\n'));
    writeFileSync(join(home, 'data'), message);
    writeFileSync(join(home, 'token.tsr'), timestamps.stamp(message, now));
    const verify = (data: string) =>
      spawnSync(
        'openssl',
        [
          'ts',
          '-verify',
          '-in',
          'token.tsr',
          '-data',
          data,
          '-CAfile',
          'root.pem',
          '-attime',
          String(now / 1000),
        ],
        { cwd: home },
      ).status;
    expect(verify('data')).toBe(0);
    expect(verify('root.pem')).not.toBe(0);
  } finally {
    rmSync(home, { recursive: true });
  }
});

/** The same response, built by the library out of nothing but the values in it. */
function libraryResponse(own: TimestampResponse, time: number): Uint8Array {
  const tsa = AsnConvert.parse(certificate, Certificate);
  const digestAlgorithm = new DigestAlgorithmIdentifier({ algorithm: oids.sha256 });
  const tstInfo = AsnConvert.serialize(
    new TSTInfo({
      version: TSTInfoVersion.v1,
      policy: oids.timestampPolicy,
      messageImprint: new MessageImprint({
        hashAlgorithm: new AlgorithmIdentifier({ algorithm: oids.sha256 }),
        hashedMessage: new OctetString(sha256(message)),
      }),
      serialNumber: Uint8Array.from(own.tstInfo.serial).buffer,
      genTime: new Date(time),
    }),
  );
  const attribute = (attrType: string, value: ArrayBuffer): Attribute =>
    new Attribute({ attrType, attrValues: [value] });
  const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;
  const signerInfo = new SignerInfo({
    version: CMSVersion.v1,
    sid: new SignerIdentifier({
      issuerAndSerialNumber: new IssuerAndSerialNumber({
        issuer: tsa.tbsCertificate.issuer,
        serialNumber: tsa.tbsCertificate.serialNumber,
      }),
    }),
    digestAlgorithm,
    signedAttrs: [
      attribute(oids.contentType, buffer(oid(oids.tstInfo))),
      attribute(oids.signingTime, AsnConvert.serialize(new Time(new Date(time)))),
      attribute(oids.messageDigest, buffer(octetString(sha256(new Uint8Array(tstInfo))))),
      attribute(
        oids.signingCertificateV2,
        buffer(sequence(sequence(sequence(octetString(sha256(certificate)))))),
      ),
    ],
    signatureAlgorithm: new SignatureAlgorithmIdentifier({ algorithm: oids.ecdsaWithSha256 }),
    signature: new OctetString(own.signature),
  });
  const signedData = new SignedData({
    version: CMSVersion.v3,
    digestAlgorithms: new DigestAlgorithmIdentifiers([digestAlgorithm]),
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: oids.tstInfo,
      eContent: new EncapsulatedContent({ single: new OctetString(tstInfo) }),
    }),
    certificates: new CertificateSet([new CertificateChoices({ certificate: tsa })]),
    signerInfos: new SignerInfos([signerInfo]),
  });
  const response = new TimeStampResp({
    status: new PKIStatusInfo({ status: PKIStatus.granted }),
    timeStampToken: new TimeStampToken({
      contentType: oids.signedData,
      content: AsnConvert.serialize(signedData),
    }),
  });
  return new Uint8Array(AsnConvert.serialize(response));
}

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
