import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, utf8 } from '../../../src/call/sha256.ts';
import { CheckFailed } from '../../../src/verify/codes.ts';
import {
  requireAssertionSignature,
  requirePasskey,
  type PasskeyAssertion,
} from '../../../src/verify/passkey.ts';
import { flags, signedAssertion } from './passkeys.ts';

const hexed = (text: string): Uint8Array<ArrayBuffer> => fromHex(text) ?? new Uint8Array();

/** The codes and places of what fails; empty when nothing does. */
async function found(check: Promise<void>): Promise<string> {
  try {
    await check;
    return '';
  } catch (error) {
    if (!(error instanceof CheckFailed)) throw error;
    return `${error.failure.code} ${error.failure.field}`;
  }
}

/** https://www.w3.org/TR/webauthn-3/#sctn-test-vectors: assertions of ES256 credentials for example.org. */
const published = [
  {
    name: 'none attestation, its owner not verified',
    x: 'afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61',
    y: '930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220',
    challenge: '39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408',
    authenticatorData: 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b51900000000',
    clientData:
      '{"type":"webauthn.get","challenge":"OcDnUhQXulTUPo3JUXT0I97pvzzYBP9tZchXyav01Ag","origin":"https://example.org","crossOrigin":false}',
    signature:
      '3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87',
    refusedFor: 'authenticatorData',
  },
  {
    name: 'cross-origin',
    x: '22200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d',
    y: 'cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e',
    challenge: '876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137',
    authenticatorData: 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b50500000000',
    clientData:
      '{"type":"webauthn.get","challenge":"h2qlF7qD_e5l_P_bykyE7q5dVPgEGh_IXJkeW7snMTc","origin":"https://example.org","crossOrigin":true,"extraData":"clientDataJSON may be extended with additional fields in the future, such as this: 92pcTVD0Aby-q4dtmj6efg"}',
    signature:
      '3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf',
    refusedFor: 'clientDataJson',
  },
];

const spki = (x: string, y: string) =>
  concatBytes(hexed('3059301306072a8648ce3d020106082a8648ce3d03010703420004'), hexed(x), hexed(y));

describe('the published assertions of WebAuthn', () => {
  it.each(published)('$name: the signature holds, over exactly these bytes', async (vector) => {
    const assertion: PasskeyAssertion = {
      publicKey: spki(vector.x, vector.y),
      rpId: 'example.org',
      authenticatorData: hexed(vector.authenticatorData),
      clientDataJson: utf8(vector.clientData),
      signature: hexed(vector.signature),
    };
    expect(await found(requireAssertionSignature(assertion, 'a'))).toBe('');
    for (const part of ['authenticatorData', 'clientDataJson'] as const) {
      const bytes = assertion[part].slice();
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      expect(await found(requireAssertionSignature({ ...assertion, [part]: bytes }, 'a'))).toBe(
        'APPROVAL_INVALID a.signature',
      );
    }
    // No approval all the same: nobody was verified, or another site's page asked.
    expect(await found(requirePasskey(assertion, vector.challenge, 'a'))).toBe(
      `APPROVAL_INVALID a.${vector.refusedFor}`,
    );
  });
});

const challenge = createHash('sha256').update('request').digest('hex');

describe('a passkey', () => {
  it('approves what it signed, on its own domain and those below it', async () => {
    expect(await found(requirePasskey(signedAssertion(challenge), challenge, 'a'))).toBe('');
    const below = signedAssertion(challenge, { origin: 'https://approve.example.org:8443' });
    expect(await found(requirePasskey(below, challenge, 'a'))).toBe('');
    const local = signedAssertion(challenge, { rpId: 'localhost', origin: 'http://localhost:8443' });
    expect(await found(requirePasskey(local, challenge, 'a'))).toBe('');
    const extended = signedAssertion(challenge, {
      flags: flags.present | flags.verified | 0x80,
      more: [0xa0],
    });
    expect(await found(requirePasskey(extended, challenge, 'a'))).toBe('');
  });

  it.each<[string, Parameters<typeof signedAssertion>[1], string]>([
    ['another challenge', { challenge: 'f'.repeat(64) }, 'clientDataJson'],
    ['a registration', { type: 'webauthn.create' }, 'clientDataJson'],
    ['a page of another domain', { origin: 'https://example.org.evil.example' }, 'clientDataJson'],
    ['a domain that only ends alike', { origin: 'https://evilexample.org' }, 'clientDataJson'],
    ['a page without TLS', { origin: 'http://example.org' }, 'clientDataJson'],
    ['no origin', { origin: 'null' }, 'clientDataJson'],
    ['another page around it', { crossOrigin: true }, 'clientDataJson'],
    [
      'client data that says two things',
      { text: (text) => text.replace('{', '{"type":"x",') },
      'clientDataJson',
    ],
    ['client data that is none', { text: () => '[]' }, 'clientDataJson'],
    ['another domain in what the authenticator signed', { hashed: 'evil.example' }, 'authenticatorData'],
    ['nobody there', { flags: flags.verified }, 'authenticatorData'],
    ['nobody verified', { flags: flags.present }, 'authenticatorData'],
    ['data that is too long', { more: [0] }, 'authenticatorData'],
    ['data that is too short', { cut: 1 }, 'authenticatorData'],
    [
      'data of a registration',
      { flags: flags.present | flags.verified | 0xc0, more: [0xa0] },
      'authenticatorData',
    ],
    ['another key', { otherKey: true }, 'signature'],
    ['a signature in another form', { raw: true }, 'signature'],
    ['a key that is none', { spki: utf8('key') }, 'publicKey'],
  ])('does not approve with %s', async (_, forged, where) => {
    const assertion = signedAssertion(challenge, forged);
    expect(await found(requirePasskey(assertion, challenge, 'a'))).toBe(`APPROVAL_INVALID a.${where}`);
  });
});
