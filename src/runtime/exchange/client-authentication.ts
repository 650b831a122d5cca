import { ClientSecretBasic, PrivateKeyJwt, type ClientAuth } from 'oauth4webapi';
import { CountersignError } from '../../errors.ts';
import { fromBase64 } from '../../call/sha256.ts';

/** Keys that sign `private_key_jwt` (RFC 7523), by what WebCrypto takes them for. */
const algorithms = [
  { name: 'ECDSA', namedCurve: 'P-256' },
  { name: 'Ed25519' },
  { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
] as const;

export function secretAuthentication(secret: string): ClientAuth {
  return ClientSecretBasic(secret);
}

/**
 * @param pem PKCS#8, unencrypted: P-256 (ES256), Ed25519 (EdDSA) or RSA (RS256).
 * @param file For messages, which repeat nothing of it.
 * @throws CountersignError `CONFIG_INVALID`
 */
export async function keyAuthentication(
  pem: string,
  keyId: string | undefined,
  file: string,
): Promise<ClientAuth> {
  const [, body = ''] = /-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----/.exec(pem) ?? [];
  const bytes = fromBase64(body.replace(/\s/g, ''));
  for (const algorithm of bytes && bytes.length > 0 ? algorithms : []) {
    try {
      const key = await crypto.subtle.importKey('pkcs8', new Uint8Array(bytes!), algorithm, false, ['sign']);
      return PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId });
    } catch {
      // It is a key of another kind.
    }
  }
  throw new CountersignError(
    'CONFIG_INVALID',
    `${file} is no private key that can be used: PKCS#8 in PEM, P-256, Ed25519 or RSA, not encrypted.`,
  );
}
