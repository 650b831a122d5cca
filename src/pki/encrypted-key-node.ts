import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CountersignError } from '../errors.ts';
import { integer, octetString, oid, sequence } from './der-write.ts';
import { oids } from './oids.ts';

/**
 * Private keys at rest: PKCS#8 `EncryptedPrivateKeyInfo` (RFC 5958 §3) under PBES2 (RFC 8018 §6.2) with scrypt (RFC 7914 §7)
 * and AES-256-CBC. It is what `openssl pkcs8 -topk8 -scrypt` writes; node:crypto reads it, but writes PBKDF2 only.
 */

/** OpenSSL's own cost: 16 MiB and some tens of milliseconds a key. */
const cost = { N: 16_384, r: 8, p: 1 } as const;
const saltBytes = 16;
const keyBytes = 32;
const ivBytes = 16;

/** OpenSSL's reader has no room for more. */
const maxPassphraseBytes = 1_024;

const label = 'ENCRYPTED PRIVATE KEY';

export function isEncryptedPem(pem: string): boolean {
  return pem.trimStart().startsWith(`-----BEGIN ${label}-----`);
}

/** PEM. Throws CONFIG_INVALID for a passphrase that is empty or longer than 1,024 bytes. */
export function encryptPrivateKey(key: KeyObject, passphrase: string): string {
  const secret = Buffer.from(passphrase, 'utf8');
  if (secret.length === 0 || secret.length > maxPassphraseBytes) {
    throw new CountersignError(
      'CONFIG_INVALID',
      `A passphrase for keys has 1 to ${maxPassphraseBytes} bytes of UTF-8.`,
    );
  }
  const salt = randomBytes(saltBytes);
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-cbc', scryptSync(secret, salt, keyBytes, cost), iv);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  return pemOf(
    sequence(
      sequence(
        oid(oids.pbes2),
        sequence(
          // `keyLength` is left out, as the cipher has only one.
          sequence(
            oid(oids.scrypt),
            sequence(octetString(salt), integer(cost.N), integer(cost.r), integer(cost.p)),
          ),
          sequence(oid(oids.aes256Cbc), octetString(iv)),
        ),
      ),
      octetString(Buffer.concat([cipher.update(plain), cipher.final()])),
    ),
  );
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
