import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/call/bytes.ts';
import { oids } from '../../src/pki/oids.ts';
import { parseCertificate } from '../../src/pki/parse-certificate.ts';
import { parseTimestampResponse } from '../../src/pki/parse-timestamp.ts';
import { expectStrictUnderMutation } from './mutations.ts';
import { vector, vectorCertificate } from './vectors.ts';

const response = vector('tst.tsr');
const parsed = parseTimestampResponse(response);
const authority = parseCertificate(vectorCertificate('tleaf.pem'));
const invalid = expect.objectContaining({ code: 'FRAME_INVALID' });

describe('a timestamp response', () => {
  it('is read field by field', () => {
    expect(parsed).toMatchObject({
      status: 0,
      tstInfo: {
        policy: '1.3.6.1.4.1.57264.2',
        imprintAlgorithm: oids.sha256,
        imprint: sha256(vector('sig.bin')),
        genTime: Date.UTC(2026, 10, 21, 21, 17, 31, 603),
        accuracy: undefined,
        extensions: [],
      },
      signerIssuer: authority.issuer,
      signerSerial: authority.serial,
      digestAlgorithm: oids.sha256,
      contentType: oids.tstInfo,
      signerCertificate: { algorithm: oids.sha256, digest: sha256(authority.raw) },
      signatureAlgorithm: oids.ecdsaWithSha256,
      certificates: [authority.raw],
    });
  });

  it('hands out the very bytes that its signature is over', () => {
    const key = createPublicKey({ key: Buffer.from(authority.spki), format: 'der', type: 'spki' });
    expect(verify('sha256', parsed.signedAttributes, key, parsed.signature)).toBe(true);
    expect(parsed.messageDigest).toEqual(sha256(parsed.tstInfoBytes));
  });

  it('leaves a Buffer that it was given as it was, though signed attributes are re-tagged', () => {
    const buffer = Buffer.from(response);
    expect(parseTimestampResponse(buffer)).toEqual(parsed);
    expect(new Uint8Array(buffer)).toEqual(response);
  });

  it.each([
    ['with bytes after it', concatBytes(response, Uint8Array.of(0))],
    ['that is cut off', response.subarray(0, -1)],
    ['that was rejected', response.map((byte, i) => (i === 8 ? 2 : byte))],
    ['of a status without a token', Uint8Array.of(0x30, 5, 0x30, 3, 2, 1, 0)],
    ['of nothing', new Uint8Array(0)],
  ])('%s is refused', (_what, bytes) => {
    expect(() => parseTimestampResponse(bytes)).toThrow(invalid);
  });

  it('is refused or read whatever bytes of it are changed', () => {
    expectStrictUnderMutation(response, parseTimestampResponse);
  });
});

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
