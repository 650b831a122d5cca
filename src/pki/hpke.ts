import {
  Aes128Gcm,
  Aes256Gcm,
  CipherSuite,
  DhkemP256HkdfSha256,
  DhkemX25519HkdfSha256,
  HkdfSha256,
} from '@hpke/core';
import { fromBase64 } from '../call/sha256.ts';

/** Hybrid public key encryption (RFC 9180) in mode base, single shot, through WebCrypto. */

/** Identifiers of the suite that was used, and what it made (RFC 9180 §7). */
export interface HpkeSealed {
  readonly kem: number;
  readonly kdf: number;
  readonly aead: number;
  /** The encapsulated key. */
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface HpkeRecipient {
  readonly kem: 'DHKEM(P-256, HKDF-SHA256)' | 'DHKEM(X25519, HKDF-SHA256)';
  /** As the KEM serializes it. */
  readonly publicKey: Uint8Array;
}

/** What a ciphertext is bound to: it opens with exactly these. */
export interface HpkeContext {
  readonly info: Uint8Array;
  readonly aad: Uint8Array;
}

const kemIds = { 'DHKEM(P-256, HKDF-SHA256)': 0x0010, 'DHKEM(X25519, HKDF-SHA256)': 0x0020 } as const;
const hkdfSha256 = 0x0001;
/** What is sealed here is sealed with AES-256-GCM; what others sealed may be AES-128-GCM. */
const aes256Gcm = 0x0002;

const kems = new Map<number, () => DhkemP256HkdfSha256 | DhkemX25519HkdfSha256>([
  [kemIds['DHKEM(P-256, HKDF-SHA256)'], () => new DhkemP256HkdfSha256()],
  [kemIds['DHKEM(X25519, HKDF-SHA256)'], () => new DhkemX25519HkdfSha256()],
]);
const aeads = new Map<number, () => Aes128Gcm | Aes256Gcm>([
  [0x0001, () => new Aes128Gcm()],
  [aes256Gcm, () => new Aes256Gcm()],
]);

function suiteOf(kem: number, kdf: number, aead: number): CipherSuite | undefined {
  const [makeKem, makeAead] = [kems.get(kem), aeads.get(aead)];
  if (kdf !== hkdfSha256 || makeKem === undefined || makeAead === undefined) return undefined;
  return new CipherSuite({ kem: makeKem(), kdf: new HkdfSha256(), aead: makeAead() });
}

interface Ready {
  readonly suite: CipherSuite;
  readonly recipientPublicKey: HpkeKey;
}

/** Importing a key costs more than using it, and a policy has few. */
const ready = new WeakMap<HpkeRecipient, Promise<Ready>>();

async function prepare({ kem, publicKey }: HpkeRecipient): Promise<Ready> {
  const suite = suiteOf(kemIds[kem], hkdfSha256, aes256Gcm);
  if (suite === undefined) throw new TypeError('There is no such suite.');
  return { suite, recipientPublicKey: (await suite.kem.deserializePublicKey(publicKey)) as HpkeKey };
}

/** A key as WebCrypto holds it. */
export type HpkeKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Seals to a public key. Rejects when that is no key of its KEM, or the runtime lacks the curve. */
export async function hpkeSeal(
  recipient: HpkeRecipient,
  plaintext: Uint8Array,
  { info, aad }: HpkeContext,
): Promise<HpkeSealed> {
  let preparing = ready.get(recipient);
  if (preparing === undefined) ready.set(recipient, (preparing = prepare(recipient)));
  const { suite, recipientPublicKey } = await preparing;
  const { enc, ct } = await suite.seal({ recipientPublicKey, info }, plaintext, aad);
  return {
    kem: kemIds[recipient.kem],
    kdf: hkdfSha256,
    aead: aes256Gcm,
    enc: new Uint8Array(enc),
    ciphertext: new Uint8Array(ct),
  };
}

/** The plaintext; undefined when this key does not open it in this context, or the suite is not known. */
export async function hpkeOpen(
  recipientKey: HpkeKey,
  { kem, kdf, aead, enc, ciphertext }: HpkeSealed,
  { info, aad }: HpkeContext,
): Promise<Uint8Array | undefined> {
  const suite = suiteOf(kem, kdf, aead);
  if (suite === undefined) return undefined;
  try {
    return new Uint8Array(await suite.open({ recipientKey, enc, info }, ciphertext, aad));
  } catch {
    // Another key, another context, a changed byte: they can't be told apart.
    return undefined;
  }
}

const curves = [{ name: 'ECDH', namedCurve: 'P-256' }, { name: 'X25519' }] as const;

/** A private key to open with: PKCS#8 in PEM, or a JWK. Undefined when it is neither, or of another curve. */
export async function readHpkePrivateKey(text: string): Promise<HpkeKey | undefined> {
  const pem = /^\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/.exec(text);
  const der = pem && fromBase64((pem[1] ?? '').replace(/\s/g, ''));
  const jwk = der ? undefined : jwkOf(text);
  for (const curve of curves) {
    try {
      // Extractable: the KEM derives the public key from it.
      if (der) return await crypto.subtle.importKey('pkcs8', der, curve, true, ['deriveBits']);
      if (jwk) return await crypto.subtle.importKey('jwk', jwk, curve, true, ['deriveBits']);
    } catch {
      // Of the other curve, or none of ours.
    }
  }
  return undefined;
}

/** Only what makes the key: a JWK may forbid, by `use` or `key_ops`, what its owner does with it here. */
function jwkOf(text: string): Record<string, string> | undefined {
  try {
    const { kty, crv, x, y, d } = JSON.parse(text) as Record<string, string>;
    if (typeof d !== 'string') return undefined;
    return { ...(kty && { kty }), ...(crv && { crv }), ...(x && { x }), ...(y && { y }), d };
  } catch {
    return undefined;
  }
}
