import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface DeviceManager {
  /** The JWK Set that the gateway is configured with. */
  readonly jwks: object;
  /** What a device shows to say which one it is, and in which state. */
  readonly posture: (device: string) => Promise<string>;
}

/** The plant's device management: it vouches for the devices that it manages, five minutes at a time. */
export async function createDeviceManager(issuer: string, audience: string): Promise<DeviceManager> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'devices-1', alg: 'ES256', use: 'sig' };
  return {
    jwks: { keys: [jwk] },
    posture: (device) =>
      new SignJWT({ trust: 'managed' })
        .setProtectedHeader({ alg: 'ES256', kid: jwk.kid, typ: 'JWT' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(device)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
  };
}
