import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { integer } from '../../src/pki/der-write.ts';
import { encryptPrivateKey, isEncryptedPem } from '../../src/pki/encrypted-key-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-encrypted-key-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keys = [
  ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['Ed25519', generateKeyPairSync('ed25519').privateKey],
] as const;
const passphrase = 'correct horse — batterie ü';

function openssl(args: readonly string[], input?: string): string {
  return execFileSync('openssl', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

function hasOpenssl(): boolean {
  try {
    openssl(['version']);
    return true;
  } catch {
    return false;
  }
}

function fileWith(text: string): string {
  const path = join(folder, crypto.randomUUID());
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('a private key that is encrypted at rest', () => {
  it.each(keys)('is read again by node:crypto (%s), and by nobody without the passphrase', (_name, key) => {
    const pem = encryptPrivateKey(key, passphrase);
    expect(createPrivateKey({ key: pem, passphrase }).equals(key)).toBe(true);
    expect(() => createPrivateKey({ key: pem, passphrase: `${passphrase} ` })).toThrow();
    expect(() => createPrivateKey(pem)).toThrow();
    expect(isEncryptedPem(pem)).toBe(true);
    expect(isEncryptedPem(key.export({ type: 'pkcs8', format: 'pem' }).toString())).toBe(false);
  });

  it('is another text each time: salt and vector are random', () => {
    const [, key] = keys[0];
    expect(encryptPrivateKey(key, passphrase)).not.toBe(encryptPrivateKey(key, passphrase));
  });

  it('has a passphrase of 1 to 1,024 bytes, which is all that OpenSSL’s reader takes', () => {
    const [, key] = keys[1];
    for (const wrong of ['', 'x'.repeat(1_025), 'ü'.repeat(513)]) {
      expect(() => encryptPrivateKey(key, wrong)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      );
    }
    const longest = 'x'.repeat(1_024);
    const pem = encryptPrivateKey(key, longest);
    expect(createPrivateKey({ key: pem, passphrase: longest }).equals(key)).toBe(true);
  });

  describe.skipIf(!hasOpenssl())('and OpenSSL', () => {
    const secret = fileWith(passphrase);

    it.each(keys)('reads ours (%s)', (_name, key) => {
      const file = fileWith(encryptPrivateKey(key, passphrase));
      const plain = openssl(['pkcs8', '-in', file, '-passin', `file:${secret}`]);
      expect(createPrivateKey(plain).equals(key)).toBe(true);
    });

    it.each(keys)('writes what we write: the same algorithms and costs (%s)', (_name, key) => {
      const plain = fileWith(key.export({ type: 'pkcs8', format: 'pem' }).toString());
      const theirs = openssl(['pkcs8', '-topk8', '-scrypt', '-in', plain, '-passout', `file:${secret}`]);
      expect(createPrivateKey({ key: theirs, passphrase }).equals(key)).toBe(true);
      // Length of the salt, and with it of what is around it, is the version's choice.
      const shape = (pem: string): string =>
        openssl(['asn1parse'], pem)
          .replaceAll(/^.*?(?:prim|cons): /gm, '')
          .replaceAll(/\[HEX DUMP\]:[0-9A-F]+/g, '');
      expect(shape(encryptPrivateKey(key, passphrase))).toBe(shape(theirs));
    });
  });
});

describe('a DER integer', () => {
  it.each([
    [0, '020100'],
    [127, '02017f'],
    [128, '02020080'],
    [16_384, '02024000'],
    [32_768, '0203008000'],
    [Number.MAX_SAFE_INTEGER, '02071fffffffffffff'],
  ])('of %d is minimal and has no sign', (value, expected) => {
    expect(Buffer.from(integer(value)).toString('hex')).toBe(expected);
  });

  it('is no fraction and not negative', () => {
    for (const wrong of [-1, 0.5, 2 ** 53]) expect(() => integer(wrong)).toThrow(RangeError);
  });
});
