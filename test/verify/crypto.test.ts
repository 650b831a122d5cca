import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ecdsaRaw } from '../../src/call/ecdsa-signature.ts';
import { importEd25519, importP256 } from '../../src/verify/crypto.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

describe('keys', () => {
  const spki = { type: 'spki', format: 'der' } as const;
  const p256 = Uint8Array.from(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export(spki));
  const ed25519 = Uint8Array.from(generateKeyPairSync('ed25519').publicKey.export(spki));

  it('are of exactly one algorithm', async () => {
    expect(await importP256(ed25519)).toBeUndefined();
    expect(await importEd25519(p256)).toBeUndefined();
  });

  it('are refused when the point is not on the curve', async () => {
    const off = Uint8Array.from(p256);
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
    expect(await importP256(off)).toBeUndefined();
  });

  it('are refused with anything before, inside or after their one encoding', async () => {
    expect(await importP256(Uint8Array.of(...p256, 0))).toBeUndefined();
    expect(await importEd25519(ed25519.subarray(0, -1))).toBeUndefined();
    const otherCurve = Uint8Array.from(p256);
    otherCurve[22] = 0x06;
    expect(await importP256(otherCurve)).toBeUndefined();
  });
});

describe('an ECDSA signature', () => {
  const one = '020101';
  const order = '022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';

  it.each([
    ['is the one DER encoding of two numbers', `3006${one}${one}`, true],
    ['has no r of zero', `3006020100${one}`, false],
    ['has no s of zero', `3006${one}020100`, false],
    ['has no r of the order', `3026${order}${one}`, false],
    ['has no s of the order', `3026${one}${order}`, false],
    ['has no negative number', `3006020181${one}`, false],
    ['has no padded number', `300702020001${one}`, false],
    ['has no long-form length', `308106${one}${one}`, false],
    ['has nothing after it', `3006${one}${one}00`, false],
    ['has nothing after its numbers', `3009${one}${one}${one}`, false],
    ['is not cut off', `3006${one}0201`, false],
    ['is not empty', '', false],
  ])('%s', (_, hex, valid) => {
    expect(ecdsaRaw(bytes(hex)) !== undefined).toBe(valid);
  });
});
