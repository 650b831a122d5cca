import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { webcrypto } from 'node:crypto';

/** Certificates as other software makes them: these by @peculiar/x509. */

export type Algorithm = 'ES256' | 'ES384' | 'RS256' | 'RS384' | 'RS512';

type KeyPair = webcrypto.CryptoKeyPair;

export interface Made {
  readonly der: Uint8Array;
  readonly certificate: x509.X509Certificate;
  readonly keys: KeyPair;
  readonly algorithm: Algorithm;
}

export interface Wanted {
  readonly name?: string;
  readonly by?: Made;
  readonly algorithm?: Algorithm;
  /** Of somebody who has that key already. */
  readonly keys?: KeyPair;
  readonly from?: number;
  readonly until?: number;
  readonly serial?: string;
  readonly extensions?: readonly x509.Extension[];
}

const crypto = webcrypto;
x509.cryptoProvider.set(crypto);

const shapes = {
  ES256: { key: { name: 'ECDSA', namedCurve: 'P-256' }, sign: { name: 'ECDSA', hash: 'SHA-256' } },
  ES384: { key: { name: 'ECDSA', namedCurve: 'P-384' }, sign: { name: 'ECDSA', hash: 'SHA-384' } },
  RS256: rsa('SHA-256'),
  RS384: rsa('SHA-384'),
  RS512: rsa('SHA-512'),
};

function rsa(hash: string) {
  const name = 'RSASSA-PKCS1-v1_5';
  const key = { name, hash, modulusLength: 2_048, publicExponent: Uint8Array.of(1, 0, 1) };
  return { key, sign: { name, hash } };
}

const { KeyUsageFlags: flags } = x509;
export const clientAuth = x509.ExtendedKeyUsage.clientAuth;

export const usage = (bits: number): x509.Extension => new x509.KeyUsagesExtension(bits, true);
export const purposes = (...oids: string[]): x509.Extension => new x509.ExtendedKeyUsageExtension(oids);
export const constraints = (isCa: boolean, length?: number): x509.Extension =>
  new x509.BasicConstraintsExtension(isCa, length, true);
export const uris = (...values: string[]): x509.Extension =>
  new x509.SubjectAlternativeNameExtension(values.map((value) => ({ type: 'url', value }) as const));

/** What a CA has. */
export const caExtensions = (length?: number): x509.Extension[] => [
  constraints(true, length),
  usage(flags.keyCertSign | flags.cRLSign),
];
/** What a client's certificate has, beside its names. */
export const clientExtensions: readonly x509.Extension[] = [
  constraints(false),
  usage(flags.digitalSignature),
  purposes(clientAuth),
];

export const now = Date.UTC(2026, 10, 22, 12);
const hour = 3_600_000;

/** A certificate; its own issuer unless told. */
export async function make(wanted: Wanted): Promise<Made> {
  const { by, algorithm = 'ES256', name = 'CN=somebody', extensions = [] } = wanted;
  const keys =
    wanted.keys ?? (await crypto.subtle.generateKey(shapes[algorithm].key, true, ['sign', 'verify']));
  const pair: KeyPair = keys;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: by?.certificate.subject ?? name,
    serialNumber: wanted.serial ?? '01',
    notBefore: new Date(wanted.from ?? now - hour),
    notAfter: new Date(wanted.until ?? now + hour),
    publicKey: pair.publicKey,
    signingKey: (by?.keys ?? pair).privateKey,
    signingAlgorithm: shapes[by?.algorithm ?? algorithm].sign,
    extensions: [...extensions],
  });
  return { der: new Uint8Array(certificate.rawData), certificate, keys: pair, algorithm };
}

export const makeRoot = (wanted: Wanted = {}): Promise<Made> =>
  make({ name: 'CN=root', extensions: caExtensions(), ...wanted });
export { flags as keyUsageFlags, x509 };

/** PEM of a certificate, followed by what it came by. */
export function pemOf(...made: readonly Made[]): string {
  return made.map(({ certificate }) => `${certificate.toString('pem')}\n`).join('');
}

/** PEM of its private key. */
export async function keyPemOf({ keys }: Made): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
}
