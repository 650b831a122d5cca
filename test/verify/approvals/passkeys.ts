import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { PasskeyAssertion } from '../../../src/verify/passkey.ts';

/** An authenticator and a browser, honest unless told otherwise. */

export const flags = { present: 0x01, verified: 0x04 } as const;

const passkey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

export interface Dishonest {
  readonly challenge?: string;
  readonly type?: string;
  readonly rpId?: string;
  readonly origin?: string;
  readonly crossOrigin?: boolean;
  /** The domain that the authenticator hashed. */
  readonly hashed?: string;
  readonly flags?: number;
  /** Bytes after the counter. */
  readonly more?: readonly number[];
  /** Bytes that are missing at its end. */
  readonly cut?: number;
  readonly text?: (text: string) => string;
  readonly otherKey?: boolean;
  /** `r ‖ s` instead of DER. */
  readonly raw?: boolean;
  readonly spki?: Uint8Array;
}

/** `challenge` is hex. */
export function signedAssertion(asked: string, dishonest: Dishonest = {}): PasskeyAssertion {
  const { challenge = asked, rpId = 'example.org', origin = 'https://example.org', more = [] } = dishonest;
  const { type = 'webauthn.get', crossOrigin = false, text = (same: string) => same } = dishonest;
  const hash = createHash('sha256')
    .update(dishonest.hashed ?? rpId)
    .digest();
  const flag = dishonest.flags ?? flags.present | flags.verified;
  const whole = Buffer.concat([hash, Buffer.from([flag, 0, 0, 0, 7, ...more])]);
  const authenticatorData = whole.subarray(0, whole.length - (dishonest.cut ?? 0));
  const encoded = Buffer.from(challenge, 'hex').toString('base64url');
  const clientDataJson = Buffer.from(text(JSON.stringify({ type, challenge: encoded, origin, crossOrigin })));
  const signed = Buffer.concat([authenticatorData, createHash('sha256').update(clientDataJson).digest()]);
  const { privateKey } = dishonest.otherKey === true ? stranger : passkey;
  const dsaEncoding = dishonest.raw === true ? 'ieee-p1363' : 'der';
  return {
    publicKey: dishonest.spki ?? passkey.publicKey.export({ type: 'spki', format: 'der' }),
    rpId,
    authenticatorData,
    clientDataJson,
    signature: sign('sha256', signed, { key: privateKey, dsaEncoding }),
  };
}
