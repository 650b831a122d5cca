import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { base64url, fromHex, hex, utf8 } from '../../src/call/sha256.ts';
import { hpkeOpen, hpkeSeal, readHpkePrivateKey, type HpkeRecipient } from '../../src/pki/hpke.ts';

const bytes = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

/** RFC 9180, A.1.1 and A.3.1: base mode, AES-128-GCM, the encryption with sequence number 0. */
const info = bytes('4f6465206f6e2061204772656369616e2055726e');
const aad = bytes('436f756e742d30');
const plaintext = '4265617574792069732074727574682c20747275746820626561757479';
const vectors = [
  {
    kem: 0x0020,
    jwk: {
      kty: 'OKP',
      crv: 'X25519',
      x: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
      d: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
    },
    enc: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
    ciphertext: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
  },
  {
    kem: 0x0010,
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: 'fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82',
      y: '6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0',
      d: 'f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2',
    },
    enc: '04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4',
    ciphertext: '5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434',
  },
];

async function keyOf(jwk: Readonly<Record<string, string>>) {
  const encoded = Object.entries(jwk).map(([name, value]) => [
    name,
    name === 'kty' || name === 'crv' ? value : base64url(bytes(value)),
  ]);
  const key = await readHpkePrivateKey(JSON.stringify(Object.fromEntries(encoded)));
  if (key === undefined) throw new Error('the key was not read');
  return key;
}

describe('what others sealed', () => {
  it.each(vectors)('opens as RFC 9180 says: KEM $kem', async ({ kem, jwk, enc, ciphertext }) => {
    const key = await keyOf(jwk);
    const sealed = { kem, kdf: 1, aead: 1, enc: bytes(enc), ciphertext: bytes(ciphertext) };
    const opened = await hpkeOpen(key, sealed, { info, aad });
    expect(opened && hex(opened)).toBe(plaintext);
  });

  it.each([
    { kem: 0x0011, kdf: 1, aead: 1 },
    { kem: 0x0020, kdf: 2, aead: 1 },
    { kem: 0x0020, kdf: 1, aead: 0xffff },
  ])('does not open under a suite that is not known: %j', async (suite) => {
    const [vector] = vectors;
    if (vector === undefined) throw new Error('there is no vector');
    const sealed = { ...suite, enc: bytes(vector.enc), ciphertext: bytes(vector.ciphertext) };
    expect(await hpkeOpen(await keyOf(vector.jwk), sealed, { info, aad })).toBeUndefined();
  });
});

describe.each(['X25519', 'P-256'] as const)('what is sealed to a key of %s', (curve) => {
  const pair = () =>
    curve === 'X25519' ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const mine = pair();
  const jwk = mine.publicKey.export({ format: 'jwk' }) as Record<string, string>;
  const raw = (text = ''): Buffer => Buffer.from(text, 'base64url');
  const recipient: HpkeRecipient =
    curve === 'X25519'
      ? { kem: 'DHKEM(X25519, HKDF-SHA256)', publicKey: raw(jwk['x']) }
      : {
          kem: 'DHKEM(P-256, HKDF-SHA256)',
          publicKey: Buffer.concat([Buffer.of(4), raw(jwk['x']), raw(jwk['y'])]),
        };
  const pem = ({ privateKey } = mine): string =>
    privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const read = async (text: string) => {
    const key = await readHpkePrivateKey(text);
    if (key === undefined) throw new Error('the key was not read');
    return key;
  };
  const context = { info: utf8('i'), aad: utf8('a') };

  it('opens with the private key as PEM and as JWK', async () => {
    const sealed = await hpkeSeal(recipient, utf8('secret'), context);
    expect(sealed).toMatchObject({ kdf: 1, aead: 2 });
    for (const text of [pem(), JSON.stringify(mine.privateKey.export({ format: 'jwk' }))]) {
      expect(await hpkeOpen(await read(text), sealed, context)).toEqual(utf8('secret'));
    }
  });

  it('is another text each time', async () => {
    const [a, b] = [
      await hpkeSeal(recipient, utf8('x'), context),
      await hpkeSeal(recipient, utf8('x'), context),
    ];
    expect(hex(a.enc)).not.toBe(hex(b.enc));
    expect(hex(a.ciphertext)).not.toBe(hex(b.ciphertext));
  });

  it('opens with no other key, in no other context, and with no byte changed', async () => {
    const sealed = await hpkeSeal(recipient, utf8('secret'), context);
    const key = await read(pem());
    const flipped = (all: Uint8Array): Uint8Array =>
      all.map((byte, i) => (i === all.length - 1 ? byte ^ 1 : byte));
    expect(await hpkeOpen(await read(pem(pair())), sealed, context)).toBeUndefined();
    expect(await hpkeOpen(key, sealed, { ...context, aad: utf8('b') })).toBeUndefined();
    expect(await hpkeOpen(key, sealed, { ...context, info: utf8('j') })).toBeUndefined();
    expect(
      await hpkeOpen(key, { ...sealed, ciphertext: flipped(sealed.ciphertext) }, context),
    ).toBeUndefined();
    expect(await hpkeOpen(key, { ...sealed, enc: flipped(sealed.enc) }, context)).toBeUndefined();
    expect(await hpkeOpen(key, { ...sealed, aead: 1 }, context)).toBeUndefined();
  });
});

describe('a private key', () => {
  it.each([
    ['nothing', ''],
    [
      'a public key',
      generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ],
    ['a public JWK', JSON.stringify(generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }))],
    [
      'one of another curve',
      generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
    [
      'one under a passphrase',
      generateKeyPairSync('x25519')
        .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
        .toString(),
    ],
    ['something else', 'null'],
  ])('is not %s', async (_, text) => {
    expect(await readHpkePrivateKey(text)).toBeUndefined();
  });
});
