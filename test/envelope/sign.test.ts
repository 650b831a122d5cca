import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/call/bytes.ts';
import { pae } from '../../src/envelope/dsse.ts';
import { leafBody } from '../../src/envelope/leaf-body.ts';
import { signStatement } from '../../src/envelope/sign.ts';
import { verdict } from '../../src/envelope/statements.ts';
import { dssePayloadType } from '../../src/names.ts';
import { parseTimestampResponse } from '../../src/pki/parse-timestamp.ts';
import { testTrust } from '../pki/trust-system.ts';
import { allowed, time } from './facts.ts';

const { identity, timestamps } = await testTrust();
const statement = verdict(allowed);
const code = (expected: string): unknown => expect.objectContaining({ code: expected });
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());

describe('signing a statement', () => {
  it('signs the pre-authentication encoding of its bytes and has the signature stamped', async () => {
    const signed = await signStatement('allow', statement, identity, timestamps, time);
    expect(signed.kind).toBe('allow');
    expect(signed.payload).toEqual(utf8(JSON.stringify(statement)));
    const encoded = pae(dssePayloadType, signed.payload);
    const key = createPublicKey({ key: Buffer.from(identity.signer.publicKey), format: 'der', type: 'spki' });
    expect(verify('sha256', encoded, key, signed.signature)).toBe(true);
    expect(signed.paeSha256).toEqual(sha256(encoded));
    expect(parseTimestampResponse(signed.timestamp).tstInfo.imprint).toEqual(sha256(signed.signature));
    expect(signed.leaf).toEqual(
      leafBody({
        paeSha256: signed.paeSha256,
        signature: signed.signature,
        certificate: identity.certificate,
      }),
    );
  });

  it('answers at once when its keys do', () => {
    expect(signStatement('allow', statement, identity, timestamps, time)).not.toBeInstanceOf(Promise);
  });

  it('waits for keys that have to be waited for', async () => {
    const sign = async (data: Uint8Array): Promise<Uint8Array> => identity.signer.sign(data);
    const slow = { ...identity, signer: { ...identity.signer, sign } };
    const stamps = { stamp: async (message: Uint8Array, at: number) => timestamps.stamp(message, at) };
    const signed = await signStatement('allow', statement, slow, stamps, time);
    expect(parseTimestampResponse(signed.timestamp).tstInfo.imprint).toEqual(sha256(signed.signature));
  });

  it('never signs a DENY as an ALLOW', () => {
    expect(() => signStatement('deny', statement, identity, timestamps, time)).toThrow(code('INTERNAL'));
  });

  it('refuses a time outside the signing certificate', () => {
    for (const at of [identity.notBefore - 1, identity.notAfter + 1, Number.NaN]) {
      expect(() => signStatement('allow', statement, identity, timestamps, at)).toThrow(
        code('CERTIFICATE_NOT_VALID'),
      );
    }
  });

  it('says SIGNING_FAILED when the key fails, without what the key said', () => {
    const broken = (): never => {
      throw new Error('token=secret');
    };
    const failing = { ...identity, signer: { ...identity.signer, sign: broken } };
    const attempt = () => signStatement('allow', statement, failing, timestamps, time);
    expect(attempt).toThrow(code('SIGNING_FAILED'));
    expect(attempt).not.toThrow('secret');
  });
});
