import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension } from '@peculiar/x509';
import { hex } from '../call/bytes.ts';
import { randomBytes } from '../call/random.ts';
import { CountersignError } from '../errors.ts';
import { authorityNames as names } from './authority-names.ts';

/**
 * Makes a whole private trust system, what `init` puts into a home, or the part of one that takes another's place. It runs on WebCrypto alone. It loads an X.509
 * library, so whoever only uses a trust system does not import this file.
 */

export interface TrustSystemOptions {
  /** The SPIFFE trust domain, the organisation in every name. */
  readonly trustDomain: string;
  /** Wall milliseconds; certificates start at this whole second. */
  readonly now: number;
  /** Years that roots, issuing CA and timestamp certificate live. */
  readonly years?: number;
}

export interface CertifiedKey {
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** DER. */
  readonly certificate: Uint8Array;
}

export interface BareKey {
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

/** Every key is another one, so that none of them speaks for two roles. */
export interface TrustSystem {
  /** Signed the issuing CA; needed again only to replace it, so it may be kept elsewhere. */
  readonly root: CertifiedKey;
  /** Issues signing certificates. */
  readonly issuing: CertifiedKey;
  readonly timestampRoot: CertifiedKey;
  readonly timestamp: CertifiedKey;
  /** P-256: signs the SCTs in signing certificates. */
  readonly ct: BareKey;
  /** Ed25519: signs checkpoints. */
  readonly log: BareKey;
  /** Wall milliseconds from which all of it is valid. */
  readonly validFrom: number;
}

type KeyPair = Awaited<ReturnType<typeof generateP256>>;
const authority = new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true);
const ecdsaP256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Throws CONFIG_INVALID for a trust domain that SPIFFE does not admit. */
export async function createTrustSystem(options: TrustSystemOptions): Promise<TrustSystem> {
  const [ca, timestamps, ct, log] = await Promise.all([
    createCertificateAuthority(options),
    createTimestampChain(options),
    createCtKey(),
    createLogKey(),
  ]);
  return { ...ca, ...timestamps, ct, log, validFrom: startOf(options).getTime() };
}

/** A root, and the CA below it that issues signing certificates. */
export async function createCertificateAuthority(
  options: TrustSystemOptions,
): Promise<Pick<TrustSystem, 'root' | 'issuing'>> {
  const certify = certifier(options);
  const [root, issuing] = await Promise.all([generateP256(), generateP256()]);
  return {
    root: await certifyRoot(certify, names.root, root),
    issuing: await certify(names.issuing, issuing, names.root, root, [
      authority,
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.codeSigning]),
      new BasicConstraintsExtension(true, 0, true),
    ]),
  };
}

/** A root, and what stamps below it. */
export async function createTimestampChain(
  options: TrustSystemOptions,
): Promise<Pick<TrustSystem, 'timestampRoot' | 'timestamp'>> {
  const certify = certifier(options);
  const [root, timestamp] = await Promise.all([generateP256(), generateP256()]);
  return {
    timestampRoot: await certifyRoot(certify, names.timestampRoot, root),
    timestamp: await certify(names.timestamp, timestamp, names.timestampRoot, root, [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      // Critical and alone: RFC 3161 §2.3.
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.timeStamping], true),
      new BasicConstraintsExtension(false, undefined, true),
    ]),
  };
}

/**
 * The root that certifies agents. It is in no trusted root: verifiers of statements that look at no extended key usage would take
 * an agent's certificate for a gate's.
 */
export async function createWorkloadAuthority(options: TrustSystemOptions): Promise<CertifiedKey> {
  const keys = await generateP256();
  return certifier(options)(names.workload, keys, names.workload, keys, [
    new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    // It issues to agents itself, and to no other authority.
    new BasicConstraintsExtension(true, 0, true),
    // The trust domain without a path, as the X.509-SVID specification wants it of those who sign (§3.2).
    new SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${options.trustDomain}` }]),
  ]);
}

/** P-256, for SCTs. */
export async function createCtKey(): Promise<BareKey> {
  return bareKey(await generateP256());
}

/** Ed25519, for checkpoints. */
export async function createLogKey(): Promise<BareKey> {
  return bareKey((await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as KeyPair);
}

type Certify = ReturnType<typeof certifier>;

function certifyRoot(certify: Certify, name: string, keys: KeyPair): Promise<CertifiedKey> {
  return certify(name, keys, name, keys, [authority, new BasicConstraintsExtension(true, undefined, true)]);
}

function startOf({ now }: TrustSystemOptions): Date {
  return new Date(Math.floor(now / 1000) * 1000);
}

function certifier(options: TrustSystemOptions) {
  const { trustDomain: organisation, years = 10 } = options;
  if (!/^[a-z0-9._-]{1,255}$/.test(organisation)) {
    throw new CountersignError(
      'CONFIG_INVALID',
      'a trust domain is lower-case letters, digits, dots, hyphens',
    );
  }
  const notBefore = startOf(options);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + years);
  return async (
    subject: string,
    keys: KeyPair,
    issuer: string,
    issuerKeys: KeyPair,
    extensions: Extension[],
  ): Promise<CertifiedKey> => {
    const certificate = await X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      subject: [{ O: [organisation] }, { CN: [subject] }],
      issuer: [{ O: [organisation] }, { CN: [issuer] }],
      notBefore,
      notAfter,
      signingAlgorithm: ecdsaP256,
      publicKey: keys.publicKey,
      signingKey: issuerKeys.privateKey,
      extensions: [
        ...extensions,
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
      ],
    });
    return { privateKey: await privatePem(keys), certificate: new Uint8Array(certificate.rawData) };
  };
}

/** 16 random bytes in hexadecimal, positive as an INTEGER. */
function randomSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return hex(bytes);
}

async function generateP256() {
  return crypto.subtle.generateKey(ecdsaP256, true, ['sign', 'verify']);
}

async function bareKey(keys: KeyPair): Promise<BareKey> {
  const publicKey = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
  return { privateKey: await privatePem(keys), publicKey };
}

async function privatePem(keys: KeyPair): Promise<string> {
  return PemConverter.encode(
    await crypto.subtle.exportKey('pkcs8', keys.privateKey),
    PemConverter.PrivateKeyTag,
  );
}
