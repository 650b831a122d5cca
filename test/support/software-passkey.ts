import { createHash, createSign, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import type { JsonObject } from '../../src/call/json.ts';

/** An authenticator and a browser in one, which do what they are told: also what no genuine one would. */
export interface SoftwarePasskey {
  readonly id: string;
  counter: number;
  create(options: JsonObject, lie?: Lie): JsonObject;
  get(options: JsonObject, lie?: Lie): JsonObject;
}

/** Where it departs from what was asked. */
export interface Lie {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly flags?: number;
  readonly crossOrigin?: boolean;
  readonly algorithm?: number;
  readonly userHandle?: string;
  readonly id?: string;
  readonly signature?: Uint8Array;
  /** The client data, as it was signed. */
  readonly text?: (text: string) => string;
  /** Signs for a new key’s data, as no assertion has it. */
  readonly attested?: boolean;
}

const userPresent = 0x01;
const userVerified = 0x04;
const hasCredential = 0x40;

export function softwarePasskey(origin: string): SoftwarePasskey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const credentialId = randomBytes(32);
  const id = credentialId.toString('base64url');
  let userHandle = '';
  const clientData = (type: string, options: JsonObject, lie: Lie): Buffer => {
    const text = JSON.stringify({
      type: lie.type ?? type,
      challenge: lie.challenge ?? options['challenge'],
      origin: lie.origin ?? origin,
      crossOrigin: lie.crossOrigin ?? false,
    });
    return Buffer.from(lie.text?.(text) ?? text);
  };
  const attested = (algorithm = -7): Buffer =>
    Buffer.concat([
      Buffer.alloc(16),
      Buffer.from([0, credentialId.length]),
      credentialId,
      coseKey(publicKey, algorithm),
    ]);
  const passkey: SoftwarePasskey = {
    id,
    counter: 0,
    create(options, lie = {}) {
      const { rp, user } = options as { rp: { id: string }; user: { id: string } };
      userHandle = user.id;
      const flags = lie.flags ?? userPresent | userVerified | hasCredential;
      const head = authenticatorData(lie.rpId ?? rp.id, flags, passkey.counter);
      const data = Buffer.concat([head, attested(lie.algorithm)]);
      return credential(lie.id ?? id, {
        clientDataJSON: clientData('webauthn.create', options, lie).toString('base64url'),
        attestationObject: Buffer.concat([
          // {"fmt": "none", "attStmt": {}, "authData": …}
          Buffer.from('a363666d74646e6f6e656761747453746d74a0686175746844617461', 'hex'),
          bytesOf(data),
        ]).toString('base64url'),
      });
    },
    get(options, lie = {}) {
      const more = lie.attested === true ? attested() : Buffer.alloc(0);
      const flags = lie.flags ?? userPresent | userVerified | (more.length > 0 ? hasCredential : 0);
      const head = authenticatorData(lie.rpId ?? (options['rpId'] as string), flags, passkey.counter);
      const data = Buffer.concat([head, more]);
      const client = clientData('webauthn.get', options, lie);
      const signed = Buffer.concat([data, createHash('sha256').update(client).digest()]);
      const signature = lie.signature ?? createSign('sha256').update(signed).sign(privateKey);
      return credential(lie.id ?? id, {
        clientDataJSON: client.toString('base64url'),
        authenticatorData: data.toString('base64url'),
        signature: Buffer.from(signature).toString('base64url'),
        userHandle: lie.userHandle ?? userHandle,
      });
    },
  };
  return passkey;
}

function credential(id: string, response: JsonObject): JsonObject {
  return { id, rawId: id, type: 'public-key', response, clientExtensionResults: {} };
}

function authenticatorData(rpId: string, flags: number, counter: number): Buffer {
  const tail = Buffer.alloc(5);
  tail.writeUInt8(flags);
  tail.writeUInt32BE(counter, 1);
  return Buffer.concat([createHash('sha256').update(rpId).digest(), tail]);
}

/** CBOR: `{1: 2, 3: algorithm, -1: 1, -2: x, -3: y}`. */
function coseKey(publicKey: KeyObject, algorithm: number): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x20 | (-1 - algorithm), 0x20, 0x01, 0x21]),
    bytesOf(Buffer.from(x, 'base64url')),
    Buffer.from([0x22]),
    bytesOf(Buffer.from(y, 'base64url')),
  ]);
}

/** CBOR of a byte string of at most 255. */
function bytesOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x58, bytes.length]), bytes]);
}
